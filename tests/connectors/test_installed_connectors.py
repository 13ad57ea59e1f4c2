"""Another package provides connectors through an entry point, as if pip had installed it."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors_dagster.definitions import defs
from connectors_dagster.orchestration.location import enabled_connectors, load_location
from tests.support.rows import product

CONNECTOR = """
from pathlib import Path
from connectors_dagster import Connector, Cursor, ResourceOptions, Secret, Setting

{variable} = Connector(
    name={name!r},
    description="Products of Acme",
    schema=Path(__file__).with_name("acme.schema.yaml"),
    resources={{"products": ResourceOptions(cursor=Cursor())}},
    config={{
        "client": {{"base_url": Setting("base_url"), "auth": {{"type": "bearer", "token": Secret("token")}}}},
        "resources": [
            {{
                "name": "products",
                "primary_key": "id",
                "write_disposition": "merge",
                "endpoint": {{
                    "path": "/v1/products",
                    "data_selector": "data",
                    "paginator": {{
                        "type": "cursor", "cursor_path": "next", "cursor_param": "next", "has_more_path": "has_more"
                    }},
                    "incremental": {{"cursor_path": "updated_at"}},
                }},
            }}
        ],
    }},
)
"""
Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Put a package with these modules on Python's path, with the metadata that pip writes."""
    before = set(sys.modules)

    def install_(entry: str, **modules: str) -> None:
        site = tmp_path / "site-packages"
        package, metadata = site / "acme_connectors", site / "acme_connectors-1.0.dist-info"
        package.mkdir(parents=True)
        metadata.mkdir()
        for name, text in {"__init__": "", **modules}.items():
            (package / f"{name}.py").write_text(text)
        (package / "acme.schema.yaml").write_text("name: acme\ntables: {}\n")
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-connectors\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[connectors_dagster.connectors]\nacme = {entry}\n")
        monkeypatch.syspath_prepend(site)

    yield install_
    for name in set(sys.modules) - before:
        if name.startswith("acme_connectors"):
            del sys.modules[name]


def test_a_connector_of_another_package_loads_like_any_other(install, api, monkeypatch, materialize, warehouse):
    install("acme_connectors.shop:connector", shop=CONNECTOR.format(name="acme", variable="connector"))
    monkeypatch.setenv("CONNECTORS__ENABLED", "acme")
    monkeypatch.setenv("SOURCES__ACME__BASE_URL", api.environment["SOURCES__BILLING__BASE_URL"])
    monkeypatch.setenv("SOURCES__ACME__TOKEN", api.environment["SOURCES__BILLING__API_KEY"])
    api.set("billing/products", [product("p1", "2024-01-05T00:00:00Z")])
    assert materialize("acme/products").errors == []
    assert warehouse.ids("acme.products") == ["p1"]
    assert {spec.key.to_user_string() for spec in defs().resolve_all_asset_specs()} == {"acme/api", "acme/products"}


@pytest.mark.parametrize("entry", ["acme_connectors", "acme_connectors.shop"])
def test_an_entry_point_may_name_a_module_or_a_package_with_connectors(entry, install):
    shops = CONNECTOR.format(name="acme_eu", variable="eu") + CONNECTOR.format(name="acme_us", variable="us")
    install(entry, shop=shops, again="from acme_connectors.shop import eu", __main__="raise SystemExit('not this')")
    assert {"acme_eu", "acme_us"} < {connector.name for connector in enabled_connectors()}


def test_a_name_that_is_taken_is_refused_with_both_places(install):
    install("acme_connectors", shop=CONNECTOR.format(name="billing", variable="connector"))
    both = "billing: both in connectors/billing.py and in entry point 'acme' of acme-connectors; rename one of them"
    assert [broken.reason for broken in load_location().broken] == [both]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("acme_connectors.shop:missing", "acme_connectors.shop:missing cannot be imported: .* no attribute 'missing'"),
        ("acme_connectors.shops", "acme_connectors.shops cannot be imported: No module named 'acme_connectors.shops'"),
        ("acme_connectors.shop:text", "acme_connectors.shop:text is not a Connector"),
        ("acme_connectors.shop", "acme_connectors.shop is not a Connector, nor a module or package that contains one"),
    ],
)
def test_an_entry_point_without_a_connector_is_refused_by_its_name_and_package(entry, message, install):
    install(entry, shop="text = 'no connector'")
    location = load_location()
    (broken,) = location.broken
    assert re.match(f"entry point 'acme' of acme-connectors: {message}", str(broken))
    assert "billing" in [assets.connector.name for assets in location.enabled]

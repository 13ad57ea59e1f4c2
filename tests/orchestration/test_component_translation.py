"""The component has a prefix, a selection and a translation; a subclass can describe its assets in Python."""

import re
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from connectors_dagster import Api, Resource, RestConnector
from connectors_dagster.definitions import defs
from tests.support.rows import address, customer, product
from tests.support.scaffolded import Scaffolded

pytestmark = [  # Dagster's own uses
    pytest.mark.filterwarnings("ignore:`parse_obj_as` is deprecated"),
    pytest.mark.filterwarnings("ignore:Parameter `execution_type` of function `AssetsDefinition.__init__`"),
]
DOCS = (Path(__file__).parents[2] / "docs" / "add-your-api.md").read_text(encoding="utf-8")
MY_API = re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL)[2]
"""Products in windows, customers, and their addresses."""


class Described(RestConnector):
    """A custom component."""

    def get_asset_spec(self, asset: Resource | Api) -> dg.AssetSpec:
        spec = super().get_asset_spec(asset)
        return spec if isinstance(asset, Api) else spec.merge_attributes(tags={"keys": "-".join(asset.primary_key)})


def specs(definitions: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}


def test_the_command_line_materializes_a_translated_component_and_reads_back_what_it_loaded(
    scaffolded: Scaffolded, api, monkeypatch, materialize, warehouse
):
    translation = '  key_prefix: acme\n  translation: {key: "{{ connector.name }}/raw/{{ resource.name }}"}\n'
    scaffolded.put("my_api", MY_API + translation)
    monkeypatch.setenv("SOURCES__MY_API__BASE_URL", api.environment["SOURCES__BILLING__BASE_URL"])
    monkeypatch.setenv("SOURCES__MY_API__TOKEN", api.environment["SOURCES__BILLING__API_KEY"])
    api.set("billing/products", [product("p1", "2024-01-05T00:00:00Z")])
    api.set("billing/customers", [customer("c1")])
    api.set("billing/customer_addresses", [address("a1", "c1")])
    summary = materialize("my_api", until=datetime(2024, 1, 2, tzinfo=UTC))
    assert not summary.errors
    assert {name: line.rows for name, line in summary.lines.items()} == {
        "acme/my_api/raw/products": 1,
        "acme/my_api/raw/customers": 1,
        "acme/my_api/raw/addresses": 1,
    }
    assert all(line.seconds > 0 for line in summary.lines.values())
    assert warehouse.ids("my_api.products") == ["p1"]
    assert {name for name in specs(defs()) if name.startswith("acme")} == {*summary.lines, "acme/my_api/raw/api"}


def test_a_translation_in_yaml_changes_the_default_asset(scaffolded):
    translation = """
  select: [products]
  translation:
    group_name: sales
    owners: ["team:sales"]
    description: "{{ spec.description }} Ask sales."
    tags: {cursor: "{{ 'yes' if resource.name == 'products' else 'no' }}"}
"""
    scaffolded.put("my_api", MY_API + translation)
    _, definitions = scaffolded.load()
    found = specs(definitions)
    assert set(found) == {"my_api/products", "my_api/api"}
    assert {spec.group_name for spec in found.values()} == {"sales"}
    products = found["my_api/products"]
    assert (products.owners, products.tags["cursor"], products.tags["connector"]) == (["team:sales"], "yes", "my_api")
    assert re.fullmatch(r"`/v1/products` of my_api.* Ask sales\.", str(products.description))


def test_a_subclass_describes_its_assets_before_the_translation_in_yaml_is_applied(scaffolded):
    text = MY_API.replace("connectors_dagster.RestConnector", f"{__name__}.Described")
    translation = "  translation: {description: \"by {{ spec.tags['keys'] or 'nobody' }}\"}\n"
    scaffolded.put("my_api", text + translation)
    component, definitions = scaffolded.load()
    assert isinstance(component, Described)
    assert specs(definitions)["my_api/customers"].description == "by id"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (
            "select: [product]",
            "my_api: select names 'product', which is not a resource of my_api; did you mean 'products'",
        ),
        ("translation: {key: all}", "my_api: the translation gives 'api' and"),
        ('translation: {key: "{{ resource.nam }}"}', "no attribute 'nam'"),
    ],
)
def test_an_invalid_selection_or_translation_fails_with_its_name(written, message, scaffolded):
    scaffolded.put("my_api", f"{MY_API}  {written}\n")
    with pytest.raises(Exception, match=r"my_api|nam") as caught:
        scaffolded.load()
    assert message in str(caught.value.__cause__ or caught.value)


def test_a_resource_that_is_not_selected_is_unknown_to_the_command_line(scaffolded, materialize):
    scaffolded.put("my_api", f"{MY_API}  select: [products]\n")
    with pytest.raises(
        ValueError, match="my_api/customers is not loaded: SOURCES__MY_API__RESOURCES, or the connector itself"
    ):
        materialize("my_api/customers")

"""Executes the examples of the page for people with their own Dagster project."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import dagster as dg
import pytest
import yaml

from connectors_dagster import RestConnector
from connectors_dagster.connectors import ENTRY_POINTS
from connectors_dagster.orchestration import runs
from tests.support.rows import order

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "your-own-dagster-project.md").read_text(encoding="utf-8")
BLOCKS = {kind: re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL) for kind in ("python", "yaml", "toml")}


@pytest.fixture
def my_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write the example as a project."""
    package = tmp_path / "my_project"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "definitions.py").write_text(BLOCKS["python"][0])
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_the_example_is_valid_without_any_setting_and_writes_nothing(my_project):
    clean = {name: value for name, value in os.environ.items() if name in {"PATH", "PYTHONPATH", "HOME"}}
    command = [sys.executable, "-m", "dagster", "definitions", "validate", "-m", "my_project.definitions"]
    done = subprocess.run(command, cwd=my_project, env=clean, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All code locations passed validation" in done.stdout + done.stderr
    written = {path.name for path in my_project.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert written == {"__init__.py", "definitions.py"}


def test_the_example_loads_windows_under_its_own_keys(my_project, api, instance, warehouse, monkeypatch):
    names: dict[str, object] = {}
    exec(compile(BLOCKS["python"][0], "definitions.py", "exec"), names)
    definitions = names["defs"]()
    specs = {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}
    assert {key for key in specs if key.startswith("raw/sales")} == {
        "raw/sales/api",
        "raw/sales/customers",
        "raw/sales/orders",
    }
    assert specs["raw/sales/orders"].tags["tier"] == "gold"
    assert "raw/billing/customers" in specs
    api.set("storefront/orders", [order(1, "2024-01-05T00:00:00")])
    instance.add_dynamic_partitions("windows_P30D_from_2024-01-01", ["2024-01-01"])
    orders = dg.AssetKey(["raw", "sales", "orders"])
    result = definitions.resolve_job_def("raw_storefront").execute_in_process(
        run_config=runs.QUIET, instance=instance, partition_key="2024-01-01", asset_selection=[orders]
    )
    assert result.success
    assert warehouse.ids("storefront.orders") == [1]


@pytest.mark.filterwarnings("ignore:`parse_obj_as` is deprecated")  # Dagster's own use
def test_the_component_and_the_subclass_on_the_page_have_the_metadata_that_it_describes(tmp_path, monkeypatch):
    defs = tmp_path / "my_defs"
    (defs / "helpdesk").mkdir(parents=True)
    (defs / "__init__.py").touch()
    (tmp_path / "my_components.py").write_text(BLOCKS["python"][1])
    text = BLOCKS["yaml"][0].replace("connectors_dagster.RestConnector", "my_components.SupportConnector")
    (defs / "helpdesk" / "defs.yaml").write_text(text)
    (defs / "helpdesk" / "schema.yaml").write_text("tables: {}")
    monkeypatch.syspath_prepend(tmp_path)
    import my_defs  # type: ignore[import-not-found]

    (component,) = dg.ComponentTree.from_module(defs_module=my_defs, project_root=tmp_path).get_all_components(
        of_type=RestConnector
    )
    found = {spec.key.to_user_string(): spec for spec in component.shops[0].specs.values()}
    assert set(found) == {"raw/support/api", "raw/support/tickets"}
    tickets = found["raw/support/tickets"]
    assert (tickets.group_name, tickets.owners, tickets.tags["key"]) == ("support", ["team:support"], "id")
    assert str(tickets.description).endswith("Ask the support team.")


def test_the_pools_and_the_entry_point_on_the_page_are_the_ones_in_use():
    ours = yaml.safe_load((ROOT / ".dagster" / "dagster.yaml").read_text(encoding="utf-8"))
    assert yaml.safe_load(BLOCKS["yaml"][1])["concurrency"] == ours["concurrency"]
    assert list(tomllib.loads(BLOCKS["toml"][0])["project"]["entry-points"]) == [ENTRY_POINTS]

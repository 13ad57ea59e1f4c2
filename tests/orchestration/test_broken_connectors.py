"""A broken connector or setting is named with its file and line, and the other connectors go on."""

import re
import sys
from io import StringIO

import dagster as dg
import pytest
from click.testing import CliRunner
from rich.console import Console

from connectors_dagster import connectors, definitions
from connectors_dagster.cli import main, process, terminal
from connectors_dagster.cli.run import materialize
from connectors_dagster.orchestration.broken import BrokenConnectorsError
from connectors_dagster.orchestration.location import load_location
from tests.support.rows import customer
from tests.support.scaffolded import Scaffolded

pytestmark = pytest.mark.filterwarnings("ignore:`parse_obj_as` is deprecated")  # Dagster's own use
GOOD = """\
type: connectors_dagster.RestConnector
attributes:
  name: good
  description: A connector that works
  config:
    client: {base_url: "{{ setting.base_url }}"}
    resources:
    - name: things
      primary_key: id
      endpoint: {path: /things, data_selector: data, paginator: single_page}
"""
BROKEN = {
    "a misspelt paginator": ("paginator: single_page", "paginator: header_links", "header_links"),
    "a selector that is no path": ("data_selector: data", "data_selector: 'data[['", "data_selector"),
    "no key": ("primary_key: id", "selected: true", "bad/things: primary_key is missing"),
    "nothing selected": (
        "primary_key: id",
        "primary_key: id\n      selected: false",
        "every resource has 'selected: false'",
    ),
    "a name with capitals": ("name: bad", "name: Bad", "must be lower-case letters"),
    "a missing field": ("description: A connector that works", "", "description at .*/bad/defs.yaml:2: Field required"),
    "a key twice": (
        "  description: A",
        "  description: B\n  description: A",
        "defs/bad/defs.yaml:5: .*'description' is written twice",
    ),
    "a tab": ("  name: bad", "\tname: bad", r"defs/bad/defs.yaml:3: is not YAML: .*'\\t'"),
    "a credential in a header": ("{base_url:", "{headers: {X-Api-Key: t0p-s3cret}, base_url:", "X-Api-Key of headers"),
    "a type that is not there": ("RestConnector", "Rest", "`connectors_dagster` has no attribute `Rest`"),
}
SCHEMAS = {
    "empty": ("", "the file must begin with 'tables:'; to declare no columns, write 'tables: {}'"),
    "a list": ("- id", "the file must begin with 'tables:'"),
    "broken": ("tables: [\n", ":2: is not YAML: "),
    "no text": (b"\xff\xfe\x01", ": is not YAML: "),
    "columns in a list": ("tables: {things: {columns: [id]}}", "the table 'things' must have 'columns'"),
    "a table without columns": ("tables: {things: }", "the table 'things' must have 'columns'"),
    "a column without hints": ("tables: {things: {columns: {id: text}}}", "column 'id': 'text' is not a mapping"),
    "an unknown type": (
        "tables: {things: {columns: {id: {data_type: txt}}}}",
        "'txt' does not exist; did you mean 'text'",
    ),
    "a name that YAML does not read as text": (
        "tables: {things: {columns: {no: {data_type: text}}}}",
        "YAML reads this name as true or false, as it does no, yes, on and off: write it in quotes",
    ),
    "an unknown table": (
        "tables: {thingz: {columns: {}}}",
        "no resource for the table 'thingz'; did you mean 'things'",
    ),
    "a key twice": (
        "tables:\n  things: {columns: {}}\n  things: {columns: {}}",
        ":3: .*'things' is written",
    ),
}


@pytest.fixture
def in_defs(scaffolded: Scaffolded, monkeypatch: pytest.MonkeyPatch) -> Scaffolded:
    scaffolded.put("good", GOOD)
    return scaffolded


@pytest.mark.parametrize(("before", "after", "message"), BROKEN.values(), ids=list(BROKEN))
def test_a_broken_file_is_named_and_the_others_are_loaded(before, after, message, in_defs):
    in_defs.put("bad", GOOD.replace("name: good", "name: bad").replace(before, after))
    location = load_location()
    assert {"good", "billing"} < {assets.connector.name for assets in location.enabled}
    (broken,) = location.broken
    assert broken.place.startswith("defs/bad/defs.yaml")
    assert re.search(message, str(broken))
    assert "t0p-s3cret" not in str(broken)


@pytest.mark.parametrize(("schema", "message"), SCHEMAS.values(), ids=list(SCHEMAS))
def test_a_broken_schema_file_is_named_with_what_to_write(schema, message, in_defs):
    in_defs.put("bad", GOOD.replace("name: good", "name: bad"))
    file = in_defs.folder / "bad" / "schema.yaml"
    file.write_bytes(schema if isinstance(schema, bytes) else schema.encode())
    (broken,) = load_location().broken
    assert re.search(rf"defs/bad/defs.yaml: bad: schema.yaml.*{message}", str(broken))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("raise RuntimeError('no such table')", "RuntimeError: no such table"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise GeneratorExit", "GeneratorExit: "),
    ],
)
def test_a_broken_python_file_is_named_with_its_line(in_defs, line, message):
    (in_defs.folder / "code").mkdir()
    (in_defs.folder / "code" / "assets.py").write_text(f"\n{line}\n")
    (broken,) = load_location().broken
    assert str(broken) == f"code/assets.py:2: {message}"


def test_a_python_connector_that_ends_the_process_is_named_and_the_others_are_loaded(in_defs, monkeypatch, tmp_path):
    file = tmp_path / "more" / "leaving.py"
    file.parent.mkdir()
    file.write_text("import sys\n\nsys.exit(3)\n")
    monkeypatch.setattr(connectors, "__path__", [*connectors.__path__, str(file.parent)])
    location = load_location()
    assert [str(broken) for broken in location.broken] == ["connectors/leaving.py: SystemExit: 3"]
    assert "billing" in {assets.connector.name for assets in location.enabled}


def test_the_ui_shows_what_is_broken_in_a_sensor_that_fails(in_defs, caplog):
    assert "broken_connectors" not in {sensor.name for sensor in definitions.defs().sensors or ()}
    in_defs.put("bad", GOOD.replace("name: good", "name: Bad"))
    loaded = definitions.defs()
    assert "left out: defs/bad/defs.yaml" in caplog.text
    (sensor,) = [sensor for sensor in loaded.sensors or () if sensor.name == "broken_connectors"]
    assert isinstance(sensor, dg.SensorDefinition)
    assert sensor.default_status == dg.DefaultSensorStatus.RUNNING
    with pytest.raises(Exception, match=r"defs/bad/defs.yaml"):
        sensor.evaluate_tick(dg.build_sensor_context())


def test_the_code_location_fails_only_if_nothing_else_is_left(in_defs, monkeypatch):
    in_defs.put("bad", GOOD.replace("name: good", "name: bad").replace("primary_key: id", ""))
    monkeypatch.setenv("CONNECTORS__ENABLED", "bad")
    with pytest.raises(BrokenConnectorsError, match="bad/things: primary_key is missing"):
        definitions.defs()


@pytest.mark.parametrize("name", ["good", "billing"])
def test_a_setting_of_one_connector_that_is_wrong_leaves_the_others(name, in_defs, monkeypatch):
    monkeypatch.setenv(f"SOURCES__{name.upper()}__STALE_AFTER_HOURS", "a day")
    location = load_location()
    names = {assets.connector.name for assets in location.enabled}
    assert name not in names and {"good", "billing", "storefront"} - {name} <= names
    (broken,) = location.broken
    assert f"SOURCES__{name.upper()}__STALE_AFTER_HOURS is 'a day'" in str(broken)


def test_the_command_line_loads_the_others_names_what_is_broken_and_ends_with_1(in_defs, api, warehouse, monkeypatch):
    shown = StringIO()
    monkeypatch.setattr(terminal, "out", Console(file=shown, soft_wrap=True))
    in_defs.put("bad", GOOD.replace("name: good", "name: bad").replace("primary_key: id", ""))
    api.set("billing/customers", [customer("c1")])
    summary = materialize(["billing/customers"])
    assert warehouse.ids("billing.customers") == ["c1"]
    assert [error for error in summary.errors if "bad/things: primary_key is missing" in error]
    monkeypatch.setattr(process, "end", sys.exit)  # not at once
    assert CliRunner().invoke(main, ["list"]).exit_code == 1
    assert "broken  defs/bad/defs.yaml: bad/things: primary_key is missing" in shown.getvalue()
    assert "billing.customers" in shown.getvalue()

"""The command that imports a connector of Airbyte with its configuration, streams and state."""

import json
import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors_dagster.orchestration import manifest_component
from connectors_dagster.orchestration.instance import open_instance
from connectors_dagster.orchestration.location import load_location
from connectors_dagster.orchestration.selection import select
from connectors_dagster.orchestration.status import status_of
from tests.airbyte.test_load import CREW, NOW

CONFIG = {
    "host": "https://crew.example",
    "start_date": "2024-01-01T00:00:00Z",
    "credentials": {"token": "t0ken-of-crew", "inner": {"a": 1}},
    "nonsense": 1,
}


def configured(name: str, mode: str, **more: Any) -> dict[str, Any]:
    return {"stream": {"name": name}, "sync_mode": mode, "destination_sync_mode": "append_dedup", **more}


CATALOG = {
    "streams": [
        configured("shifts", "incremental", cursor_field=["changed"], primary_key=[["id"]]),
        configured("plan", "full_refresh", primary_key=[["code"], ["seats"]]),
        configured("gone", "full_refresh"),
    ]
}
STATE = [
    {
        "type": "STREAM",
        "stream": {"stream_descriptor": {"name": "shifts"}, "stream_state": {"changed": "2024-02-05T00:00:00Z"}},
    },
    {"type": "STREAM", "stream": {"stream_descriptor": {"name": "plan"}, "stream_state": {}}},
]


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """The options with a file for each."""
    found = []
    for name, content in (("config", CONFIG), ("catalog", CATALOG), ("state", STATE)):
        file = tmp_path / f"{name}.json"
        file.write_text(json.dumps(content))
        found += [f"--{name}", str(file)]
    return found


pytestmark = pytest.mark.filterwarnings("ignore:`parse_obj_as` is deprecated")  # Dagster's


def test_a_connection_of_airbyte_becomes_a_component_with_settings_streams_and_windows(
    connectors, files, project: Path
):
    done = connectors("import", str(CREW), *files)
    assert done.exit_code == 0, done.output
    written = yaml.safe_load((project / "connectors" / "crew" / "defs.yaml").read_text())
    assert written == {
        "type": "connectors_dagster.AirbyteManifest",
        "attributes": {
            "name": "crew",
            "select": ["shifts", "plan"],
            "keys": {"plan": ["code", "seats"]},
            "manifest": "manifest.yaml",
        },
    }
    settings = tomllib.loads((project / ".dlt" / "config.toml").read_text())["sources"]["crew"]
    assert settings == {"host": "https://crew.example", "start_date": "2024-01-01T00:00:00Z"}
    secrets = project / ".dlt" / "secrets.toml"
    assert tomllib.loads(secrets.read_text())["sources"]["crew"] == {"credentials_token": "t0ken-of-crew"}
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o600
    assert "t0ken" not in done.output
    assert "left out gone: the manifest does not have it" in done.output
    assert "left out credentials.inner of the configuration" in done.output
    assert "left out nonsense of the configuration: the manifest does not have it" in done.output
    assert "recorded as read  crew/shifts: 2024-01-01" in done.output
    assert "no windows  crew/plan" in done.output
    location = load_location()
    assert not location.broken
    [assets] = select(location, ["crew"])
    assert assets.connector.graph["plan"].primary_key == ("code", "seats")
    with open_instance(project) as instance:
        [shifts] = status_of(instance, assets, [assets.connector.graph["shifts"]], NOW)
    assert (shifts.missing_windows, shifts.read_until) == (0, assets.grid.find("2024-01-31").start)


def test_a_stream_that_is_left_out_is_named_with_the_reason(connectors, tmp_path):
    written = yaml.safe_load(CREW.read_text())
    flat = {**written["definitions"]["plan"], "name": "flat", "transformations": [{"type": "FlattenFields"}]}
    (tmp_path / "manifest.yaml").write_text(yaml.safe_dump({**written, "streams": [*written["streams"], flat]}))
    done = connectors("import", str(tmp_path / "manifest.yaml"), "--name", "crew")
    assert "wrote connectors/crew, with 4 streams\nleft out flat: a transformation: FlattenFields\n" in done.output
    assert "engine: auto in defs.yaml" in done.output
    both = connectors("import", str(tmp_path / "manifest.yaml"), "--name", "both", "--engine", "auto")
    assert "with 5 streams" in both.output and "left out" not in both.output


def test_a_manifest_without_a_native_stream_is_refused_with_what_reads_it(connectors, tmp_path):
    written = yaml.safe_load(CREW.read_text())
    own = {"type": "CustomTransformation", "class_name": "source_crew.components.Shout"}
    (tmp_path / "components.py").touch()
    for change, advice in (
        ({"type": "FlattenFields"}, "is native: try --engine auto;"),
        (own, "without its own Python: try --engine auto --trust-python if you trust its components.py;"),
    ):
        streams = [{**written["definitions"]["plan"], "transformations": [change]}]
        (tmp_path / "manifest.yaml").write_text(yaml.safe_dump({**written, "streams": streams}))
        done = connectors("import", str(tmp_path / "manifest.yaml"), "--name", "crew")
        assert done.exit_code == 1 and advice in done.output
    (tmp_path / "components.py").unlink()
    done = connectors("import", str(tmp_path / "manifest.yaml"), "--name", "crew")
    assert "can be read: `connectors explain` says why" in done.output


def test_the_code_location_finds_an_imported_manifest_translated(connectors, project, monkeypatch):
    assert connectors("import", str(CREW), "--engine", "auto").exit_code == 0
    monkeypatch.setattr(manifest_component, "read_manifest", None)
    location = load_location()
    assert not location.broken and select(location, ["crew"])


def test_a_component_that_is_there_is_not_overwritten(connectors, project):
    assert connectors("import", str(CREW)).exit_code == 0
    again = connectors("import", str(CREW))
    assert again.exit_code == 1 and "has a component already: choose another --name, or remove it" in again.output


WRONG = [
    ("config", [1], "config.json: is not a configuration: it must be an object, not a list"),
    ("catalog", [1], "catalog.json: is not a configured catalog: it must be an object, not a list"),
    ("catalog", {"streams": ["plan"]}, "catalog.json: is not a configured catalog: a stream in it is not written as"),
    ("state", {"shifts": {"changed": "2024-02-05"}, "a": 1}, "state.json: is not a state of Airbyte: there is no"),
    ("state", {"deals": {"at": 1}}, "the state is of another connector: its streams are deals"),
]


@pytest.mark.parametrize(("option", "content", "said"), WRONG)
def test_a_file_of_another_shape_is_refused_before_anything_is_written(
    connectors, tmp_path, project, option, content, said
):
    (tmp_path / f"{option}.json").write_text(json.dumps(content))
    done = connectors("import", str(CREW), f"--{option}", str(tmp_path / f"{option}.json"))
    assert done.exit_code == 1
    assert said in done.output
    assert not (project / "connectors" / "crew").exists()


def test_a_connector_that_cannot_have_a_name_is_refused_with_the_rule(connectors):
    done = connectors("import", str(CREW), "--name", "9bad")
    assert done.exit_code == 1
    assert (
        "'9bad' must be lower-case letters, digits, underscores, and begin with a letter: choose another" in done.output
    )

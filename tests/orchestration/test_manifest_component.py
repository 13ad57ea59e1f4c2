"""A manifest of Airbyte as a component: its streams are assets like any others."""

import cProfile
import json
import traceback
from pathlib import Path
from shutil import copy
from typing import Any

import dagster as dg
import pytest
import yaml

import connectors_dagster
from connectors_dagster import AirbyteManifest
from connectors_dagster.airbyte.manifest import read_manifest
from connectors_dagster.orchestration import manifest_component
from connectors_dagster.orchestration.location import load_location
from connectors_dagster.orchestration.scaffolder import ManifestParams, ManifestScaffolder

pytestmark = pytest.mark.filterwarnings("ignore:`parse_obj_as` is deprecated")  # Dagster's
CREW = Path(__file__).parents[1] / "airbyte" / "crew.yaml"


def scaffold(folder: Path, manifest: Path) -> None:
    """Do what `dg scaffold defs connectors_dagster.AirbyteManifest` does."""
    folder.mkdir()
    params: Any = ManifestParams(manifest=str(manifest))
    request = dg.ScaffoldRequest(
        type_name="connectors_dagster.AirbyteManifest",
        target_path=folder,
        scaffold_format="yaml",
        project_root=None,
        params=params,
    )
    ManifestScaffolder().scaffold(request)


def test_the_streams_of_a_scaffolded_manifest_are_assets_with_their_partitions_parents_and_columns(scaffolded):
    scaffold(scaffolded.folder / "source_crew", CREW)
    component, definitions = scaffolded.load()
    assert isinstance(component, AirbyteManifest) and component.connector.name == "source_crew"
    specs = {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}
    assert {"source_crew/teams", "source_crew/team_members", "source_crew/shifts", "source_crew/plan"} <= set(specs)
    assert specs["source_crew/shifts"].partitions_def and not specs["source_crew/plan"].partitions_def
    parents = [dep.asset_key.to_user_string() for dep in specs["source_crew/team_members"].deps]
    assert parents == ["source_crew/teams"]
    columns = component.connector.tables["teams"]
    assert [(name, column.get("data_type"), column.get("description")) for name, column in columns.items()] == [
        ("id", None, "number of the team"),
        ("title", "text", "what it is called"),
        ("size", "bigint", None),
        ("either", None, None),
        ("extra", "json", None),
    ]


def test_a_manifest_without_a_native_stream_is_a_broken_connector_that_says_why(scaffolded, tmp_path):
    written = yaml.safe_load(CREW.read_text())
    written["streams"] = [{"$ref": "#/definitions/plan", "transformations": [{"type": "FlattenFields"}]}]
    (tmp_path / "manifest.yaml").write_text(yaml.safe_dump(written))
    scaffold(scaffolded.folder / "crew", tmp_path)
    [broken] = load_location().broken
    assert "crew: no stream of the manifest is native:\n  plan: a transformation: FlattenFields" in str(broken)


def test_a_manifest_outside_of_the_project_is_refused(scaffolded, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "manifest.yaml"
    copy(CREW, outside)
    scaffold(scaffolded.folder / "crew", CREW)
    text = (scaffolded.folder / "crew" / "defs.yaml").read_text().replace("manifest.yaml", str(outside))
    (scaffolded.folder / "crew" / "defs.yaml").write_text(text)
    with pytest.raises(Exception, match="crew") as caught:
        scaffolded.load()
    assert "is outside of the project" in "".join(traceback.format_exception(caught.value))


def test_a_manifest_is_read_and_checked_once_and_the_config_of_its_ops_is_found_once(scaffolded):
    scaffold(scaffolded.folder / "crew", CREW)
    with cProfile.Profile() as profile:
        _, definitions = scaffolded.load()
        definitions.resolve_asset_graph()
    counts = {one.code.co_name: one.callcount for one in profile.getstats() if not isinstance(one.code, str)}
    assert (counts["read_manifest"], counts["check_connector"]) == (1, 1)
    assert counts["build_family"] > 1 and counts.get("infer_schema_from_config_class", 0) <= 1


def test_a_manifest_is_translated_once_until_it_changes(scaffolded, monkeypatch):
    scaffold(scaffolded.folder / "crew", CREW)
    reads = []
    monkeypatch.setattr(manifest_component, "read_manifest", lambda file: reads.append(file) or read_manifest(file))
    first, second = scaffolded.load()[1], scaffolded.load()[1]
    assert first.resolve_asset_graph().get_all_asset_keys() == second.resolve_asset_graph().get_all_asset_keys()
    assert len(reads) == 1
    file = scaffolded.folder / "crew" / "manifest.yaml"
    file.write_text(file.read_text().replace("name: shifts", "name: duties"))
    assert any(key.path[-1] == "duties" for key in scaffolded.load()[1].resolve_asset_graph().get_all_asset_keys())
    assert len(reads) == 2


def test_a_manifest_is_translated_anew_if_its_attributes_or_a_schema_beside_it_change(scaffolded):
    scaffold(scaffolded.folder / "crew", CREW)
    file = scaffolded.folder / "crew" / "manifest.yaml"
    written = yaml.safe_load(file.read_text())
    written["definitions"]["teams"]["schema_loader"] = {"type": "JsonFileSchemaLoader"}
    file.write_text(yaml.safe_dump(written))
    (file.parent / "schemas").mkdir()
    found = []
    for kind in ("string", "integer"):
        schema = {"properties": {"size": {"type": kind}}}
        (file.parent / "schemas" / "Teams.json").write_text(json.dumps(schema))
        found.append(scaffolded.load()[0].connector.tables["teams"]["size"]["data_type"])
    assert found == ["text", "bigint"]
    defs = file.parent / "defs.yaml"
    defs.write_text(defs.read_text() + "\n  start_date: '2021-05-01'\n")
    assert scaffolded.load()[0].connector.start_date == "2021-05-01"


def test_dg_finds_the_component_in_the_package():
    assert "AirbyteManifest" in dir(connectors_dagster)

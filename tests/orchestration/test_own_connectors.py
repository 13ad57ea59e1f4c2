"""A project's own connectors are files and folders in its folder `connectors`."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors_dagster.orchestration.location import Location, load_location
from connectors_dagster.sandbox import running
from tests.cli.conftest import connectors  # noqa: F401  # a fixture

pytestmark = pytest.mark.filterwarnings("ignore:`parse_obj_as` is deprecated")  # Dagster's own use
PYTHON = """\
from connectors_dagster import Connector, Secret, Setting

connector = Connector(
    name="desk",
    description="Help desk",
    schema={},
    config={
        "client": {"base_url": Setting("base_url"), "auth": {"type": "bearer", "token": Secret("token")}},
        "resources": [{
            "name": "agents",
            "primary_key": "id",
            "write_disposition": "merge",
            "endpoint": {
                "path": "/agents",
                "data_selector": "agents",
                "paginator": {"type": "page_number", "base_page": 1, "total_path": None},
            },
        }],
    },
)
"""
MANIFEST = """\
version: 6.0.0
type: DeclarativeSource
check: {type: CheckStream, stream_names: [things]}
streams:
- type: DeclarativeStream
  name: things
  primary_key: id
  retriever:
    type: SimpleRetriever
    requester: {type: HttpRequester, url_base: "https://api.example.com", path: /things, http_method: GET}
    record_selector: {type: RecordSelector, extractor: {type: DpathExtractor, field_path: [data]}}
"""


@pytest.fixture
def folder(project: Path) -> Iterator[Path]:
    """The folder with the connectors of a project."""
    (project / "connectors").mkdir()
    yield project / "connectors"
    for name in [name for name in sys.modules if name.startswith("connectors_of_project")]:
        del sys.modules[name]


def own(location: Location) -> list[str]:
    return [str(resource) for assets in location.known for resource in assets.resources if assets.connector.name in OWN]


OWN = {"desk", "helpdesk", "things"}


def test_a_python_file_is_a_connector_that_is_configured_and_loaded(folder, warehouse, connectors, monkeypatch):  # noqa: F811
    (folder / "desk.py").write_text(PYTHON)
    (folder / "_shared.py").write_text("raise ImportError('is no connector')")
    with running({}) as port:
        monkeypatch.setenv("SOURCES__DESK__BASE_URL", f"http://127.0.0.1:{port}/helpdesk")
        monkeypatch.setenv("SOURCES__DESK__TOKEN", "sandbox-helpdesk-token")
        done = connectors("run", "desk")
    assert done.exit_code == 0, done.output
    assert warehouse.query("SELECT count(*) FROM desk.agents") != [(0,)]


def test_a_new_connector_loads_as_it_is_written_and_is_not_written_over(folder, connectors):  # noqa: F811
    written = connectors("new", "helpdesk")
    assert written.exit_code == 0 and "connectors/helpdesk/defs.yaml" in written.output
    location = load_location()
    assert own(location) == ["helpdesk/items"] and not location.broken
    assert "already" in connectors("new", "helpdesk").output
    assert "already" in connectors("new", "storefront").output
    assert "lower-case letters" in connectors("new", "Help-Desk").output


def test_a_manifest_of_airbyte_is_a_connector_without_any_other_file(folder):
    (folder / "source-things").mkdir()
    (folder / "source-things" / "manifest.yaml").write_text(MANIFEST)
    location = load_location()
    assert own(location) == ["things/things"] and not location.broken


def test_a_project_may_have_several_components_in_its_folder(folder):
    for name in ("one", "other"):
        (folder / name).mkdir(parents=True)
        (folder / name / "manifest.yaml").write_text(MANIFEST)
        (folder / name / "defs.yaml").write_text("type: connectors_dagster.AirbyteManifest\n\nattributes: {}\n")
    location = load_location()
    assert location.broken == ()
    assert {"one", "other"} <= {assets.connector.name for assets in location.known}


def test_what_is_broken_is_named_and_the_others_go_on(folder):
    (folder / "desk.py").write_text(PYTHON)
    (folder / "empty.py").touch()
    (folder / "helpdesk").mkdir()
    (folder / "helpdesk" / "defs.yaml").write_text(
        "type: connectors_dagster.RestConnector\nattributes: {name: helpdesk}\n"
    )
    (folder / "source-none").mkdir()
    (folder / "source-none" / "manifest.yaml").write_text("type: DeclarativeSource\n")
    location = load_location()
    assert own(location) == ["desk/agents"]
    places = [broken.place.partition(":")[0] for broken in location.broken]
    assert places == [f"connectors/{name}" for name in ("empty.py", "helpdesk/defs.yaml", "source-none/manifest.yaml")]
    assert re.search("must define `connector = ", location.broken[0].reason)


def test_two_connectors_of_one_name_are_refused(folder):
    (folder / "desk.py").write_text(PYTHON.replace('name="desk"', 'name="storefront"'))
    [broken] = load_location().broken
    assert "both in" in broken.reason


def test_a_package_with_the_same_name_belongs_to_somebody_else(folder):
    (folder / "__init__.py").touch()
    (folder / "desk.py").write_text("raise ImportError('is not to be imported')")
    assert not load_location().broken

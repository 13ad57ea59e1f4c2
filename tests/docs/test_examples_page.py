"""The examples of APIs load all rows of the sandbox's help desk."""

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from connectors_dagster.sandbox import helpdesk, running
from tests.cli.conftest import connectors  # noqa: F401  # a fixture
from tests.support.blocks import blocks

BLOCKS = blocks("docs/examples-of-apis.md")
YAML = [block.text for block in BLOCKS if block.kind == "yaml"]
ROWS = {
    "tickets": helpdesk.TICKETS,
    "comments": helpdesk.COMMENTS,
    "agents": helpdesk.AGENTS,
    "calls": helpdesk.CALLS,
    "events": helpdesk.EVENTS,
}

pytestmark = pytest.mark.filterwarnings("ignore:`parse_obj_as` is deprecated")  # Dagster's


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The sandbox, with the settings of the page."""
    with running({}) as port:
        for block in BLOCKS:
            for name, value in (
                re.findall(r"^\$ export (\w+)=(.*)$", block.text, re.M) if block.kind == "console" else ()
            ):
                monkeypatch.setenv(name, value.replace(":8765", f":{port}"))
        yield


def loaded(project: Path) -> dict[str, list]:
    with duckdb.connect(str(project / "warehouse.duckdb"), read_only=True) as database:
        tables = database.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'desk'").fetchall()
        return {
            name: sorted(key for (key,) in database.execute(f"SELECT id FROM desk.{name}").fetchall())
            for (name,) in tables
            if name in ROWS
        }


@pytest.mark.parametrize("number", range(len(YAML)))
def test_an_example_in_yaml_loads_every_row_of_its_lists(number, connectors, desk, scaffolded, project):  # noqa: F811
    scaffolded.put("desk", YAML[number])
    done = connectors("run", "desk", "--to", "2024-04-30")
    assert done.exit_code == 0, done.output
    found = loaded(project)
    names = re.findall(r"- name: (\w+)", YAML[number])
    assert found == {name: sorted(row["id"] for row in ROWS[name]) for name in names}

"""The page for people who come from Airbyte: its files are imported, and become what the page shows."""

import re
import tomllib
from pathlib import Path

import duckdb
import pytest
import yaml

from tests.cli.conftest import connectors  # noqa: F401  # a fixture

PAGE = (Path(__file__).parents[2] / "docs" / "coming-from-airbyte.md").read_text(encoding="utf-8")
BLOCKS = {
    kind: re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL) for kind in ("yaml", "json", "toml", "sql", "console")
}

pytestmark = pytest.mark.filterwarnings("ignore:`parse_obj_as` is deprecated")  # Dagster's


def test_the_files_of_the_page_become_the_component_the_settings_and_the_records_that_it_shows(
    connectors,  # noqa: F811
    project: Path,
):
    manifest, component = BLOCKS["yaml"]
    (project / "source-helpdesk").mkdir()
    (project / "source-helpdesk" / "manifest.yaml").write_text(manifest)
    for name, text in zip(("config", "catalog", "state"), BLOCKS["json"], strict=True):
        (project / f"{name}.json").write_text(text)
    explain, command, *_ = (line.removeprefix("$ connectors ").split() for line in BLOCKS["console"][0].splitlines())
    assert connectors(*explain).exit_code == 0
    done = connectors(*command)
    assert done.exit_code == 0, done.output
    assert yaml.safe_load((project / "connectors" / "helpdesk" / "defs.yaml").read_text()) == yaml.safe_load(component)
    for file, text in zip(("config.toml", "secrets.toml"), BLOCKS["toml"], strict=True):
        assert tomllib.loads((project / ".dlt" / file).read_text()) == tomllib.loads(text)
    assert "recorded as read  helpdesk/tickets: 2024-01-01 to 2024-01-31" in done.output


def test_the_query_of_the_page_finds_rows_that_differ():
    with duckdb.connect() as database:
        database.execute("CREATE SCHEMA helpdesk; CREATE SCHEMA airbyte")
        database.execute("CREATE TABLE helpdesk.tickets (id INT, updated_at TIMESTAMPTZ)")
        database.execute("CREATE TABLE airbyte.tickets (id INT, updated_at TEXT)")
        database.execute(
            "INSERT INTO helpdesk.tickets VALUES (1, '2024-01-01 00:00Z'), (2, '2024-01-02 00:00Z'), (3, NULL)"
        )
        database.execute(
            "INSERT INTO airbyte.tickets VALUES (1, '2024-01-01T00:00:00Z'), (2, '2024-01-03T00:00:00Z'), (4, NULL)"
        )
        found = database.execute(BLOCKS["sql"][0]).fetchall()
    assert found == [("another version", 2), ("only in one of the two", 3), ("only in one of the two", 4)]

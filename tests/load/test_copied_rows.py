"""Tables are copied to another destination, with the rows that the API no longer returns."""

import json
import os
from functools import partial

import pytest
from dlt.load.load import Load

from connectors_dagster.errors import LoadError, SettingError
from connectors_dagster.load.copied_rows import copy_rows
from tests.load.test_every_destination import COLUMNS, SENT
from tests.support.warehouse import Warehouse

pytestmark = pytest.mark.journey  # two destinations in each
ODD = 'a,"b"\n\\ü🧾\t'
ROWS = [SENT, {"id": 1}, {"id": 3, "text": ODD, "extra": "not declared", "nested": []}, {"id": 4, "text": ""}]


@pytest.fixture
def elsewhere(request, project, monkeypatch):
    """Another destination than DuckDB, by default Postgres; ``elsewhere(True)`` lets the settings point to it."""
    tested = request.config.getoption("destination")
    warehouse = request.getfixturevalue("postgres" if tested == "duckdb" else "warehouse")
    settings = {name: os.environ.get(name) for name in ("CONNECTORS__DESTINATION", "CONNECTORS__TABLE_FORMAT")}

    def elsewhere_(there: bool) -> Warehouse:
        for name, value in settings.items():
            monkeypatch.setenv(name, value) if there and value else monkeypatch.delenv(name, raising=False)
        return warehouse if there else Warehouse(project / "warehouse.duckdb")

    return elsewhere_


def contents(warehouse):
    """Return all rows, with their json parsed."""
    found = warehouse.query(f"SELECT {', '.join(COLUMNS)}, extra FROM shop.things ORDER BY id")
    parse = partial(json.loads, parse_int=float)  # Postgres writes some numbers without an exponent
    texts = [[json.dumps(value) if isinstance(value, list | dict) else value for value in row] for row in found]
    return [
        [parse(value) if isinstance(value, str) and value[:1] in "[{" and value else value for value in row]
        for row in texts
    ]


def test_rows_arrive_as_they_were_and_loads_go_on_with_them(declare, load_pages, elsewhere):
    things, here = declare(columns=COLUMNS), elsewhere(False)
    load_pages(things, ROWS)
    before = contents(here)
    there = elsewhere(True)
    assert copy_rows([things], source="duckdb") == {"shop.things": 4}
    assert contents(there) == before
    with pytest.raises(LoadError, match="things already there"):
        copy_rows([things], source="duckdb")
    load_pages(things, [{"id": 1, "text": "newer"}, {"id": 5}])
    texts = there.query("SELECT id, text FROM shop.things ORDER BY id")
    assert texts == [(1, "newer"), (3, ODD), (4, ""), (5, None), (2**62, "")]


def test_rows_are_copied_back_from_postgres(declare, load_pages, postgres, project, monkeypatch):
    things = declare(columns=COLUMNS)
    load_pages(things, ROWS)
    monkeypatch.delenv("CONNECTORS__DESTINATION")
    assert copy_rows([things], source="postgres") == {"shop.things": 4}
    assert contents(Warehouse(project / "warehouse.duckdb")) == contents(postgres)


def test_what_cannot_be_copied_is_refused_before_anything_is_written(declare, load_pages, postgres, monkeypatch):
    things = declare()
    with pytest.raises(SettingError, match="CONNECTORS__DESTINATION is 'postgres' too"):
        copy_rows([things], source="postgres")
    monkeypatch.delenv("CONNECTORS__DESTINATION")
    load_pages(things, [{"id": 1, "lines": [{"n": 1}]}])
    monkeypatch.setenv("CONNECTORS__DESTINATION", "postgres")
    with pytest.raises(LoadError, match="things__lines are child tables that dlt has made"):
        copy_rows([things], source="duckdb")
    assert not [table for table in postgres.tables() if table.startswith("shop.things")]


def test_nul_is_copied_into_postgres_as_a_load_writes_it(declare, load_pages, postgres, project, monkeypatch):
    things, rows = declare(columns=COLUMNS), [{"id": 1, "text": "a\0b", "nested": {"a\0": ["\0", "\\u0000"]}}]
    load_pages(things, rows)
    [loaded] = contents_without_extra(postgres)
    monkeypatch.delenv("CONNECTORS__DESTINATION")
    load_pages(things, rows)
    with Warehouse(project / "warehouse.duckdb").connected(read_only=True) as connection:
        assert connection.execute("SELECT text FROM shop.things").fetchall() == [("a\0b",)]
    monkeypatch.setenv("CONNECTORS__DESTINATION", "postgres")
    postgres.change("DROP SCHEMA shop CASCADE")
    assert copy_rows([things], source="duckdb") == {"shop.things": 1}
    assert contents_without_extra(postgres) == [loaded]


def contents_without_extra(warehouse):
    """Return what may have NUL."""
    return warehouse.query("SELECT text, CAST(nested AS text) FROM shop.things")


def test_a_copy_that_failed_is_repeated(declare, load_pages, elsewhere, monkeypatch):
    things = declare(columns=COLUMNS)
    elsewhere(False)
    load_pages(things, ROWS)
    there = elsewhere(True)
    with monkeypatch.context() as patched:
        patched.setattr(Load, "start_new_jobs", lambda *_: 1 / 0)
        with pytest.raises(LoadError, match="ZeroDivisionError"):
            copy_rows([things], source="duckdb")
    assert copy_rows([things], source="duckdb") == {"shop.things": 4}
    assert there.query("SELECT count(*) FROM shop.things") == [(4,)]

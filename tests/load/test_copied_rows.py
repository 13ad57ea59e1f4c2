"""Tables are copied to another destination, with the rows that the API no longer returns."""

import json
import os
from functools import partial

import pytest

from connectors_dagster.errors import LoadError
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
    with pytest.raises(LoadError, match="CONNECTORS__DESTINATION is postgres too"):
        copy_rows([things], source="postgres")
    monkeypatch.delenv("CONNECTORS__DESTINATION")
    load_pages(things, [{"id": 1, "lines": [{"n": 1}]}])
    monkeypatch.setenv("CONNECTORS__DESTINATION", "postgres")
    with pytest.raises(LoadError, match="things__lines are child tables that dlt has made"):
        copy_rows([things], source="duckdb")
    assert not [table for table in postgres.tables() if table.startswith("shop.things")]

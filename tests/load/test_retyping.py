"""A column that was loaded as text before it was declared gets its type without loss, or nothing changes."""

import json
import os
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext
from pathlib import Path
from socket import socket
from typing import Any
from uuid import uuid4

import pytest
import yaml

from connectors_dagster import Connector, Setting
from connectors_dagster.errors import DestinationBusyError, LoadError, TransientLoadError
from connectors_dagster.load import family
from connectors_dagster.load.retyping import retype
from connectors_dagster.orchestration.remarks import remarks_on
from tests.support.postgres import Postgres
from tests.support.processes import FORKS, Trap, pause
from tests.support.warehouse import Warehouse
from tests.support.wire import reply

ID = {"id": {"data_type": "bigint"}}
TYPED = ID | {
    "open": {"data_type": "bool"},
    "count": {"data_type": "bigint"},
    "price": {"data_type": "decimal"},
    "weight": {"data_type": "double"},
    "changed": {"data_type": "timestamp"},
    "local": {"data_type": "timestamp", "timezone": False},
    "day": {"data_type": "date"},
    "opens": {"data_type": "time"},
    "tags": {"data_type": "json"},
    "note": {"data_type": "text"},
}
ROWS = [
    {
        "id": 1,
        "open": True,
        "count": 2**62,
        "price": "12345678901234567890.123456789",
        "weight": 0.1,
        "changed": "2024-01-31T23:30:00.000001+02:00",
        "local": "2024-01-31T23:30:00",
        "day": "2024-02-29",
        "opens": "08:30:00",
        "tags": 'it\'s \\ 100 % "quoted"; é 🧾',
        "note": [1],
    },
    {
        "id": 2,
        "open": "false",
        "count": "-7",
        "price": 0.000000001,
        "weight": "1e22",
        "changed": "1970-01-01T00:00:00Z",
        "local": "0001-01-02T00:00:00",
        "day": "9999-12-31",
        "opens": "23:59:59.999999",
        "tags": ["a", {"b": 1.50}],
        "note": "plain",
    },
    {"id": 3},
]
AS_TEXT = {"id": {"data_type": "text"}}
OPEN = ID | {"open": {"data_type": "bool"}}
PLAIN = ", ".join(f'"{name}"' for name in TYPED if name not in ("tags", "note"))
NOT_NULL_AFTER_THE_TRANSACTION = Trap("connectors_dagster.load.retyping:_alter", nth=6)


def retype_things(folder: Path, environment: dict[str, str], trap: Trap | None) -> None:
    """Give `id` and `open` their types in a process of its own, in which something happens."""
    os.chdir(folder)
    os.environ.clear()  # the server that this process is forked from may have begun in another test
    os.environ.update(environment)
    schema = folder / "shop.schema.yaml"
    schema.write_text(yaml.safe_dump({"tables": {"things": {"columns": OPEN}}}))
    things = {"name": "things", "primary_key": "id", "write_disposition": "merge", "endpoint": "/things"}
    config = {"client": {"base_url": Setting("base_url")}, "resources": [things]}
    connector = Connector(name="shop", description="A shop", schema=schema, config=config)
    if trap:
        trap.set()
    retype([connector.graph["things"]])


def start_retyping(trap: Trap | None = None, folder: Path | None = None) -> Future[None]:
    pool = ProcessPoolExecutor(1, mp_context=FORKS)
    future = pool.submit(retype_things, folder or Path.cwd(), dict(os.environ), trap)
    pool.shutdown(wait=False)
    return future


@pytest.fixture(params=["warehouse", "postgres"])
def tables(request):
    """The warehouse, or a Postgres database."""
    return request.getfixturevalue(request.param)


def move_elsewhere(tables, monkeypatch) -> Any:
    """Let everything after this load into an empty database of the same kind."""
    if isinstance(tables, Warehouse):
        other = Warehouse(tables.path.with_name("other.duckdb"))
        monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(other.path))
        return other
    other = Postgres(tables.port, f"test_{uuid4().hex[:12]}")
    other.create()
    monkeypatch.setenv("DESTINATION__POSTGRES__CREDENTIALS", other.url)
    return other


def contents(tables) -> list[Any]:
    """Return the rows of `things` with parsed JSON and their exact types."""
    typed = tables.query(f"SELECT {PLAIN} FROM shop.things ORDER BY id")
    nested = tables.query("SELECT CAST(tags AS text), note FROM shop.things ORDER BY id")
    parsed = [
        tuple(json.loads(value) if value and at == 0 else value for at, value in enumerate(row)) for row in nested
    ]
    return [(*map(repr, row), *more) for row, more in zip(typed, parsed, strict=True)]


def types(tables, table: str = "things") -> dict[str, tuple[str, str]]:
    rows = tables.query(
        "SELECT column_name, data_type, is_nullable FROM information_schema.columns "
        f"WHERE table_schema = 'shop' AND table_name = '{table}'"
    )
    return {name: (kind, nullable) for name, kind, nullable in rows}


def test_text_gets_its_declared_types_and_is_as_if_it_had_been_loaded_with_them(
    declare, load_pages, tables, monkeypatch
):
    load_pages(declare(columns=ID), ROWS[:1])
    load_pages(declare(columns=ID), ROWS[1:])
    load_pages(declare(columns=TYPED), ROWS[1:2])
    written = tables.query("SELECT id, open, price, changed FROM shop.things ORDER BY id")
    done = retype([declare(columns=TYPED)])
    assert {one.column.name for one in done} == TYPED.keys() - {"id"}
    kept = "SELECT id, open__v_text, price__v_text, changed__v_text FROM shop.things ORDER BY id"
    assert tables.query(kept) == written
    retyped = contents(tables)
    other = move_elsewhere(tables, monkeypatch)
    load_pages(declare(columns=TYPED), ROWS)
    assert retyped == contents(other)


def test_later_loads_write_into_the_typed_columns_and_merge(declare, load_pages, tables):
    load_pages(declare(columns=ID), ROWS)
    load_pages(declare(columns=TYPED), ROWS)  # a merge, so that there are staging tables
    retype([declare(columns=TYPED)])
    stats = load_pages(declare(columns=TYPED), [ROWS[2] | {"open": True}, ROWS[0] | {"count": 5, "open": "maybe"}])
    rows = tables.query('SELECT id, open, "count", "open__v_text", "count__v_text" FROM shop.things ORDER BY id')
    assert rows == [(1, None, 5, "maybe", None), (2, False, -7, "false", "-7"), (3, True, None, None, None)]
    assert stats.untyped == []
    load_pages(declare(columns=TYPED | {"new": {"data_type": "bool"}}), [{"id": 4, "new": True, "open": False}])
    assert tables.query("SELECT open, new FROM shop.things WHERE id = 4") == [(False, True)]
    assert retype([declare(columns=TYPED)]) == []


def test_a_run_names_the_command_until_the_columns_have_their_types(declare, load_pages, tables):
    load_pages(declare(columns=ID), ROWS)
    things = declare(columns=TYPED)
    [remark] = remarks_on(things, load_pages(things, ROWS))
    assert remark.startswith("columns that the table has as text or json, although") and " open, " in remark
    assert "`connectors retype shop/things`" in remark
    retype([things])
    assert remarks_on(things, load_pages(things, ROWS)) == []


@pytest.mark.parametrize(
    ("type_", "values", "misfits"),
    [
        ("bool", [True, "false", None, "1", "", 1], "3 of 5 values do not convert exactly, such as '', '1'"),
        ("bigint", ["7", 8, "007", 2**63], "2 of 4 .* such as '007', '9223372036854775808'"),
        ("decimal", ["1.5", "1,5", "0.0000000001"], "2 of 3 .* such as '0.0000000001', '1,5'"),
        ("double", ["1.5", "0.12345678901234567890", "NaN"], "2 of 3 .* such as '0.12345678901234567890', 'NaN'"),
        ("timestamp", ["2024-01-01", "2024-01-01T00:00:00.0000001Z", "soon"], "2 of 3 .* such as '2024-.*', 'soon'"),
        ("date", ["2024-01-01", "2024-01-01T12:00:00Z"], "1 of 2 .* such as '2024-01-01T12:00:00Z'"),
        ("time", ["12:00:00", "12:00:00.1234567"], "1 of 2 .* such as '12:00:00.1234567'"),
        ("json", ["a", "12", True], "2 of 3 .* such as '12', 'true'"),
    ],
)
def test_values_that_do_not_convert_exactly_are_counted_and_named_and_nothing_changes(
    declare, load_pages, warehouse, type_, values, misfits
):
    columns = ID | {"value": {"data_type": type_}, "open": {"data_type": "bool"}}
    load_pages(declare(columns=ID), [{"id": at, "value": value, "open": True} for at, value in enumerate(values)])
    before = (
        warehouse.query("SELECT * FROM shop.things ORDER BY id"),
        warehouse.query("SELECT * FROM shop._dlt_version"),
    )
    with pytest.raises(LoadError, match=rf"shop/things\.value: text to {type_}: {misfits}\nNothing was changed"):
        retype([declare(columns=columns)])
    assert before == (
        warehouse.query("SELECT * FROM shop.things ORDER BY id"),
        warehouse.query("SELECT * FROM shop._dlt_version"),
    )


def test_misfits_are_kept_as_loads_keep_them_if_that_is_wanted(declare, load_pages, tables):
    columns = ID | {"stock": {"data_type": "bigint"}}
    rows = [{"id": 1, "stock": ""}, {"id": 2, "stock": 7}, {"id": 3, "stock": None}]
    load_pages(declare(columns=ID), rows)
    [done] = retype([declare(columns=columns)], keep_misfits=True)
    assert (done.values, done.misfits) == (2, {"": 1})
    assert tables.query("SELECT id, stock, stock__v_text FROM shop.things ORDER BY id") == [
        (1, None, ""),
        (2, 7, "7"),
        (3, None, None),
    ]


def test_a_key_gets_its_type_and_still_identifies_rows(declare, load_pages, tables):
    load_pages(declare(columns=AS_TEXT), [{"id": "1"}, {"id": 22}])
    retype([declare(columns=ID)])
    assert types(tables)["id"] == ("BIGINT" if isinstance(tables, Warehouse) else "bigint", "NO")
    load_pages(declare(columns=ID), [{"id": 1}, {"id": 3}])
    assert tables.ids("shop.things") == [1, 3, 22]


@pytest.mark.parametrize("keep_misfits", [False, True])
def test_different_keys_do_not_become_the_same(declare, load_pages, warehouse, keep_misfits):
    load_pages(declare(columns=AS_TEXT), [{"id": "1"}, {"id": "1.0"}])
    with pytest.raises(LoadError, match=r"1 (of 2 values )?do not convert exactly"):
        retype([declare(columns={"id": {"data_type": "decimal"}})], keep_misfits=keep_misfits)
    assert warehouse.ids("shop.things") == ["1", "1.0"]


def test_json_gets_its_declared_type_too(declare, load_pages, tables):
    load_pages(declare(columns=ID), [{"id": 1, "open": {}, "note": {"a": 1}}])
    load_pages(declare(columns=ID), [{"id": 1, "open": True, "note": "x"}, {"id": 2, "note": [1]}])
    retype([declare(columns=TYPED)])
    assert tables.query("SELECT open, note FROM shop.things ORDER BY id") == [(True, "x"), (None, "[1]")]
    assert types(tables).keys() >= {"open__v_json", "note__v_json"}


def test_only_the_columns_that_are_named_change_and_a_dry_run_changes_none(declare, load_pages, tables):
    load_pages(declare(columns=ID), ROWS)
    things = declare(columns=TYPED)
    before = types(tables)
    assert [one.column.name for one in retype([things], columns=["open"], dry_run=True)] == ["open"]
    assert types(tables) == before
    retype([things], columns=["open"])
    assert types(tables).keys() - before.keys() == {"open__v_text"}


@pytest.mark.parametrize("name", ["isOpen", "is_open"])
def test_a_column_may_be_named_as_it_is_declared_or_as_the_table_has_it(declare, load_pages, warehouse, name):
    load_pages(declare(columns=ID | {"isOpen": {"data_type": "text"}}), [{"id": 1, "isOpen": True}])
    retype([declare(columns=ID | {"isOpen": {"data_type": "bool"}})], columns=[name])
    assert warehouse.query("SELECT is_open, is_open__v_text FROM shop.things") == [(True, "true")]


def test_a_table_with_child_tables_keeps_them(declare, load_pages, tables):
    rows = [{"id": 1, "open": "true", "lines": [{"sku": "a"}]}, {"id": 2, "open": "false", "lines": [{"sku": "b"}]}]
    load_pages(declare(columns=ID, max_table_nesting=1), rows)
    load_pages(declare(columns=ID, max_table_nesting=1), rows)
    things = declare(columns=OPEN, max_table_nesting=1)
    retype([things])
    load_pages(things, [{"id": 2, "open": True, "lines": [{"sku": "c"}]}])
    found = "SELECT t.id, t.open, l.sku FROM shop.things t JOIN shop.things__lines l ON l._dlt_parent_id = t._dlt_id"
    assert tables.query(f"{found} ORDER BY t.id") == [(1, True, "a"), (2, True, "c")]


def test_nothing_is_loaded_yet(declare, tables):
    assert retype([declare(columns=TYPED)]) == []


def test_a_column_that_has_the_name_of_the_variant_is_named(declare, load_pages, warehouse):
    load_pages(declare(columns=ID), ROWS)
    warehouse.change("ALTER TABLE shop.things ADD COLUMN open__v_text text")
    with pytest.raises(LoadError, match=r"shop.things has a column open__v_text, .* rename or drop it"):
        retype([declare(columns=TYPED)])


def test_an_index_on_the_table_is_named_as_the_reason(declare, load_pages, warehouse):
    load_pages(declare(columns=ID), ROWS)
    warehouse.change("CREATE INDEX by_open ON shop.things (open)")
    with pytest.raises(
        LoadError, match=r"Cannot alter .* nothing was changed: drop the indexes of the table, .* again"
    ):
        retype([declare(columns=TYPED)])
    assert types(warehouse)["open"] == ("VARCHAR", "YES")
    warehouse.change("DROP INDEX shop.by_open")
    assert retype([declare(columns=TYPED)])


def test_other_destinations_say_what_to_do(declare, monkeypatch):
    monkeypatch.setenv("CONNECTORS__DESTINATION", "bigquery")
    with pytest.raises(LoadError, match=r"bigquery: only columns in DuckDB and Postgres can be retyped: .* drop the"):
        retype([declare(columns=TYPED)])


@pytest.mark.journey
@pytest.mark.parametrize(
    ("trap", "is_new"),
    [
        (Trap("connectors_dagster.load.retyping:_fill"), False),
        (Trap("connectors_dagster.load.retyping:store_schema"), False),
        (NOT_NULL_AFTER_THE_TRANSACTION, True),
    ],
    ids=["before the columns are filled", "before the end of the transaction", "after the transaction"],
)
def test_a_killed_command_leaves_the_old_columns_or_the_new_ones(declare, load_pages, tables, trap, is_new):
    rows = [{"id": str(number), "open": number % 2 == 0} for number in range(300)]
    load_pages(declare(columns=AS_TEXT), rows)
    with pytest.raises(BrokenProcessPool):
        start_retyping(trap).result()
    assert types(tables)["open"][0].lower() == ("boolean" if is_new else types(tables)["_dlt_load_id"][0].lower())
    assert len(retype([declare(columns=OPEN)])) == (0 if is_new else 2)
    load_pages(declare(columns=OPEN), [{"id": 0, "open": False}, {"id": 300, "open": True}])
    expected = [(0, False), *((number, number % 2 == 0) for number in range(1, 301))]
    assert tables.query("SELECT id, open FROM shop.things ORDER BY id") == expected


def test_no_load_of_the_family_overlaps(declare, load_pages, tables, monkeypatch):
    monkeypatch.setenv("CONNECTORS__SIBLINGS_TIMEOUT", "0.1")
    load_pages(declare(columns=AS_TEXT), [{"id": "1", "open": True}])
    retyping = start_retyping(Trap("connectors_dagster.load.retyping:store_schema", pause))
    while not Path("paused").exists():
        assert not wait([retyping], timeout=0.05).done
    with pytest.raises(DestinationBusyError, match=r"retyping columns of shop_things.* still holds the lock"):
        load_pages(declare(columns=OPEN), [{"id": 2, "open": True}])
    Path("go on").touch()
    retyping.result()
    load_pages(declare(columns=OPEN), [{"id": 2, "open": True}])
    assert tables.query("SELECT id, open FROM shop.things ORDER BY id") == [(1, True), (2, True)]


def test_a_load_elsewhere_that_read_the_old_types_is_refused_and_its_retry_loads(
    declare, load_pages, postgres, tmp_path, monkeypatch
):
    # As if the lock of the family had been lost while rows are read.
    monkeypatch.setattr(family, "family_lock", lambda *_: nullcontext(lambda: None))
    load_pages(declare(columns=AS_TEXT), [{"id": "1", "open": True}])
    things, rows = declare(columns=OPEN), [{"id": 2, "open": True}]
    (tmp_path / "elsewhere").mkdir()

    def slow(connection: socket) -> None:
        start_retyping(folder=tmp_path / "elsewhere").result()
        reply({"data": rows})(connection)

    with pytest.raises(TransientLoadError, match=r"shop\.things\.(id|open) got another type while rows were read"):
        load_pages(things, slow)
    load_pages(things, rows)
    assert postgres.query("SELECT id, open FROM shop.things ORDER BY id") == [(1, True), (2, True)]

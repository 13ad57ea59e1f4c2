"""Nothing declared: every field is kept with the type of its values, whatever its name, and also when columns are
declared later or no longer."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import dlt
import pytest
from dlt.common.schema import Schema
from dlt.sources import DltSource

from connectors_dagster.errors import LoadError, RowError
from connectors_dagster.load.destination import build_destination

TYPED = {"id": {"data_type": "bigint"}, "lines": {"data_type": "json"}, "total": {"data_type": "double"}}
LINES = [{"id": 1, "lines": [{"sku": "a"}], "total": 1.5}, {"id": 2, "lines": [], "total": 2}]


@pytest.fixture
def one(warehouse):
    """The row of an id, as a dict without the columns that are null."""

    def one_(id, table="things"):
        names = [name for (name,) in warehouse.query(f"SELECT column_name FROM (DESCRIBE shop.{table})")]
        [row] = warehouse.query(f"SELECT * FROM shop.{table} WHERE id = {id!r}")
        found = dict(zip(names, row, strict=True))
        return {name: value for name, value in found.items() if value is not None and not name.startswith("_dlt")}

    return one_


@pytest.fixture
def load_as_dlt_does(tmp_path) -> Callable[..., None]:
    """Load rows of `things` as this project did before: with dlt's own types and names."""

    def load_(*rows: Any, **hints: Any) -> None:
        things = dlt.resource(iter([list(rows)]), name="things", primary_key="id", write_disposition="merge", **hints)
        pipeline = dlt.pipeline(
            "shop_things", str(tmp_path / "dlt"), destination=build_destination(), dataset_name="shop"
        )
        pipeline.run(DltSource(Schema("shop_things"), "shop", [things]), loader_file_format="parquet")

    return load_


def types(warehouse, table="things"):
    rows = warehouse.query(f"SELECT column_name, column_type FROM (DESCRIBE shop.{table})")
    return {name: type_ for name, type_ in rows if not name.startswith("_dlt")}


def test_fields_get_the_types_of_their_values_and_plain_names_and_lists_child_tables(
    declare, load_pages, warehouse, one
):
    row = {
        "id": 1,
        "count": 7,
        "price": 1.5,
        "open": True,
        "text": "x",
        "at": "2024-01-02T03:04:05Z",
        "day": "2024-01-02",
        "zip": "01234",
    }
    nested = {"createdAt": None, "home": {"cityName": "Oslo", "geo": {"lat": 1.5}}, "none": [], "userName": "Jane"}
    lines = [{"sku": "a", "parts": [1, 2.5]}, {"sku": "b", "at": "2024-01-02T03:04:05Z"}]
    stats = load_pages(declare(), [{**row, **nested, "lines": lines}])
    assert types(warehouse) == {
        "at": "TIMESTAMP WITH TIME ZONE",
        "count": "BIGINT",
        "day": "DATE",
        "home__city_name": "VARCHAR",
        "home__geo__lat": "DOUBLE",
        "id": "BIGINT",
        "open": "BOOLEAN",
        "price": "DOUBLE",
        "text": "VARCHAR",
        "user_name": "VARCHAR",
        "zip": "VARCHAR",
    }
    at = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
    kept = {**row, "at": at, "day": date(2024, 1, 2), "user_name": "Jane"}
    assert one(1) == {**kept, "home__city_name": "Oslo", "home__geo__lat": 1.5}
    assert warehouse.query('SELECT sku, "at" FROM shop.things__lines ORDER BY _dlt_list_idx') == [
        ("a", None),
        ("b", at),
    ]
    assert warehouse.query("SELECT value FROM shop.things__lines__parts ORDER BY ALL") == [(1.0,), (2.5,)]
    assert stats.drift == {}


ODD = ["na!e", "na%e", "na_e", "Size", "size", "SIZE", "createdAt", "created_at", "a b", "aB", "a_b", "A_B", "ä", "🙂"]
ODD += ["ключ", "имя", "", "x", " ", "_dlt_id", "_dlt_load_id", "__x", "_x", "id_", "a.b", "a__b", "x" * 300, "\x1f"]


@pytest.mark.parametrize("hints", [{}, {"max_table_nesting": 1}, {"columns": {"id": {"data_type": "bigint"}}}])
def test_fields_whose_names_collapse_are_all_kept_in_whatever_order_they_come(declare, load_pages, one, hints):
    things = declare(**hints)
    row = {name: f"{name} is here" for name in ODD}
    load_pages(things, [{"id": 2, **dict(reversed(row.items()))}])
    load_pages(things, [{"id": 1, **row}, *({"id": id, name: row[name]} for id, name in enumerate(ODD, start=10))])
    assert sorted(one(1).values(), key=str) == sorted([1, *row.values()], key=str)
    columns = {value: column for column, value in one(1).items()}
    assert {column: value for column, value in one(2).items() if column != "id"} == {
        columns[value]: value for value in row.values()
    }
    for id, name in enumerate(ODD, start=10):
        assert one(id) == {"id": id, columns[row[name]]: row[name]}


def test_a_field_spelled_as_its_column_has_the_first_claim_on_it(declare, load_pages, one):
    load_pages(declare(), [{"id": 1, "Size": "upper", "size": "lower", "createdAt": "x"}])
    assert (one(1)["size"], one(1)["created_at"]) == ("lower", "x")


def test_names_that_collapse_in_objects_and_lists_are_all_kept(declare, load_pages, warehouse):
    box = {"x-y": "e", "x_y": "f", "": "g"}
    row = {"id": 1, "a": "h", "A": {"b": "i", "B": "j"}, "lines": [{"Size": "c", "size": "d", "box": box}]}
    load_pages(declare(), [{**row, "Lines": [{"sku": "k"}], "a__b": "l"}])
    tables = [name for (name,) in warehouse.query("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'shop'")]
    found = [
        row for name in tables if name.startswith("things") for row in warehouse.query(f"SELECT * FROM shop.{name}")
    ]
    assert set("cdefghijkl") <= {value for row in found for value in row}


def test_numbers_keep_every_digit_whatever_came_before(declare, load_pages, warehouse, one):
    big, fine, endless = "123456789012345678901234567890", "0.1234567890123456789012345", "1e400"
    tiny = "1e-400"
    things = declare()
    load_pages(things, [{"id": 1, "big": 1, "fine": 0.5, "endless": 2.5, "tiny": 1.5, "mixed": 1, "n": [7]}])
    numbers = f'"big": {big}, "fine": {fine}, "endless": {endless}, "tiny": {tiny}, "mixed": 1.5, "late": {big}'
    numbers += f', "zero": -0, "n": [{big}]'
    load_pages(things, f'{{"data": [{{"id": 2, {numbers}, "nan": NaN}}]}}'.encode())
    assert one(1) == {"id": 1, "big": 1, "fine": 0.5, "endless": 2.5, "tiny": 1.5, "mixed": 1}
    texts = {"big__v_text": big, "fine__v_text": fine, "endless__v_text": endless, "tiny__v_text": tiny, "late": big}
    texts |= {"mixed__v_text": "1.5"}
    assert one(2) == {"id": 2, **texts, "zero": 0, "nan": "NaN"}
    assert warehouse.query("SELECT value, value__v_text FROM shop.things__n ORDER BY ALL") == [(7, None), (None, big)]


def test_a_field_may_be_anything_in_turn_on_a_page_and_across_loads(declare, load_pages, warehouse, one):
    values = [
        True,
        "text",
        7,
        {"a": 1},
        [{"a": 2}],
        "2024-01-02T00:00:00Z",
        None,
        {},
        [],
        1.5,
        [[1]],
        {"v_text": "own"},
    ]
    rows = [{"id": id, "f": value} for id, value in enumerate(values)]
    things = declare()
    for page in (rows[:1], rows[:4], rows[3:], rows):
        load_pages(things, page)
    held = {row["id"]: [value for name, value in one(row["id"]).items() if name != "id"] for row in rows}
    assert [held[id] for id in (0, 1, 2, 3, 5, 9)] == [[True], ["text"], ["7"], [1], ["2024-01-02T00:00:00Z"], ["1.5"]]
    assert held[11] == ["own"]
    assert warehouse.query("SELECT a FROM shop.things__f WHERE a IS NOT NULL") == [(2,)]
    assert warehouse.query("SELECT value FROM shop.things__f__list") == [(1,)]


def test_deeply_nested_values_are_kept_as_json(declare, load_pages, warehouse):
    deep = "[" * 100 + "1" + "]" * 100
    load_pages(declare(), f'{{"data": [{{"id": 1, "deep": {deep}}}]}}'.encode())
    names = [name for (name,) in warehouse.query("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'shop'")]
    found = warehouse.query(f"SELECT * FROM shop.{max(names, key=len)}")
    assert any(str(value).startswith("[" * 80) for row in found for value in row)


def test_a_child_gets_the_types_its_values_have(load_children, warehouse):
    load_children(
        {"id": 1}, {"id": 2}, lines=[[{"id": 5, "n": 3, "ok": True, "x": 1.5, "v": "a", "box": {"a": 1}}], []]
    )
    assert types(warehouse, "lines") == {
        "_orders_id": "BIGINT",
        "box": "JSON",
        "id": "BIGINT",
        "n": "BIGINT",
        "ok": "BOOLEAN",
        "v": "VARCHAR",
        "x": "DOUBLE",
    }


@pytest.mark.parametrize("first", [{}, {"columns": {"id": {"data_type": "bigint"}}}])
def test_a_key_that_cannot_be_what_the_column_holds_is_refused_by_name(declare, load_pages, warehouse, first):
    load_pages(declare(**first), [{"id": 1}])
    with pytest.raises(RowError, match=r"'id' is a key and contains 'A-3', which is not a bigint: .* drop the table"):
        load_pages(declare(), [{"id": 1}, {"id": "A-3"}])
    assert warehouse.ids("shop.things") == [1]


def test_keys_that_are_equal_in_their_column_are_one_key(declare, load_pages, warehouse):
    load_pages(declare(), [{"id": 1, "v": "a"}])
    load_pages(declare(), [{"id": 1, "v": "a"}], [{"id": 1.0, "v": "b"}], [{"id": "1", "v": "c"}])
    assert warehouse.query("SELECT id, v FROM shop.things") == [(1, "c")]


@pytest.mark.parametrize("first", [{}, {"max_table_nesting": 1}, None])
def test_columns_may_be_declared_later_and_no_longer_on_the_same_table(
    declare, load_pages, load_as_dlt_does, warehouse, one, first
):
    if first is None:
        load_as_dlt_does(*LINES)
    else:
        load_pages(declare(**first), LINES)
    new = [*LINES, {"id": 3, "lines": [{"sku": "b"}], "total": 3.5}]
    load_pages(declare(columns=TYPED), new)
    assert [one(id)["total"] for id in (1, 2, 3)] == [1.5, 2.0, 3.5]
    assert [one(id)["lines"] for id in (1, 2, 3)] == ['[{"sku":"a"}]', "[]", '[{"sku":"b"}]']
    load_pages(declare(), [*LINES, {"id": 3, "lines": [{"sku": "c"}], "total": 4.5}])
    assert (one(3)["total"], one(3)["lines"]) == (4.5, '[{"sku":"c"}]')
    assert warehouse.ids("shop.things") == [1, 2, 3]


def test_a_table_that_was_loaded_with_declared_columns_goes_on_without_them(declare, load_pages, warehouse, one):
    load_pages(declare(columns=TYPED), LINES)
    load_pages(declare(), [{"id": 3, "lines": [{"sku": "b"}], "total": 3.5, "more": 7, "box": {"a": 1}}])
    assert one(3) == {"id": 3, "lines": '[{"sku":"b"}]', "total": 3.5, "more": 7, "box": '{"a":1}'}
    assert warehouse.ids("shop.things") == [1, 2, 3]
    with pytest.raises(LoadError, match="loaded without child tables, and max_table_nesting asks for them: drop the"):
        load_pages(declare(max_table_nesting=1), LINES)


def test_a_table_and_its_child_tables_that_an_older_version_loaded_go_on(
    declare, load_pages, load_as_dlt_does, warehouse, one
):
    old = {
        "createdAt": "2024-01-02T03:04:05Z",
        "box": {"userName": "x"},
        "lines": [{"sku": 1}, {"sku": 2}],
        "tags": ["a"],
    }
    load_as_dlt_does({"id": 1, **old}, {"id": 2, **old})
    before = types(warehouse), types(warehouse, "things__lines")
    load_pages(declare(), [{"id": 2, **old, "lines": [{"sku": "X"}, {"sku": 3}]}, {"id": 3, **old, "more": True}])
    assert (types(warehouse) | before[0], before[1] | {"sku__v_text": "VARCHAR"}) == (
        types(warehouse),
        types(warehouse, "things__lines"),
    )
    assert one(3).items() >= {(name, value) for name, value in one(1).items() if name != "id"}
    skus = (
        "SELECT t.id, l.sku, l.sku__v_text FROM shop.things t JOIN shop.things__lines l ON l._dlt_parent_id = t._dlt_id"
    )
    assert warehouse.query(f"{skus} ORDER BY t.id, l._dlt_list_idx") == [
        (1, 1, None),
        (1, 2, None),
        (2, None, "X"),
        (2, 3, None),
        (3, 1, None),
        (3, 2, None),
    ]
    assert warehouse.query("SELECT count(*) FROM shop.things__tags") == [(3,)]


def test_child_tables_hold_the_lists_of_the_rows_as_they_are_now(declare, load_pages, warehouse):
    things = declare()
    for _ in range(2):
        load_pages(things, LINES, [{"id": 1, "lines": [{"sku": "b"}, {"sku": "c"}]}, {"id": 3}])
        assert warehouse.query("SELECT sku FROM shop.things__lines ORDER BY sku") == [("b",), ("c",)]
        assert warehouse.ids("shop.things") == [1, 2, 3]


def test_texts_that_look_like_times_are_kept_as_they_are(declare, load_pages, warehouse, one):
    row = {
        "nano": "2024-01-01T00:00:00.123456789Z",
        "day": "2024-02-30",
        "zero": "0000-00-00",
        "far": "10000-01-01T00:00:00Z",
    }
    load_pages(declare(), [{"id": 1, **row, "list": [{"t": row["nano"]}, {"t": "2024-01-01T00:00:00Z"}]}])
    assert one(1) == {"id": 1, **row}
    assert warehouse.query("SELECT t FROM shop.things__list ORDER BY _dlt_list_idx")[0] == (row["nano"],)


def test_nothing_at_the_api_is_no_failure(declare, load_pages, load_children, warehouse):
    load_pages(declare())
    load_pages(declare(max_table_nesting=1))
    load_pages(declare(missing_rows="delete"))
    load_children(lines=[[]])
    load_children({"id": 1}, lines=[[]])
    load_children({"id": 1}, lines=[[{"id": 5}]])
    assert types(warehouse, "lines") == {"_orders_id": "BIGINT", "id": "BIGINT"}
    load_children({"id": 1}, lines=[[]])
    assert warehouse.ids("shop.lines") == []


def test_rows_that_are_gone_are_deleted_also_if_none_is_left(declare, load_pages, warehouse):
    load_pages(declare(missing_rows="delete"), LINES)
    load_pages(declare(missing_rows="delete"))
    assert warehouse.ids("shop.things") == []


DEEP = pytest.mark.parametrize(("begin", "end"), [(b'{"a":', b"}"), (b"[", b"]")], ids=["objects", "lists"])


def nested(begin: bytes, end: bytes, levels: int) -> bytes:
    return b'{"data":[{"id":1,"x":' + begin * levels + b'"bottom"' + end * levels + b"}]}"


@DEEP
def test_a_value_of_many_levels_is_loaded_to_the_bottom(declare, load_pages, warehouse, begin, end):
    load_pages(declare(), nested(begin, end, 200))
    tables = [table for table in warehouse.tables() if table.startswith("shop.things")]
    assert any("bottom" in str(warehouse.query(f"SELECT * FROM {table}")) for table in tables)


@pytest.mark.parametrize("levels", [300, 500, 900])
@DEEP
def test_a_value_that_is_nested_too_deeply_names_its_field_and_is_loaded_when_declared(
    declare, load_pages, warehouse, begin, end, levels
):
    page = nested(begin, end, levels)
    with pytest.raises(RowError, match=r"shop/things.*: '(x|list).*' contains a value that is nested too deeply"):
        load_pages(declare(), page)
    load_pages(declare(columns={"id": {"data_type": "bigint"}, "x": {"data_type": "json"}}), page)
    assert warehouse.query("SELECT count(*) FROM shop.things WHERE x LIKE '%bottom%'") == [(1,)]

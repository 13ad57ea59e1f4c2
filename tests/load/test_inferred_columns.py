"""Nothing declared: every field is kept with the type of its values, whatever its name, and also when columns are
declared later or no longer."""

from datetime import UTC, datetime

import pytest

from connectors_dagster.errors import LoadError, RowError

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


def types(warehouse, table="things"):
    rows = warehouse.query(f"SELECT column_name, column_type FROM (DESCRIBE shop.{table})")
    return {name: type_ for name, type_ in rows if not name.startswith("_dlt")}


def test_fields_get_the_types_of_their_values_and_plain_names(declare, load_pages, warehouse, one):
    row = {
        "id": 1,
        "count": 7,
        "price": 1.5,
        "open": True,
        "text": "x",
        "at": "2024-01-02T03:04:05Z",
        "day": "2024-01-02",
    }
    stats = load_pages(declare(), [{**row, "createdAt": None, "nested": {"a": [1.50]}, "list": [], "userName": "Jane"}])
    assert types(warehouse) == {
        "at": "TIMESTAMP WITH TIME ZONE",
        "count": "BIGINT",
        "day": "VARCHAR",
        "id": "BIGINT",
        "list": "JSON",
        "nested": "JSON",
        "open": "BOOLEAN",
        "price": "DOUBLE",
        "text": "VARCHAR",
        "user_name": "VARCHAR",
    }
    kept = {**row, "at": datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC), "list": "[]", "user_name": "Jane"}
    assert one(1) == {**kept, "nested": '{"a":[1.5]}'}
    assert stats.drift == {}


def test_fields_whose_names_collapse_are_all_kept_in_whatever_order_they_come(declare, load_pages, one):
    names = [
        "na!e",
        "na%e",
        "na_e",
        "Size",
        "size",
        "SIZE",
        "createdAt",
        "created_at",
        "ключ",
        "имя",
        "",
        "x",
        " ",
        "_dlt_id",
    ]
    things = declare()
    row = {name: f"{name} is here" for name in names}
    for id, name in enumerate(reversed(names), start=10):
        load_pages(things, [{"id": id, name: row[name]}])
    load_pages(things, [{"id": 1, **row}])
    assert sorted(one(1).values(), key=str) == sorted([1, *row.values()], key=str)
    columns = {value: column for column, value in one(1).items()}
    for id, name in enumerate(reversed(names), start=10):
        assert one(id) == {"id": id, columns[row[name]]: row[name]}


def test_a_field_spelled_as_its_column_has_the_first_claim_on_it(declare, load_pages, one):
    load_pages(declare(), [{"id": 1, "Size": "upper", "size": "lower", "createdAt": "x"}])
    assert (one(1)["size"], one(1)["created_at"]) == ("lower", "x")


def test_numbers_keep_every_digit_whatever_came_before(declare, load_pages, shop, one):
    big, fine, endless = "123456789012345678901234567890", "0.1234567890123456789012345", "1e400"
    things = declare()
    load_pages(things, [{"id": 1, "big": 1, "fine": 0.5, "endless": 2.5, "mixed": 1}])
    body = f'{{"data": [{{"id": 2, "big": {big}, "fine": {fine}, "endless": {endless}, "mixed": 1.5, "late": {big}}}]}}'
    load_pages(things, body.encode())
    assert one(1) == {"id": 1, "big": 1, "fine": 0.5, "endless": 2.5, "mixed": 1}
    texts = {"big__v_text": big, "fine__v_text": fine, "endless__v_text": endless, "mixed__v_text": "1.5", "late": big}
    assert one(2) == {"id": 2, **texts}


def test_a_child_gets_the_types_its_values_have(load_children, warehouse):
    load_children({"id": 1}, {"id": 2}, lines=[[{"id": 5, "n": 3, "ok": True, "x": 1.5, "v": "a"}], []])
    assert types(warehouse, "lines") == {
        "_orders_id": "BIGINT",
        "id": "BIGINT",
        "n": "BIGINT",
        "ok": "BOOLEAN",
        "v": "VARCHAR",
        "x": "DOUBLE",
    }


def test_a_key_that_cannot_be_what_the_column_holds_is_refused_by_name(declare, load_pages, warehouse):
    things = declare()
    load_pages(things, [{"id": 1}])
    with pytest.raises(
        RowError, match="'id' is a key and holds 'A-3', which is not a bigint: .* drop the table and reload"
    ):
        load_pages(things, [{"id": 1}, {"id": "A-3"}])
    assert warehouse.ids("shop.things") == [1]


@pytest.mark.parametrize("first", [{}, {"max_table_nesting": 1}])
def test_columns_may_be_declared_later_and_no_longer_on_the_same_table(declare, load_pages, one, first):
    load_pages(declare(**first), LINES)
    for columns in (TYPED, None):
        load_pages(declare(columns=columns), [*LINES, {"id": 3, "lines": [{"sku": "b"}], "total": 3.5}])
        assert one(1)["total"] == 1.5
        assert one(3) == {"id": 3, "lines": '[{"sku":"b"}]', "total": 3.5}


def test_child_tables_are_made_on_request_and_stay_whole(declare, load_pages, warehouse):
    things = declare(max_table_nesting=1)
    for _ in range(2):
        load_pages(things, LINES, [{"id": 1, "lines": [{"sku": "b"}, {"sku": "c"}]}, {"id": 3}])
        assert warehouse.query("SELECT sku FROM shop.things__lines ORDER BY sku") == [("b",), ("c",)]
        assert warehouse.ids("shop.things") == [1, 2, 3]


def test_child_tables_asked_for_later_say_what_to_do(declare, load_pages, warehouse):
    load_pages(declare(), LINES)
    with pytest.raises(LoadError, match="loaded without child tables: drop it and reload it, or remove max_table_nest"):
        load_pages(declare(max_table_nesting=1), LINES)
    assert warehouse.ids("shop.things") == [1, 2]


def test_fields_whose_names_collapse_are_kept_in_child_tables_too(declare, load_pages, warehouse):
    rows = [{"id": 1, "na!e": "a", "na%e": "b", "lines": [{"Size": "c", "size": "d", "box": {"x-y": "e", "x_y": "f"}}]}]
    load_pages(declare(max_table_nesting=1), rows)
    found = [*warehouse.query("SELECT * FROM shop.things"), *warehouse.query("SELECT * FROM shop.things__lines")]
    assert set("abcdef") <= {value for row in found for value in row}


def test_nothing_at_the_api_is_no_failure(declare, load_pages, load_children, warehouse):
    load_pages(declare())
    load_pages(declare(max_table_nesting=1))
    load_children(lines=[[]])
    load_children({"id": 1}, lines=[[]])
    load_children({"id": 1}, lines=[[{"id": 5}]])
    assert types(warehouse, "lines") == {"_orders_id": "BIGINT", "id": "BIGINT"}

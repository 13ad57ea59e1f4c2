"""A key that identifies no row fails the load, and the message says which key, two of the rows, and what to write."""

from datetime import timedelta

import pytest

from connectors_dagster import TimestampFormat
from connectors_dagster.errors import RowError
from connectors_dagster.load import key_check

TYPED = {"id": {"data_type": "bigint"}, "v": {"data_type": "text"}}
CUSTOMER = [{"id": n, "customer": 7, "v": f"v{n}"} for n in range(1, 4)]


@pytest.mark.parametrize("hints", [{"columns": TYPED}, {}, {"max_table_nesting": 1}])
def test_different_rows_with_one_key_on_a_page_fail_with_the_key_two_rows_and_what_to_write(
    declare, load_pages, warehouse, hints
):
    with pytest.raises(RowError) as failed:
        load_pages(declare(primary_key="customer", **hints), CUSTOMER)
    assert str(failed.value) == (
        "shop/things: different rows on one page have the same customer, such as "
        '{"customer": 7, "id": 1, "v": "v1"} and {"customer": 7, "id": 2, "v": "v2"}: the key does not identify a row. '
        "Set primary_key: [customer, id], or keep the copy that was read last with on_duplicate_key: last in the "
        "options of things"
    )
    assert "shop.things" not in warehouse.tables()
    load_pages(declare(primary_key=["customer", "id"], **hints), CUSTOMER)
    assert warehouse.ids("shop.things") == [1, 2, 3]


@pytest.mark.parametrize("hints", [{"columns": TYPED}, {"max_table_nesting": 1}])
def test_on_request_the_row_read_last_is_kept(declare, load_pages, warehouse, hints):
    load_pages(declare(primary_key="customer", on_duplicate_key="last", **hints), CUSTOMER)
    assert warehouse.ids("shop.things") == [3]


def test_equal_rows_on_a_page_are_no_fault(declare, load_pages, warehouse):
    load_pages(declare(columns=TYPED), [{"id": 1, "v": "x", "a": {"b": 1}}] * 2)
    assert warehouse.ids("shop.things") == [1]


def test_secrets_in_the_rows_shown_are_masked_and_long_values_are_shortened(declare, load_pages):
    token = "k3y/with+all%kinds&of=signs"
    rows = [{"id": 1, "v": f"{n} {'x' * 500}", "echo": f"{n} {token}", "password": f"geheim{n}"} for n in range(2)]
    with pytest.raises(RowError) as failed:
        load_pages(declare(columns=TYPED), rows)
    assert not [word for word in (token, "geheim0", "x" * 40) if word in str(failed.value)]
    assert "a field that tells the rows apart" in str(failed.value)


def test_one_key_under_two_parents_fails_and_the_key_of_the_parent_is_proposed(load_children, warehouse):
    orders = [{"id": 1}, {"id": 2}]
    lines = [[{"line": 1, "v": "a"}, {"line": 2, "v": "b"}], [{"line": 1, "v": "c"}]]
    for hints in ({}, {"columns": {"line": {"data_type": "bigint"}}}, {"max_table_nesting": 1}):
        with pytest.raises(RowError, match="rows of different parents have the same line") as failed:
            load_children(*orders, lines=lines, key="line", **hints)
        assert "Set primary_key: [_orders_id, line]" in str(failed.value)
    load_children(*orders, lines=lines, key=["_orders_id", "line"])
    assert warehouse.query("SELECT _orders_id, line, v FROM shop.lines ORDER BY ALL") == [
        (1, 1, "a"),
        (1, 2, "b"),
        (2, 1, "c"),
    ]


def test_a_parent_that_comes_twice_is_no_fault_of_its_children(load_children, warehouse):
    load_children({"id": 1}, {"id": 1}, lines=[[{"id": 5, "v": "old"}], [{"id": 5, "v": "new"}]])
    assert warehouse.query("SELECT id, v FROM shop.lines") == [(5, "new")]


def edits(count, at, values=("old", "new")):
    """One page of 60 rows for each value; the first rows have this value, the others do not change."""
    versions = [[{"id": id, "v": value if id < count else "same", "t": at} for id in range(60)] for value in values]
    return [[*version, {"id": 60 + number, "t": at}] for number, version in enumerate(versions)]


FEW = key_check.FEW
STABLE = {"pages_are_stable": True}

DAYS = TimestampFormat(format="%Y-%m-%d", granularity=timedelta(days=1))


@pytest.mark.parametrize("hints", [{"columns": TYPED}, {"max_table_nesting": 1}])
def test_more_changes_than_a_cursor_explains_fail(declare, load_pages, warehouse, hints):
    things = declare(cursor="t", connector=STABLE, **hints)
    load_pages(things, *edits(FEW, "2024-03-01T00:00:00Z"))
    assert warehouse.query("SELECT count(*) FROM shop.things WHERE v = 'new'") == [(FEW,)]
    with pytest.raises(RowError, match=rf"{FEW + 1} of \d+ rows have the same id and cursor as a different row"):
        load_pages(things, *edits(FEW + 1, "2024-03-01T00:00:00Z"))


@pytest.mark.parametrize("cursor", [{}, {"cursor": "t", "timestamp_format": DAYS}])
def test_a_few_edits_are_no_fault_without_a_cursor_or_with_one_that_is_only_a_date(
    declare, load_pages, warehouse, cursor
):
    things = declare(columns=TYPED, connector=STABLE, **cursor)
    others = [{"id": 1000 + n, "v": "x", "t": "2024-03-01"} for n in range(10 * FEW)]
    load_pages(things, others, *edits(FEW, "2024-03-01"))
    assert warehouse.query("SELECT count(*) FROM shop.things WHERE v = 'new'") == [(FEW,)]
    with pytest.raises(RowError, match=rf"{FEW + 1} of \d+ rows have the same id as a different row"):
        load_pages(things, others, *edits(FEW + 1, "2024-03-01"))


def test_without_a_cursor_two_pages_of_different_rows_with_the_same_keys_fail(declare, load_pages):
    things = declare(columns=TYPED, connector=STABLE)
    with pytest.raises(RowError, match="2 of 6 rows have the same id as a different row"):
        load_pages(things, [{"id": n, "v": f"first {n}"} for n in (1, 2, 3)], [{"id": n, "v": "b"} for n in (1, 2, 4)])


def test_rows_that_changed_when_a_page_was_read_again_on_purpose_are_no_fault(declare, load_pages, warehouse):
    first, changed = edits(50, "2024-03-01T00:00:00Z")
    second = [{"id": id, "t": "2024-03-01T00:00:00Z"} for id in range(100, 160)]
    load_pages(declare(columns=TYPED, cursor="t"), first, second, changed)
    assert warehouse.query("SELECT count(*) FROM shop.things WHERE v = 'new'") == [(50,)]


@pytest.mark.parametrize("fields", [{"id": 1}, {"id": "1"}, {"id": 1.0}])
def test_keys_that_are_equal_only_in_their_column_fail_if_the_rows_differ(declare, load_pages, fields):
    load_pages(declare(columns=TYPED), [{"id": 1, "v": "a"}, {**fields, "v": "a"}])
    with pytest.raises(RowError, match="different rows on one page have the same id"):
        load_pages(declare(columns=TYPED), [{"id": 1, "v": "a"}, {**fields, "v": "b"}])


def test_keys_that_differ_in_blanks_or_case_are_different_keys(declare, load_pages, warehouse):
    keys = ["a", "A", "a ", " a", "ä", "a\u0308", ""]
    load_pages(declare(columns={"id": {"data_type": "text"}}), [{"id": key, "v": key} for key in keys])
    assert sorted(warehouse.ids("shop.things")) == sorted(keys)


def test_a_part_of_a_key_that_is_null_is_named(declare, load_pages):
    with pytest.raises(RowError, match="a row has no 'line', which is a key"):
        load_pages(declare(columns=TYPED, primary_key=["id", "line"]), [{"id": 1, "line": 1}, {"id": 1, "line": None}])


def test_a_resource_whose_key_fails_leaves_the_others_of_its_family_loaded(load_children, warehouse):
    with pytest.raises(RowError, match="different rows on one page"):
        load_children({"id": 1}, lines=[[{"id": 5, "v": "a"}, {"id": 5, "v": "b"}]])
    assert warehouse.ids("shop.orders") == [1]
    assert "shop.lines" not in warehouse.tables()


@pytest.mark.parametrize("hints", [{}, {"columns": {"id": {"data_type": "bigint"}}}, {"max_table_nesting": 1}])
def test_a_field_of_the_child_that_has_the_name_of_one_copied_from_its_parent_is_kept_beside_it(
    load_children, warehouse, hints
):
    rows = [{"id": 5, "_orders_id": "own"}, {"id": 6, "_orders_id": "own", "own_orders_id": "another"}]
    load_children({"id": 1}, lines=[rows], **hints)
    found = warehouse.query("SELECT * FROM shop.lines ORDER BY id")
    assert [{"own", "another", 1} & set(row) for row in found] == [{"own", 1}, {"own", "another", 1}]
    assert warehouse.column("shop.lines", "_orders_id") == [1, 1]

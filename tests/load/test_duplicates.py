"""The same row twice in one load: the copy with the newest cursor is kept; if cursors are equal, the one read last."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from connectors_dagster import TimestampFormat
from connectors_dagster.read import row_reader

Row = dict[str, Any]
Columns = dict[str, Any] | None
ISO = TimestampFormat()
TYPED = {"id": {"data_type": "bigint"}, "v": {"data_type": "text"}}


@pytest.fixture
def values(warehouse) -> Callable[[], list[tuple[Any, Any]]]:
    """The ids and values in the table."""
    return lambda: warehouse.query("SELECT id, v FROM shop.things ORDER BY id")


@pytest.mark.parametrize("hints", [{"columns": TYPED}, {}, {"max_table_nesting": 1}])
def test_without_a_cursor_the_copy_read_last_is_kept(declare, load_pages, values, hints):
    things = declare(**hints)
    pages = [{"id": 1, "v": "old"}, {"id": 2, "v": "x"}], [{"id": 3, "v": "x"}, {"id": 1, "v": "new"}]
    for _ in range(2):
        load_pages(things, *pages)
        assert values() == [(1, "new"), (2, "x"), (3, "x")]


OLD, NEW = "2024-03-01T00:00:00Z", "2024-03-04T00:00:00Z"
SECONDS, MILLISECONDS = TimestampFormat(format="epoch_seconds"), TimestampFormat(format="epoch_milliseconds")
CURSORS: dict[str, tuple[str, Columns, Callable[[str], Row], TimestampFormat]] = {
    "column": ("t", {**TYPED, "t": {"data_type": "timestamp"}}, lambda text: {"t": text}, ISO),
    "not declared": ("t", TYPED, lambda text: {"t": text}, ISO),
    "nothing declared": ("t", None, lambda text: {"t": text}, ISO),
    "in an object": ("a.t", TYPED, lambda text: {"a": {"t": text}}, ISO),
    "in an object, nothing declared": ("a.t", None, lambda text: {"a": {"t": text}}, ISO),
    "text": ("t", {**TYPED, "t": {"data_type": "text"}}, lambda text: {"t": text}, ISO),
    "spelled otherwise": ("changedAt", TYPED, lambda text: {"changedAt": text}, ISO),
    "seconds": ("t", TYPED, lambda text: {"t": _instant(text).timestamp()}, SECONDS),
    "milliseconds as text": (
        "t",
        {**TYPED, "t": {"data_type": "text"}},
        lambda text: {"t": str(int(_instant(text).timestamp() * 1000))},
        MILLISECONDS,
    ),
    "date": (
        "t",
        {**TYPED, "t": {"data_type": "date"}},
        lambda text: {"t": text[:10]},
        TimestampFormat(format="%Y-%m-%d", granularity=timedelta(days=1)),
    ),
}


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


NESTED = {"max_table_nesting": 1}
NANOSECONDS, MICROSECONDS = (TimestampFormat(format=f"epoch_{unit}") for unit in ("nanoseconds", "microseconds"))
FINER: dict[str, tuple[str, Any, Any, TimestampFormat]] = {
    "text": ("t", "2024-03-01T00:00:00.1234567Z", "2024-03-01T00:00:00.123456789Z", ISO),
    "text without an end": ("t", "2024-03-01T00:00:00.123456Z", "2024-03-01T00:00:00.1234560001Z", ISO),
    "seconds": ("t", "1709251200.1234567", "1709251200.12345678", SECONDS),
    "milliseconds": ("t", "1709251200123.4567", "1709251200123.45678", MILLISECONDS),
    "microseconds": ("t", 1709251200123456.25, 1709251200123456.5, MICROSECONDS),
    "nanoseconds": ("t", 1709251200123456001, 1709251200123456789, NANOSECONDS),
    "in an object": ("a.t", {"t": "2024-03-01T00:00:00.1234567Z"}, {"t": "2024-03-01T00:00:00.123456789Z"}, ISO),
}


@pytest.mark.parametrize("columns", [{**TYPED, "t": {"data_type": "timestamp"}}, None], ids=["declared", "inferred"])
@pytest.mark.parametrize(("path", "older", "newer", "timestamp_format"), FINER.values(), ids=FINER)
def test_cursors_that_differ_below_a_microsecond_are_compared_by_all_digits(
    declare, load_pages, values, path, older, newer, timestamp_format, columns
):
    things, field = declare(columns=columns, cursor=path, timestamp_format=timestamp_format), path.split(".")[0]
    old, new = {"id": 1, "v": "old", field: older}, {"id": 1, "v": "new", field: newer}
    other = {"id": 2, "v": "x", field: older}
    load_pages(things, [other, new], [old])
    assert values() == [(1, "new"), (2, "x")]


@pytest.mark.parametrize(
    ("case", "hints"),
    [*((case, {}) for case in CURSORS), ("column", NESTED), ("in an object, nothing declared", NESTED)],
)
def test_the_newest_cursor_wins_whichever_copy_is_read_last(declare, load_pages, values, case, hints):
    path, columns, at, timestamp_format = CURSORS[case]
    things = declare(columns=columns, cursor=path, timestamp_format=timestamp_format, **hints)
    old, new = {"id": 1, "v": "old", **at(OLD)}, {"id": 1, "v": "new", **at(NEW)}
    other = {"id": 2, "v": "x", **at(OLD)}
    load_pages(things, [old, other], [new])
    assert values() == [(1, "new"), (2, "x")]
    load_pages(things, [{**new, "v": "newer"}, other], [old])
    assert values() == [(1, "newer"), (2, "x")]


@pytest.mark.parametrize("columns", [{**TYPED, "t": {"data_type": "timestamp"}}, TYPED, None])
def test_the_copy_read_last_wins_if_cursors_are_equal(declare, load_pages, values, columns):
    things = declare(columns=columns, cursor="t")
    load_pages(
        things, [{"id": 1, "v": "pending", "t": OLD}, {"id": 2, "v": "x", "t": OLD}], [{"id": 1, "v": "paid", "t": OLD}]
    )
    assert values() == [(1, "paid"), (2, "x")]


def test_cursors_with_different_offsets_are_compared_as_points_in_time(declare, load_pages, values):
    things = declare(columns={**TYPED, "t": {"data_type": "text"}}, cursor="t")
    new, old = "2024-03-01T09:30:00+00:00", "2024-03-01T11:00:00+02:00"
    load_pages(things, [{"id": 1, "v": "new", "t": new}, {"id": 2, "t": new}], [{"id": 1, "v": "old", "t": old}])
    assert values() == [(1, "new"), (2, None)]


def test_a_copy_without_a_cursor_is_older_than_one_with_a_cursor(declare, load_pages, values):
    things = declare(columns=TYPED, cursor="t")
    load_pages(things, [{"id": 1, "v": "dated", "t": OLD}, {"id": 2}], [{"id": 1, "v": "undated", "t": None}])
    assert values() == [(1, "dated"), (2, None)]


@pytest.mark.parametrize("never", ["9999-12-31T00:00:00Z", "0001-01-01T00:00:00Z"])
@pytest.mark.parametrize("columns", [{**TYPED, "t": {"data_type": "timestamp"}}, TYPED])
def test_a_cursor_that_says_there_is_no_time_is_older_than_any_other(declare, load_pages, values, columns, never):
    things = declare(columns=columns, cursor="t")
    load_pages(
        things, [{"id": 1, "v": "dated", "t": OLD}, {"id": 2, "t": OLD}], [{"id": 1, "v": "undated", "t": never}]
    )
    assert values() == [(1, "dated"), (2, None)]


def test_copies_are_found_across_batches_and_files_of_a_load(declare, load_pages, values, monkeypatch):
    monkeypatch.setattr(row_reader, "BATCH_ROWS", 100)
    monkeypatch.setenv("DATA_WRITER__FILE_MAX_ITEMS", "150")
    things = declare(columns=TYPED, on_duplicate_key="last")
    pages: list[list[Row]] = [
        [{"id": id, "v": f"old {page}"} for id in range(page * 50, page * 50 + 60)] for page in range(9)
    ]
    pages[5][0]["late"] = "a new column, and so a new file"
    stats = load_pages(things, *pages)
    assert values() == [(id, f"old {min(id // 50, 8)}") for id in range(460)]
    assert stats.rows == 540


def test_keys_of_several_columns_are_equal_only_if_all_columns_are(declare, load_pages, warehouse):
    columns = {"order": {"data_type": "text"}, "Line No": {"data_type": "bigint"}, "v": {"data_type": "text"}}
    things = declare(columns=columns, primary_key=["order", "Line No"])
    first = [{"order": "a", "Line No": 1, "v": "old"}, {"order": "a", "Line No": 2, "v": "x"}]
    load_pages(things, first, [{"order": "a", "Line No": 1, "v": "new"}, {"order": "b", "Line No": 1, "v": "x"}])
    rows = warehouse.query('SELECT "order", line_no, v FROM shop.things ORDER BY ALL')
    assert rows == [("a", 1, "new"), ("a", 2, "x"), ("b", 1, "x")]


def test_postgres_holds_the_newest_copy_too(declare, load_pages, postgres):
    things = declare(columns=TYPED)
    load_pages(things, [{"id": 1, "v": "old"}], [{"id": 1, "v": "new"}, {"id": 2, "v": "x"}])
    assert postgres.query("SELECT id, v FROM shop.things ORDER BY id") == [(1, "new"), (2, "x")]


def test_rows_that_are_appended_are_all_kept(declare, load_pages, values):
    things = declare(columns=TYPED, write_disposition="append")
    load_pages(things, [{"id": 1, "v": "old"}], [{"id": 1, "v": "new"}, {"id": 2, "v": "x"}])
    assert sorted(values()) == [(1, "new"), (1, "old"), (2, "x")]

"""A load that has read older rows than another one, and loads them later, replaces no newer rows."""

import os
from collections.abc import Callable
from concurrent.futures import wait
from contextlib import nullcontext
from typing import Any

import pytest

from connectors_dagster.errors import TransientLoadError
from connectors_dagster.load import family, pipeline
from tests.support.processes import Job, Trap, pause, run_at_once, start
from tests.support.rows import order

COLUMNS = {"id": {"data_type": "bigint"}, "t": {"data_type": "timestamp"}, "v": {"data_type": "text"}}
ROWS = "SELECT id, v FROM shop.things ORDER BY id"
MONDAY, TUESDAY, WEDNESDAY = (f"2024-01-0{day}T00:00:00Z" for day in (1, 2, 3))


def thing(id: int, at: str | None, v: str, **fields: Any) -> dict[str, Any]:
    """A row."""
    return {"id": id, "t": at, "v": v, **fields}


@pytest.fixture
def meanwhile(monkeypatch) -> Callable[[Callable[[], Any]], None]:
    """No locks of families; the next load, after it has read and before it loads, is overtaken by another one."""
    monkeypatch.setattr(family, "family_lock", lambda *_: nullcontext(lambda: None))
    original: Any = vars(pipeline)["_load"]

    def overtaken_by(other: Callable[[], Any]) -> None:
        def late(*arguments: Any) -> None:
            monkeypatch.setattr(pipeline, "_load", original)
            other()
            original(*arguments)

        monkeypatch.setattr(pipeline, "_load", late)

    return overtaken_by


def test_of_rows_that_two_loads_have_read_at_the_same_time_the_newer_stays(declare, load_pages, meanwhile, warehouse):
    things = declare(columns=COLUMNS, cursor="t")
    load_pages(things, [thing(1, MONDAY, "first"), thing(2, MONDAY, "first"), thing(3, WEDNESDAY, "first")])
    other = [
        thing(1, WEDNESDAY, "newer"),
        thing(4, MONDAY, "older"),
        thing(5, MONDAY, "began later"),
        thing(6, None, "began later"),
    ]
    meanwhile(lambda: load_pages(things, other))
    late = [
        thing(1, TUESDAY, "older"),
        thing(2, TUESDAY, "newer"),
        thing(3, MONDAY, "restored from a backup"),
        thing(4, TUESDAY, "newer, because it was read later"),
        thing(5, MONDAY, "began first"),
        thing(6, None, "began first"),
        thing(7, MONDAY, "only here"),
    ]
    load_pages(things, late)
    assert warehouse.query(ROWS) == [
        (1, "newer"),
        (2, "newer"),
        (3, "restored from a backup"),
        (4, "newer, because it was read later"),
        (5, "began later"),
        (6, "began later"),
        (7, "only here"),
    ]
    load_pages(things, [thing(1, MONDAY, "restored, too"), thing(7, MONDAY, "again")])
    assert warehouse.column("shop.things", "v", order_by="id")[::6] == ["restored, too", "again"]


def test_without_a_cursor_that_of_the_read_that_began_later_stays(declare, load_pages, meanwhile, warehouse):
    columns = {"id": {"data_type": "bigint"}, "Line No": {"data_type": "text"}, "v": {"data_type": "text"}}
    things = declare(columns=columns, primary_key=["id", "Line No"])
    meanwhile(lambda: load_pages(things, [{"id": 1, "Line No": "a'{b}%s", "v": "began later"}]))
    late = [{"id": 1, "Line No": line, "v": "began first"} for line in ("a'{b}%s", "%")]
    load_pages(things, late)
    rows = warehouse.query("SELECT line_no, v FROM shop.things ORDER BY v")
    assert rows == [("%", "began first"), ("a'{b}%s", "began later")]


@pytest.mark.only_in("duckdb", "postgres", "ducklake")
def test_rows_of_child_tables_that_dlt_makes_follow_their_row(declare, load_pages, meanwhile, warehouse):
    things = declare(cursor="t")

    def with_lines(id: int, at: str, *lines: str) -> dict[str, Any]:
        return thing(id, at, "v", lines=[{"name": line} for line in lines])

    load_pages(things, [with_lines(1, MONDAY, "old"), with_lines(2, MONDAY, "old")])
    meanwhile(lambda: load_pages(things, [with_lines(1, WEDNESDAY, "newest")]))
    load_pages(things, [with_lines(1, TUESDAY, "late", "late too"), with_lines(2, TUESDAY, "changed")])
    lines = "SELECT t.id, l.name FROM shop.things__lines l JOIN shop.things t ON l._dlt_parent_id = t._dlt_id"
    assert sorted(warehouse.query(lines)) == [(1, "newest"), (2, "changed")]
    assert warehouse.query("SELECT count(*) FROM shop.things__lines") == [(2,)]


def test_rows_that_are_compared_with_the_api_as_a_whole_are_read_again(declare, load_pages, meanwhile, warehouse):
    things = declare(columns=COLUMNS, missing_rows="delete")
    meanwhile(lambda: load_pages(things, [thing(1, None, "newest"), thing(3, None, "added")]))
    with pytest.raises(TransientLoadError, match="another run has loaded it since this one began to read"):
        load_pages(things, [thing(1, None, "late"), thing(2, None, "deleted since")])
    assert warehouse.query(ROWS) == [(1, "newest"), (3, "added")]


@pytest.mark.journey
def test_machines_without_a_common_lock_keep_the_newer_rows_of_each_other(api, warehouse, project, monkeypatch):
    monkeypatch.setenv("DESTINATION__DUCKLAKE__CREDENTIALS__STORAGE__BUCKET_URL", (project / "files").as_uri())

    def orders(*rows: tuple[int, str, str]) -> None:
        api.set("storefront/orders", [order(id, f"2024-01-{day}T00:00:00", status=status) for id, day, status in rows])

    orders((1, "10", "pending"), (2, "10", "pending"))
    [late] = start(Job(["storefront/orders"], ["2024-01-01"], Trap("connectors_dagster.load.pipeline:_load", pause)))
    while not (project / "paused").exists():
        assert not wait([late], timeout=0.05).done
    orders((1, "11", "completed"), (3, "11", "new"))
    (project / "elsewhere").mkdir()
    environment = dict(os.environ)
    if url := environment.get("DESTINATION__POSTGRES__CREDENTIALS"):  # whose locks both would have
        environment["CONNECTORS__LOCKS"] = f"{url.rpartition('/')[0]}/postgres"
    there = Job(["storefront/orders"], ["2024-01-01"], folder=project / "elsewhere", environment=environment)
    assert run_at_once(there) == [{"orders": 2}]
    (project / "go on").touch()
    assert late.result() == {"orders": 2}
    rows = warehouse.query("SELECT id, status FROM storefront.orders ORDER BY id")
    assert rows == [(1, "completed"), (2, "pending"), (3, "new")]

"""Rows that have no key: a hash of each row is its key, and what the API no longer returns is deleted if declared."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import pytest

from connectors_dagster import Cursor, ResourceOptions, Transformation
from connectors_dagster.errors import LoadError
from connectors_dagster.load import missing_rows
from connectors_dagster.orchestration.resume import resume
from connectors_dagster.rows.raw_json import decode_fields
from connectors_dagster.rows.row_hash import with_hash
from connectors_dagster.spec.added_columns import ROW_HASH
from tests.support.requested import Asked, Requested, connector_of, load_resources, slices_of

JANUARY, FEBRUARY = "2024-01-01", "2024-01-31"
HASHED = ResourceOptions(key="row_hash")
REPORT = {"name": "report", "endpoint": "/report"}
VISITS = {
    "name": "visits",
    "endpoint": {
        "path": "/visits",
        "incremental": {"cursor_path": "at", "start_param": "since", "end_param": "until"},
    },
}


@pytest.fixture
def api() -> Iterator[Requested]:
    with Requested().served() as api:
        yield api


def visit(page: str, at: str, **more: Any) -> dict[str, Any]:
    return {"page": page, "at": f"{at}T00:00:00Z", **more}


class Visits:
    """Rows that the API filters by time."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows = list(rows)

    def __call__(self, asked: Asked) -> Any:
        since, until = asked.query["since"][:10], asked.query["until"][:10]
        return {"data": [row for row in self.rows if since <= row["at"][:10] < until]}


@pytest.fixture(params=["duckdb", "postgres"])
def table(request: Any) -> Any:
    """Return the rows of a table, of either destination."""
    place = request.getfixturevalue("warehouse" if request.param == "duckdb" else "postgres")
    return lambda sql: place.query(f"SELECT {sql} ORDER BY ALL" if request.param == "duckdb" else f"SELECT {sql}")


def test_a_window_that_is_read_again_has_exactly_the_rows_that_the_api_has(api, table, tmp_path):
    options = {"visits": ResourceOptions(key="row_hash", missing_rows="delete", cursor=Cursor())}
    connector = connector_of(tmp_path, api.url, VISITS, options=options)
    first, edited, other = visit("a", "2024-01-05"), visit("b", "2024-01-06", n=1), visit("c", "2024-02-05")
    api.answer = visits = Visits(first, first, edited, other, visit("d", "2024-02-06"))
    load_resources(connector, JANUARY, FEBRUARY)
    query = "page, n, _window FROM shop.visits"
    before = [("a", None, JANUARY), ("b", 1, JANUARY), ("c", None, FEBRUARY), ("d", None, FEBRUARY)]
    assert sorted(table(query), key=str) == before  # equal rows are one row
    visits.rows = [first, {**edited, "n": 2}, other]
    load_resources(connector, JANUARY)
    assert sorted(table(query), key=str) == [before[0], ("b", 2, JANUARY), *before[2:]]
    visits.rows = [other]
    load_resources(connector, JANUARY)
    assert sorted(table(query), key=str) == before[2:]


def test_a_window_that_fails_or_is_resumed_loses_no_row(api, warehouse, tmp_path):
    options = {"visits": ResourceOptions(key="row_hash", missing_rows="delete", cursor=Cursor())}
    connector = connector_of(tmp_path, api.url, VISITS, options=options)
    api.answer = visits = Visits(visit("a", "2024-01-05"), visit("b", "2024-01-20"), visit("c", "2024-02-05"))
    load_resources(connector, JANUARY, FEBRUARY)
    visits.rows = []
    api.answer = lambda asked: {"error": "busy"} if asked.query["since"] < "2024-01-31" else visits(asked)
    load_resources(connector, JANUARY, FEBRUARY, failing=True)
    assert warehouse.column("shop.visits", "page") == ["a", "b"]
    api.answer = visits
    [january] = slices_of(connector, [JANUARY])
    load_resources(connector, slices=[replace(january, since=january.window.start.replace(day=15))])
    assert warehouse.column("shop.visits", "page") == ["a", "b"]


def test_a_refresh_of_windows_whose_rows_may_be_deleted_reads_them_from_their_start(tmp_path):
    options = {"visits": ResourceOptions(key="row_hash", missing_rows="delete", cursor=Cursor())}
    connector = connector_of(tmp_path, "https://shop.example", VISITS, options=options)
    slices, nothing = slices_of(connector, [JANUARY]), cast(Any, None)  # without a look at what was read before
    assert resume(nothing, nothing, [connector.graph["visits"]], slices) == slices


def test_rows_of_windows_are_kept_by_default_so_that_only_events_are_exact(api, warehouse, tmp_path):
    options = {"visits": ResourceOptions(key="row_hash", cursor=Cursor())}
    connector = connector_of(tmp_path, api.url, VISITS, options=options)
    api.answer = visits = Visits(visit("a", "2024-01-05"), visit("b", "2024-01-06"))
    for _ in range(2):
        load_resources(connector, JANUARY)
    assert warehouse.column("shop.visits", "page") == ["a", "b"]
    visits.rows = visits.rows[:1]
    load_resources(connector, JANUARY)
    assert warehouse.column("shop.visits", "page") == ["a", "b"]
    assert "_window" not in [row[0] for row in warehouse.query("DESCRIBE shop.visits")]


def test_a_field_that_says_when_a_row_was_read_is_no_part_of_its_hash(api, table, tmp_path):
    changes = (Transformation(add_fields={"fetched_at": "{{ now_utc() }}"}),)
    options = ResourceOptions(
        key="row_hash", unhashed_fields=("fetched_at", "request"), transformations=changes, cursor=Cursor()
    )
    connector = connector_of(tmp_path, api.url, VISITS, options={"visits": options})
    for request in ("r1", "r2"):
        rows = [visit(page, "2024-01-05", request=f"{request} {at}") for at, page in enumerate("aba")]
        api.answer = Visits(*rows)
        load_resources(connector, JANUARY)
        assert sorted(table("page, request FROM shop.visits")) == [("a", f"{request} 2"), ("b", f"{request} 1")]
    assert table("count(DISTINCT fetched_at) FROM shop.visits")[0][0] > 0


def test_a_resource_without_windows_is_replaced_and_a_sudden_loss_is_refused(api, table, tmp_path, monkeypatch):
    connector = connector_of(tmp_path, api.url, REPORT, options={"report": HASHED})
    monkeypatch.setattr(missing_rows, "FEW", 2)
    for number in (1, 2):  # all rows are edited
        api.answer = lambda _, number=number: {"data": [{"day": day, "sum": number} for day in "abcdef"]}
        load_resources(connector)
        assert table("count(*), min(sum), max(sum) FROM shop.report") == [(6, number, number)]
    api.answer = lambda _: {"data": [{"day": "a", "sum": 3}]}
    with pytest.raises(LoadError, match="no longer returns 6 of 7 rows"):
        load_resources(connector)
    load_resources(connector, accept_loss=True)
    assert table("day, sum FROM shop.report") == [("a", 3)]


def test_children_without_a_key_are_replaced_per_parent(api, warehouse, tmp_path):
    lines: dict[str, Any] = {"1": [{"v": "x"}, {"v": "y"}], "2": [{"v": "x"}]}
    api.answer = lambda asked: {
        "data": lines[asked.path.split("/")[2]] if asked.path.endswith("lines") else [{"id": 1}, {"id": 2}]
    }
    connector = connector_of(
        tmp_path,
        api.url,
        {"name": "orders", "primary_key": "id", "write_disposition": "merge", "endpoint": "/orders"},
        {"name": "lines", "include_from_parent": ["id"], "endpoint": "/orders/{resources.orders.id}/lines"},
        options={"lines": HASHED},
    )
    load_resources(connector)
    assert warehouse.query("SELECT _orders_id, v FROM shop.lines ORDER BY ALL") == [(1, "x"), (1, "y"), (2, "x")]
    lines |= {"1": [{"v": "z"}], "2": []}
    load_resources(connector)
    assert warehouse.query("SELECT _orders_id, v FROM shop.lines") == [(1, "z")]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ('{"a": 1, "b": "x"}', '{"b":"x","a":1}', True),
        ('{"a": {"x": 1, "y": [1, 2]}}', '{"a":{"y":[1,2],"x":1}}', True),
        ('{"a": "\\u00e9"}', '{"a": "é"}', True),
        ('{"a": "1"}', '{"a": 1}', False),
        ('{"a": [1, 2]}', '{"a": [2, 1]}', False),
        ('{"a": "b", "c": ""}', '{"a": "", "c": "b"}', False),
        ('{"a": 12345678901234567890}', '{"a": 12345678901234567891}', False),
        ('{"a": null}', "{}", False),
    ],
)
def test_rows_with_the_same_content_have_the_same_hash(one, other, same):
    hashes = [with_hash(decode_fields(text.encode()))[ROW_HASH] for text in (one, other)]
    assert (hashes[0] == hashes[1]) is same


@pytest.mark.parametrize(
    ("resource", "options", "said"),
    [
        (REPORT, ResourceOptions(), "set key: row_hash of the resource"),
        (
            {**REPORT, "primary_key": "id"},
            ResourceOptions(unhashed_fields=("at",)),
            "unhashed_fields is set, but the key is no hash: set key: row_hash, or remove it",
        ),
        ({**REPORT, "primary_key": "id"}, HASHED, "key is 'row_hash', but the primary_key 'id' is declared"),
        ({**REPORT, "write_disposition": "append"}, HASHED, "write_disposition is 'append': it must be merge"),
    ],
)
def test_a_key_that_contradicts_the_resource_is_refused(tmp_path, resource, options, said):
    with pytest.raises(ValueError, match=f"shop/report: .*{said}"):
        connector_of(tmp_path, "https://shop.example", resource, options={"report": options})

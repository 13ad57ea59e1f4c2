"""The next page, found by an expression over the page before it."""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors_dagster import NextPage, ResourceOptions
from connectors_dagster.errors import EnvelopeError
from tests.support.shop import things
from tests.support.wire import reply


def page(*ids: int, **fields: Any) -> Any:
    return reply({"data": [{"id": str(one), "kind": "a" if one % 2 else "b"} for one in ids], **fields})


def by_expression(folder, value: str, **fields: Any):
    options = {name: fields.pop(name) for name in ("record_filter",) if name in fields}
    next_page = NextPage(value=value, **fields)
    connector = things(folder, paginator=None).connector
    config: Any = {**connector.config, "client": {k: v for k, v in connector.config["client"].items() if v is not None}}
    resources = {"things": ResourceOptions(next_page=next_page, **options)}
    return replace(connector, config=config, resources=resources).graph["things"]


def asked(shop, name: str) -> list[str | None]:
    return [parse_qs(urlsplit(path).query).get(name, [None])[0] for path in shop.paths]


def test_a_value_that_is_computed_from_the_page_before_goes_into_a_parameter(shop, tmp_path, read):
    shop.replies = [page(1, 2, at=0), page(3, 4, at=2), page(5, at=4)]
    next_page = "{{ response.at + response.data | length }}"
    rows, _ = read(by_expression(tmp_path, next_page, stop="{{ last_page_size < 2 }}", param="start"))
    assert [row["id"] for row in rows] == ["1", "2", "3", "4", "5"]
    assert asked(shop, "start") == [None, "2", "4"]


def test_the_last_row_is_the_last_one_that_is_not_left_out(shop, tmp_path, read):
    shop.replies = [page(1, 2), page(3, 4), page()]
    resource = by_expression(
        tmp_path,
        "{{ last_record.id if last_record else None }}",
        param="after",
        record_filter="{{ record.kind == 'a' }}",
    )
    rows, stats = read(resource)
    assert [row["id"] for row in rows] == ["1", "3"]
    assert (asked(shop, "after"), stats.filtered) == ([None, "1", "3"], 2)


def test_the_number_of_rows_so_far_is_an_offset_for_pages_of_any_size(shop, tmp_path, read):
    shop.replies = [page(1, 2), page(3), page()]
    value = "{{ rows_so_far if page_rows else None }}"
    rows, _ = read(by_expression(tmp_path, value, param="offset", record_filter="{{ record.kind == 'a' }}"))
    assert [row["id"] for row in rows] == ["1", "3"]
    assert asked(shop, "offset") == [None, "2", "3"]


def test_an_address_may_come_from_anywhere_and_ends_by_a_condition(shop, tmp_path, read):
    more = {"next": "/things?page=2", "more": True}
    shop.replies = [page(1, **more), page(2, next="pages/3", more=True), page(3, next="/things?page=4", more=False)]
    rows, _ = read(by_expression(tmp_path, "{{ response.next }}", stop="{{ not response.more }}", is_url=True))
    assert [row["id"] for row in rows] == ["1", "2", "3"]
    assert shop.paths == ["/things", "/things?page=2", "/pages/3"]


def test_a_value_goes_into_the_body_and_zero_is_the_end(shop, tmp_path, read):
    shop.replies = [page(1, left=7), page(2, left=0)]
    rows, _ = read(by_expression(tmp_path, "{{ response.left }}", body_path="page.after"))
    assert [row["id"] for row in rows] == ["1", "2"]
    assert '"after":7' in shop.received[1].replace(" ", "")


def test_an_object_goes_into_the_body_as_one(shop, tmp_path, read):
    shop.replies = [page(1, left=7), page(2, left=0)]
    value = """{{ '{"after": ' ~ response.left ~ '}' if response.left else '' }}"""
    rows, _ = read(by_expression(tmp_path, value, body_path="variables"))
    assert [row["id"] for row in rows] == ["1", "2"]
    assert '"variables":{"after":7}' in shop.received[1].replace(" ", "")


@pytest.mark.parametrize(
    ("value", "where"),
    [("{{ response.paging.after }}", "param"), ("{{ [response.data] }}", "param"), ("{{ 7 }}", "is_url")],
)
def test_an_expression_that_fails_or_is_no_single_value_fails_the_read_by_name(shop, tmp_path, read, value, where):
    shop.replies = [page(1, at=0)]
    with pytest.raises(EnvelopeError, match=r"shop/things.*: page 1 does not fit the paginator \("):
        read(by_expression(tmp_path, value, **{where: "x" if where == "param" else True}))


def test_a_value_that_stays_the_same_fails_instead_of_reading_for_ever(shop, tmp_path, read):
    shop.replies = [page(1, at=5), page(2, at=5)]
    with pytest.raises(EnvelopeError, match="points to a page that was already requested"):
        read(by_expression(tmp_path, "{{ response.at }}", param="start"))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"value": "{{ config.x }}", "param": "a"}, "reads only"),
        ({"value": "5", "param": "a"}, "must be an expression"),
        ({"value": "{{ response. }}", "param": "a"}, "value: .* is not an expression"),
        ({"value": "{{ response.a }}", "stop": "{{ record }}", "param": "a"}, "stop: "),
        ({"value": "{{ response.a }}"}, "exactly one of"),
        ({"value": "{{ response.a }}", "param": "a", "is_url": True}, "exactly one of"),
    ],
)
def test_a_next_page_that_cannot_be_found_is_refused(fields, said):
    with pytest.raises(ValueError, match=f"next_page: .*{said}"):
        NextPage(**fields)


def test_a_paginator_beside_an_expression_is_refused(tmp_path):
    connector = things(tmp_path).connector
    config: Any = connector.config
    [declared] = config["resources"]
    endpoint = {**declared["endpoint"], "paginator": "single_page"}
    resources = {"things": ResourceOptions(next_page=NextPage(value="{{ response.a }}", param="a"))}
    with pytest.raises(ValueError, match="next_page is set, and paginator of the endpoint as well"):
        replace(connector, config={**config, "resources": [{**declared, "endpoint": endpoint}]}, resources=resources)

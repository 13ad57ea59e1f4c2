"""What every connector promises about every resource, checked against the documentation in tests/facts."""

import base64
import re
from collections import Counter
from dataclasses import replace
from typing import Any

import dlt
import pytest

from connectors_dagster import Resource, TimestampFormat
from connectors_dagster.errors import ApiError
from connectors_dagster.rows.table_columns import TableColumns
from connectors_dagster.spec.added_columns import ABSENT_SINCE
from tests.support.contract import (
    CONNECTORS,
    RESOURCES,
    SLICE,
    WINDOW,
    every_connector,
    every_resource,
    keys,
    lineage,
    read,
    with_facts,
)
from tests.support.documented import Documented
from tests.support.leaks import leaks
from tests.support.sheets import facts_of, read_facts
from tests.support.shop import things

# These tests can fail


def test_an_undocumented_page_size_is_found(vendor):
    found = CONNECTORS["storefront"].graph["orders"]
    paginator = {**found.endpoint["paginator"], "limit": 50}
    endpoint = {**found.endpoint, "paginator": paginator}
    wrong = replace(found, definition={**found.definition, "endpoint": endpoint})
    with pytest.raises(AssertionError, match="per_page"):
        test_the_first_request_is_exactly_the_documented_one(wrong, vendor)


def test_a_resource_without_facts_fails_and_says_what_to_write(tmp_path):
    with pytest.raises(pytest.fail.Exception, match=r"shop/things: nothing is documented. Write tests/facts/shop.yaml"):
        facts_of(things(tmp_path))


# Resources


@every_connector
def test_every_documented_resource_is_loaded_or_excluded(connector):
    documented = set(read_facts(connector.name)["resources"])
    assert documented - set(connector.graph) - set(connector.excluded) == set()


@every_resource
def test_key_cursor_and_parent_are_the_documented_ones(resource):
    facts = facts_of(resource)
    cursor = resource.incremental["cursor_path"] if resource.incremental else None
    parent = resource.parent.name if resource.parent else None
    assert (list(resource.primary_key), cursor, parent) == (facts.key, facts.cursor, facts.parent)


# Requests


@every_resource
def test_the_first_request_is_exactly_the_documented_one(resource, vendor):
    facts = vendor.begin(resource)
    vendor.put(resource, facts.rows(1))
    read(resource)
    first = next(request for request in vendor.requests_for(resource) if facts.in_list(0, request.query))
    secret = facts.auth.get("query", {})
    sent = {name: value for name, value in first.query.items() if name not in secret}
    assert sent.pop(facts.place, "0") in ("0", "1"), "it does not start at the first page"
    assert sent == facts.first_params()
    for name, pattern in read_facts(resource.connector.name).get("headers", {}).items():
        assert re.search(pattern, first.headers.get(name, "")), f"header {name}"


@pytest.mark.parametrize("resource", with_facts("first_window"), ids=str)
def test_the_first_window_is_requested_as_documented(resource, vendor):
    facts = vendor.begin(resource)
    dated, undated = facts.rows(2)
    there = vendor.put(resource, [dated, undated | {facts.cursor: None}])
    found, _ = read(resource, replace(SLICE, first=True))
    assert vendor.requests_for(resource)[0].query == facts.first_params(facts.first_window)
    assert len(found) == len(there)


@every_resource
def test_reading_ends_with_the_last_row_and_only_the_page_parameter_changes(resource, vendor):
    facts = vendor.begin(resource)
    counts = {}
    for count in (1, 2 * facts.size, 2 * facts.size + 1) if facts.paging else (facts.size,):
        vendor.requests.clear()
        there = vendor.put(resource, facts.rows(count))
        found, reading = read(resource)
        [stats] = reading.stats_by_slice.values()
        requests = vendor.requests_for(resource)
        # Pages by offset overlap, and without a total a short page is confirmed by another request. Windows of several
        # pages are read twice where rows could move unnoticed.
        pages = (
            (-(-count // facts.size) + 2)
            * facts.lists
            * (2 if resource.parent else 1)
            * (2 if resource.root.windowed else 1)
        )
        alone = (facts.paging or {}).get("alone")  # then the place of a page says what the first request said
        # A single full page without a Link header is confirmed by one with half of its rows.
        half = (str((facts.paging or {}).get("size")), str(facts.size // 2))
        listed = [r for r in requests if not (alone and facts.place in r.query) and half not in r.query.items()]
        changes = {frozenset(r.query.items()) - {(facts.place, r.query.get(facts.place))} for r in listed}
        assert (len(changes), len(requests) <= pages) == (facts.lists, True), [r.target for r in requests]
        counts[count] = (len(there), len(found), len(keys(resource, found)), stats.duplicates)
    assert counts == {n: (there, there, there, 0) for n, (there, *_) in counts.items()}


@every_resource
def test_secrets_are_where_they_belong_and_nowhere_else(resource, vendor):
    facts = vendor.begin(resource)
    vendor.put(resource, facts.rows(facts.size + 1 if facts.paging else 1))
    found, _ = read(resource)
    values, secrets = vendor.settings(resource.connector), vendor.secrets(resource.connector)
    in_query = facts.auth.get("query", {})
    assert vendor.requests and leaks(str(found), secrets) == []
    for request in vendor.requests:
        headers, query = dict(request.headers), dict(request.query)
        assert headers.pop("authorization", None) == authorization(facts.auth, values)
        own = facts.auth.get("own", {})
        assert {name: headers.pop(name) for name in own} == {name: values[setting] for name, setting in own.items()}
        assert {name: query.pop(name) for name in in_query} == {name: values[s] for name, s in in_query.items()}
        assert "referer" not in headers
        assert leaks(str((headers, query, request.target.partition("?")[0])), secrets) == []


def authorization(auth: dict[str, Any], values: dict[str, str]) -> str | None:
    """Write the header that the facts describe, such as ``Basic key:secret``."""
    scheme, _, credentials = auth.get("header", "").partition(" ")
    written = ":".join(values.get(name, "") for name in credentials.split(":"))
    if scheme == "Basic":
        return f"Basic {base64.b64encode(written.encode()).decode()}"
    return f"{scheme} {written}" if scheme else None


# Rows


@every_resource
def test_a_documented_row_fits_the_declared_columns_and_fills_all_of_them(resource, vendor):
    facts = vendor.begin(resource)
    vendor.put(resource, facts.rows(1, whole=True))
    *parents, reading = lineage(resource)
    for parent in parents:
        assert list(parent.pages())
    columns = TableColumns(
        label=str(resource),
        declared=resource.columns,
        keys=frozenset(resource.primary_key),
        naming=dlt.Schema("any").naming,
        capabilities=dlt.destinations.duckdb().capabilities(),
        timestamp_format=resource.cursor.timestamp_format if resource.cursor else TimestampFormat(),
    )
    assert sum(batch.num_rows for batch in reading.batches(columns)) > 0
    unfilled = [name for name in columns.missing if name != ABSENT_SINCE]
    assert {"drift": columns.drift, "never filled": unfilled} == {"drift": {}, "never filled": []}


@pytest.mark.parametrize("resource", [r for r in RESOURCES if r.cursor], ids=str)
def test_the_documented_timestamp_formats_are_read(resource):
    written = read_facts(resource.connector.name)["timestamps"]
    assert written
    assert {text: resource.cursor.timestamp_format.decode(text).isoformat() for text in written} == written
    sample = resource.cursor.timestamp_format.decode(facts_of(resource).sample[facts_of(resource).cursor])
    assert WINDOW.start <= sample < WINDOW.end, "the cursor of the sample must lie in the window of the facts"


@pytest.mark.parametrize("resource", with_facts("hidden"), ids=str)
def test_a_row_that_is_archived_or_deleted_is_loaded(resource, vendor):
    facts = vendor.begin(resource)
    plain, hidden = facts.rows(2)
    there = vendor.put(resource, [plain, hidden | facts.hidden["row"]])
    found, _ = read(resource)
    assert len(keys(resource, found)) == len(there)
    assert any(facts.hidden["row"].items() <= row.items() for row in found)


# Errors


@every_resource
def test_documented_errors_are_ignored_or_fatal_as_they_should_be(resource, vendor, waits):
    facts = vendor.begin(resource)
    vendor.put(resource, facts.rows(1))
    lasting = {name: error for name, error in facts.errors.items() if error["outcome"] != "retried"}
    assert lasting
    found = {}
    for name, error in lasting.items():
        vendor.refusals, vendor.requests = {resource.name: [error] * 100}, []
        found[name] = outcome(resource, vendor)
    assert found == {name: error["outcome"] for name, error in lasting.items()}


@every_connector
def test_documented_transient_errors_are_retried_after_the_documented_wait(connector, vendor, waits):
    resource = next(iter(connector.graph.values()))
    facts = vendor.begin(resource)
    vendor.put(resource, facts.rows(1))
    passing = {name: error for name, error in facts.errors.items() if error["outcome"] == "retried"}
    assert passing
    for name, error in passing.items():
        vendor.refusals = {resource.name: [error]}
        waits.clear()
        assert outcome(resource, vendor) == "retried", name
        assert waits == [float(error.get("headers", {}).get("Retry-After", connector.retry.factor))], name


def outcome(resource: Resource, vendor: Documented) -> str:
    """Read a resource and return the outcome of the errors that the server returns."""
    try:
        rows, reading = read(resource)
    except ApiError:
        # Children of several parents are requested concurrently: attempts are counted per request.
        attempts = max(Counter(request.target for request in vendor.requests_for(resource)).values())
        return "fatal" if attempts == 1 else f"failed after {attempts} attempts"
    [stats] = reading.stats_by_slice.values()
    if rows:
        return "retried" if stats.retries == 1 else f"{stats.retries} retries"
    if vars(stats).get("not_available"):
        return "not available"
    return "gone" if stats.ignored else "none"

"""A connector that contradicts itself or dlt is rejected, and the error says what to change."""

from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors_dagster import Connector, Retry, Secret

ENDPOINT = {"path": "/agents", "data_selector": "data", "paginator": "single_page"}
CONFIG: Any = {
    "client": {"base_url": "http://127.0.0.1"},
    "resources": [{"name": "agents", "primary_key": "id", "endpoint": ENDPOINT}],
}
COOKIE: Any = {"type": "api_key", "name": "key", "api_key": Secret("key"), "location": "cookie"}


def declare(config: Any, schema: Path = Path(__file__)) -> Connector:
    return Connector(name="helpdesk", description="Support", schema=schema, config=config)


@pytest.mark.parametrize(
    ("endpoint", "message"),
    [
        (
            {"paginator": {"type": "pagenumber"}},
            "endpoint/paginator: field type=pagenumber is not one of: .*'page_number'",
        ),
        (
            {"paginator": {"type": "page_number", "base": 1}},
            r"endpoint/paginator: received unexpected fields \{'base'\}",
        ),
        ({"paginator": "single_pag"}, "endpoint: field paginator=single_pag is not one of: .*'single_page'"),
        ({"method": "FETCH"}, "endpoint: field method=FETCH is not one of"),
        ({"pagination": "auto"}, r"endpoint: received unexpected fields \{'pagination'\}"),
    ],
)
def test_a_wrong_word_is_named_in_one_line_with_its_place(endpoint, message):
    config = deepcopy(CONFIG)
    config["resources"][0]["endpoint"] |= endpoint
    with pytest.raises(ValueError, match=rf"^helpdesk/resources\[0\]/{message}") as failed:
        declare(config)
    assert "\n" not in str(failed.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lookback": timedelta(minutes=-5)}, "lookback is -1 day, 23:55:00; it must not be negative"),
        ({"max_parallel_requests": 0}, "max_parallel_requests is 0; it must be 1 to 1,000"),
        ({"max_parallel_requests": 10**20}, "max_parallel_requests is 10{20}; it must be 1 to 1,000"),
        ({"requests_per_minute": 0}, "requests_per_minute is 0; it must be at least 1"),
        ({"config": CONFIG | {"resources": []}}, "config has no resources"),
        ({"config": CONFIG | {"resources": [{"name": "a", "endpoint": {"path": None}}]}}, "path of a is null"),
        ({"config": CONFIG | {"client": {"base_url": "http://127.0.0.1", "auth": COOKIE}}}, "auth.location is cookie"),
    ],
    ids=str,
)
def test_an_option_that_cannot_be_used_is_refused_when_the_connector_is_made(options, message):
    with pytest.raises(ValueError, match=f"^helpdesk: {message}"):
        replace(declare(CONFIG), **options)


@pytest.mark.parametrize(
    "options",
    [{"attempts": -1}, {"factor": -0.5}, {"factor": float("nan")}, {"max_wait": timedelta(seconds=-1)}],
    ids=str,
)
def test_a_negative_retry_is_refused(options):
    (name,) = options
    with pytest.raises(ValueError, match=f"retry: {name} is .*; it must not be negative"):
        Retry(**options)


def test_a_schema_file_that_does_not_exist_is_named_with_what_to_write(tmp_path):
    connector = declare(CONFIG, tmp_path / "helpdesk.schema.yaml")
    with pytest.raises(ValueError, match=r"helpdesk: the schema file helpdesk.schema.yaml does not exist: create it"):
        _ = connector.tables

"""A connector may say what a response means, by its status and its text, and which header says how long to wait."""

from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from connectors_dagster import ResourceOptions, ResponseRule, Retry
from connectors_dagster.errors import ApiError, TransientApiError
from tests.support.numbered import numbered, numbers
from tests.support.shop import things
from tests.support.wire import reply

GOOD = reply({"data": numbered(1)})
CURSOR = {"type": "cursor", "cursor_path": "next", "cursor_param": "after"}
AT = datetime(2024, 5, 1, 12, tzinfo=UTC)
DATE = format_datetime(AT, usegmt=True)


def ruled(folder: Any, *rules: ResponseRule, **options: Any) -> Any:
    connector = replace(things(folder, **options).connector, responses=rules)
    return connector.graph["things"]


def test_a_text_decides_whether_a_status_is_retried_or_fails(shop, read, tmp_path, waits):
    rules = (
        ResponseRule(action="fail", statuses=frozenset({429}), text="monthly", message="buy a larger plan"),
        ResponseRule(action="retry", statuses=frozenset({400}), text="try again"),
    )
    shop.replies = [reply({"error": "try again"}, "400 Bad Request"), GOOD]
    assert numbers(read(ruled(tmp_path, *rules))) == [1]
    assert waits == [2]
    shop.replies = [reply({"error": "monthly quota"}, "429 Too Many Requests")]
    with pytest.raises(ApiError, match=r"things answered 429: .*monthly quota.*; buy a larger plan") as failure:
        read(ruled(tmp_path, *rules))
    assert failure.value.response["status"] == 429
    assert not isinstance(failure.value, TransientApiError)
    shop.replies = [reply({"error": "wrong"}, "400 Bad Request")]
    with pytest.raises(ApiError, match="answered 400"):
        read(ruled(tmp_path, *rules))
    assert waits == [2]


def test_a_response_that_is_declared_to_be_retried_fails_after_the_last_attempt(shop, read, tmp_path, waits, caplog):
    shop.replies = [reply({"state": "preparing"}, "202 Accepted")]
    rule = ResponseRule(action="retry", statuses=frozenset({202}), text="preparing", message="run again later")
    with pytest.raises(TransientApiError, match=r"answered 202: .*preparing.*; run again later"):
        read(ruled(tmp_path, rule))
    assert waits == [2, 4, 8]
    assert "status 202, which is declared to be retried, retry 3 of 3" in caplog.text


@pytest.mark.parametrize("meaning", ["gone", "none", "not_available"])
def test_an_ignored_response_means_no_rows_and_is_counted_but_ends_a_list_only_if_that_is_its_meaning(
    shop, read, tmp_path, meaning
):
    rule = ResponseRule(action="ignore", text="no such list", meaning=meaning)
    ignored = reply({"error": "no such list"}, "404 Not Found")
    shop.replies = [ignored]
    rows, stats = read(ruled(tmp_path, rule, paginator=CURSOR))
    assert (numbers((rows,)), stats.ignored) == ([], int(meaning != "none"))
    assert bool(stats.not_available) is (meaning == "not_available")
    shop.replies = [reply({"data": numbered(1), "next": "b"}), ignored]
    with pytest.raises(ApiError, match="there are pages before it") if meaning != "none" else nullcontext():
        assert numbers(read(ruled(tmp_path, rule, paginator=CURSOR))[:1]) == [1]
    shop.replies = [reply({"data": [{"id": "1", "name": "no such list"}]})]
    assert read(ruled(tmp_path, rule))[1].ignored == 0  # without statuses, a rule is for errors only


def test_a_successful_response_may_be_ignored_by_its_text(shop, read, tmp_path):
    shop.replies = [reply({"success": False, "message": "module is off"})]
    rule = ResponseRule(action="ignore", statuses=frozenset({200}), text="module is off", meaning="not_available")
    assert read(ruled(tmp_path, rule))[0] == []


def test_a_condition_decides_by_what_a_response_says_also_a_successful_one(shop, read, tmp_path, waits):
    rules = (
        ResponseRule(action="retry", statuses=frozenset({200}), condition="{{ response.meta.state == 'busy' }}"),
        ResponseRule(action="fail", statuses=frozenset({200, 400}), condition="{{ 'quota' in error_message }}"),
        ResponseRule(action="ignore", condition="{{ headers['X-Reason'] == 'off' }}", meaning="none"),
    )
    shop.replies = [reply({"meta": {"state": "busy"}, "data": []}), GOOD]
    assert numbers(read(ruled(tmp_path, *rules))) == [1]
    assert waits == [2]
    for answer in (
        reply({"error": {"errors": [{"message": "no quota"}]}}, "400 Bad Request"),
        reply(b"no quota <left>", "400 Bad Request"),
        reply({"message": "no quota", "data": []}),
    ):
        shop.replies = [answer]
        with pytest.raises(ApiError, match=r"answered [24]00: .*no quota"):
            read(ruled(tmp_path, *rules))
    shop.replies = [reply({}, "404 Not Found", X_Reason="off")]
    assert read(ruled(tmp_path, *rules))[0] == []


@pytest.mark.parametrize(
    ("condition", "said"),
    [("{{ config.a }}", "reads only"), ("always", "must be an expression"), ("{{ a. }}", "is not an expression")],
)
def test_a_condition_that_cannot_be_read_is_refused(condition, said):
    with pytest.raises(ValueError, match=f"responses: condition: .*{said}"):
        ResponseRule(action="fail", condition=condition)


def test_a_resource_has_rules_of_its_own(shop, read, tmp_path):
    gone = ResponseRule(action="ignore", statuses=frozenset({410}))
    resource = ruled(tmp_path, gone)
    own = replace(resource.connector, resources={"things": ResourceOptions(responses=())}).graph["things"]
    shop.replies = [reply({}, "410 Gone")]
    assert read(resource)[0] == []
    with pytest.raises(ApiError, match="answered 410"):
        read(own)


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("7", 7),
        (str(int((AT + timedelta(seconds=30)).timestamp())), 30),
        (str(int((AT + timedelta(seconds=30)).timestamp() * 1000)), 30),
        (format_datetime(AT + timedelta(seconds=30), usegmt=True), 30),
        (str(int((AT - timedelta(seconds=30)).timestamp())), 0),
        ("soon", 2),
        ("-5", 2),
    ],
)
def test_a_declared_header_says_how_long_to_wait(shop, read, tmp_path, waits, value, wait):
    retry = Retry(wait_headers=("X-Reset",), statuses=frozenset({429, 503}))
    for status, expected in (("429 Too Many Requests", wait), ("503 Service Unavailable", 2)):
        waits.clear()
        shop.replies = [reply({}, status, X_Reset=value, Date=DATE), GOOD]
        read(things(tmp_path, retry=retry))
        assert waits == [expected]


def test_the_longest_of_several_waits_counts_and_none_beyond_the_maximum(shop, read, tmp_path, waits):
    rule = ResponseRule(action="retry", text="busy")
    retry = Retry(wait_headers=("X-Reset",))
    shop.replies = [reply({"error": "busy"}, "409 Conflict", X_Reset="9", Retry_After="5"), GOOD]
    read(ruled(tmp_path, rule, retry=retry))
    assert waits == [9]
    shop.replies = [reply({"error": "busy"}, "409 Conflict", X_Reset="90000")]
    with pytest.raises(TransientApiError, match="answered 409"):
        read(ruled(tmp_path, rule, retry=retry))
    assert waits == [9]


@pytest.mark.parametrize(
    "rule", [{"statuses": frozenset({200})}, {}, {"statuses": frozenset({204, 404})}, {"message": "x"}]
)
def test_a_rule_that_successes_would_fit_is_refused(rule):
    with pytest.raises(ValueError, match=r"responses: a rule .*needs"):
        ResponseRule(action="ignore", **rule)

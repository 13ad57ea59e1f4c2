"""The command `check`: everything that a load needs is tried, and nothing is left behind."""

import json
import stat
from pathlib import Path

import pytest

from tests.support.rows import order


def found(done) -> dict[str, dict]:
    return {finding["name"]: finding for finding in json.loads(done.stdout)}


@pytest.fixture
def storefront(api, monkeypatch):
    monkeypatch.setenv("CONNECTORS__ENABLED", "storefront")
    return api


def test_each_resource_is_requested_once_and_children_for_one_row_of_their_parent(connectors, api):
    api.set("subscriptions/customers", [{"id": "c1"}, {"id": "c2"}])
    done = connectors("check", "subscriptions", "--json")
    assert done.exit_code == 0, done.stdout
    resources = [name for name in found(done) if name.startswith("subscriptions/")]
    assert len(api.requests) <= len(resources)
    assert len(resources) > 3


def test_check_names_what_is_wrong_with_a_resource_and_tries_the_others(connectors, storefront):
    storefront.answer("/orders", 403)
    done = connectors("check", "--json")
    assert done.exit_code == 1
    assert [name for name, finding in found(done).items() if not finding["ok"]] == ["storefront/orders"]
    assert "403" in found(done)["storefront/orders"]["message"]


@pytest.mark.journey
def test_an_answer_that_all_resources_have_is_printed_once(connectors, storefront, monkeypatch):
    monkeypatch.setenv("SOURCES__STOREFRONT__API_SECRET", "wrong")
    printed = connectors("check", "storefront").output
    assert printed.count("SOURCES__STOREFRONT__API_KEY") == 1
    assert "failed  storefront/coupons: answered 401 like storefront/" in printed
    assert "SOURCES__STOREFRONT__API_KEY" in found(connectors("check", "--json"))["storefront/coupons"]["message"]


def test_a_response_that_is_not_as_declared_is_found(connectors, storefront):
    storefront.answer("/customers", 200, body={"error": "moved"})
    done = connectors("check", "storefront/customers", "--json")
    assert done.exit_code == 1
    assert not found(done)["storefront/customers"]["ok"]


def test_check_opens_and_writes_the_destination_and_leaves_nothing_behind(connectors, storefront, project):
    done = connectors("check", "storefront/orders", "--json")
    assert found(done)["destination"]["ok"], done.stdout
    assert not (project / "warehouse.duckdb").exists()


def test_a_destination_that_cannot_be_written_is_named(connectors, storefront, project: Path):
    (project / "warehouse.duckdb").write_text("not a database")
    (project / "warehouse.duckdb").chmod(stat.S_IRUSR)
    done = connectors("check", "storefront/orders", "--json")
    assert done.exit_code == 1
    assert not found(done)["destination"]["ok"]
    assert "warehouse.duckdb" in found(done)["destination"]["message"]


def test_settings_of_the_destination_that_are_missing_are_named(connectors, storefront, monkeypatch):
    monkeypatch.setenv("CONNECTORS__DESTINATION", "postgres")
    checked = found(connectors("check", "storefront/customers", "--json"))["destination"]["message"]
    run = connectors("run", "storefront/customers").output
    for message in (checked, run):
        assert "the destination is not configured; set a URL as …__CREDENTIALS" in message
        assert "\n  DESTINATION__POSTGRES__CREDENTIALS__HOST" in message
        assert "config.toml" not in message and "Traceback" not in message


def test_a_destination_that_cannot_be_reached_is_named(connectors, storefront, monkeypatch):
    monkeypatch.setenv("CONNECTORS__DESTINATION", "postgres")
    monkeypatch.setenv("DESTINATION__POSTGRES__CREDENTIALS", "postgresql://loader:hidden-word@127.0.0.1:1/warehouse")
    message = found(connectors("check", "storefront/customers", "--json"))["destination"]["message"]
    assert message.startswith("postgres: OperationalError: connection to server at") and "hidden-word" not in message


def test_locks_that_cannot_be_reached_are_named(connectors, storefront, monkeypatch):
    monkeypatch.setenv("CONNECTORS__LOCKS", "postgresql://keeper:hidden-word@127.0.0.1:1/locks")
    done = connectors("check", "storefront/orders", "--json")
    message = found(done)["destination"]["message"]
    assert "CONNECTORS__LOCKS (127.0.0.1:1/locks): " in message and "hidden-word" not in message


@pytest.mark.journey
def test_check_shows_windows_and_schedule_and_refuses_wrong_ones(connectors, storefront, monkeypatch):
    assert "windows of P30D since 2024-01-01; schedule '" in connectors("check", "storefront/orders").output
    monkeypatch.setenv("SOURCES__STOREFRONT__START_DATE", "2999-01-01")
    done = connectors("check", "storefront/orders")
    assert done.exit_code == 1
    assert "SOURCES__STOREFRONT__START_DATE" in done.output
    monkeypatch.setenv("SOURCES__STOREFRONT__SCHEDULE", "now and then")
    done = connectors("check")
    assert done.exit_code == 1
    assert "SOURCES__STOREFRONT__SCHEDULE is 'now and then'" in done.output


def test_an_api_that_does_not_answer_is_reported_once_and_not_waited_for(connectors, api, monkeypatch):
    monkeypatch.setenv("SOURCES__STOREFRONT__BASE_URL", "http://127.0.0.1:9/")
    done = connectors("check", "storefront")
    assert done.exit_code == 1
    assert [line.split()[0] for line in done.output.splitlines()] == ["ok", "failed", "ok"], done.output


def test_orders_of_the_last_day_are_requested_only(connectors, storefront):
    storefront.set("storefront/orders", [order(1, "2024-01-05T00:00:00")])
    assert "returned 0 rows of the last day" in connectors("check", "storefront/orders").output


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EXECUTOR", "dagster_celery:no_executor"),
        ("EXECUTOR_CONFIG", '{"max_concurent": 3}'),
        ("FAILURE_WEBHOOK", "chat.example"),
    ],
)
def test_what_only_dagster_uses_is_checked_before_anything_is_requested(
    connectors, storefront, monkeypatch, name, value
):
    monkeypatch.setenv(f"CONNECTORS__{name}", value)
    done = connectors("check")
    assert (done.exit_code, storefront.requests) == (1, [])
    assert f"CONNECTORS__{name}" in done.output

"""A family is read and loaded by one run at a time, on all machines that share a Postgres."""

from concurrent.futures import wait

import pytest

from connectors_dagster.config.settings import check_shared_settings
from connectors_dagster.errors import DestinationBusyError, SettingError, TransientLoadError
from connectors_dagster.load.deleted_rows import delete_rows
from tests.conftest import find
from tests.support.postgres import lose_family_lock
from tests.support.processes import Job, Trap, pause, run_at_once, start
from tests.support.rows import order

ORDERS = ["storefront/orders"]
JANUARY = ["2024-01-01"]
READ = "connectors_dagster.load.pipeline:_load"
HELD = r"process .*\(reading and loading storefront_orders\) .* holds the lock of family storefront\.storefront_orders"


def read_and_pause(project):
    """Start a load on another machine that has read its rows and has not loaded them."""
    [elsewhere] = start(Job(ORDERS, JANUARY, Trap(READ, pause)))
    while not (project / "paused").exists():
        assert not wait([elsewhere], timeout=0.05).done
    return elsewhere


def here(project):
    """Return a load on this machine, whose folders are its own."""
    (project / "here").mkdir(exist_ok=True)
    return Job(ORDERS, JANUARY, folder=project / "here")


@pytest.mark.journey
def test_a_machine_does_not_read_what_another_one_has_read_and_not_loaded(api, postgres, project, monkeypatch):
    monkeypatch.setenv("CONNECTORS__SIBLINGS_TIMEOUT", "0.1")
    api.set("storefront/orders", [order(1, "2024-01-15T00:00:00")])
    elsewhere = read_and_pause(project)
    requests = len(api.requests)
    with pytest.raises(DestinationBusyError, match=HELD):
        run_at_once(here(project))
    assert len(api.requests) == requests
    (project / "go on").touch()
    elsewhere.result()
    run_at_once(here(project))
    assert postgres.ids("storefront.orders") == [1]


def test_an_older_read_is_not_loaded_over_a_newer_one_after_its_lock_was_lost(api, postgres, project):
    api.set("storefront/orders", [order(1, "2024-01-15T00:00:00", customer_note="old")])
    elsewhere = read_and_pause(project)
    lose_family_lock(postgres)
    api.set("storefront/orders", [order(1, "2024-01-15T00:00:00", customer_note="new")])
    run_at_once(here(project))
    (project / "go on").touch()
    with pytest.raises(
        TransientLoadError, match=r"family storefront\.storefront_orders: the lock .* was lost at postgres"
    ):
        elsewhere.result()
    assert postgres.query("SELECT customer_note FROM storefront.orders") == [("new",)]


def test_a_database_that_only_has_the_locks_keeps_families_apart_for_any_destination(
    api, postgres, project, warehouse, monkeypatch
):
    monkeypatch.setenv("CONNECTORS__DESTINATION", "duckdb")
    monkeypatch.setenv("CONNECTORS__LOCKS", postgres.url)
    monkeypatch.setenv("CONNECTORS__SIBLINGS_TIMEOUT", "0.1")
    api.set("storefront/orders", [order(1, "2024-01-15T00:00:00")])
    elsewhere = read_and_pause(project)
    with pytest.raises(DestinationBusyError, match=HELD):
        run_at_once(here(project))
    (project / "go on").touch()
    elsewhere.result()
    assert warehouse.ids("storefront.orders") == [1]
    assert postgres.query("SELECT count(*) FROM pg_namespace WHERE nspname = 'storefront'") == [(0,)]


def test_rows_are_not_deleted_while_another_machine_reads_their_family(api, postgres, project, monkeypatch):
    monkeypatch.setenv("CONNECTORS__SIBLINGS_TIMEOUT", "0.1")
    api.set("storefront/orders", [order(1, "2024-01-15T00:00:00")])
    elsewhere = read_and_pause(project)
    with pytest.raises(DestinationBusyError, match=HELD):
        delete_rows([find("storefront/orders")])
    (project / "go on").touch()
    elsewhere.result()
    assert delete_rows([find("storefront/orders")]) == {"storefront.orders": 1}


def test_locks_whose_database_is_down_are_a_transient_failure_without_its_password(api, project, monkeypatch):
    monkeypatch.setenv("CONNECTORS__LOCKS", "postgresql://keeper:hidden-word@127.0.0.1:1/locks")
    with pytest.raises(
        TransientLoadError, match=r"CONNECTORS__LOCKS \(127\.0\.0\.1:1/locks\): .*Connection refused"
    ) as failure:
        Job(ORDERS, JANUARY).run()
    assert "hidden-word" not in str(failure.value) and api.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "redis://x:hidden-word@127.0.0.1:1",
        "hidden-word",
        "postgresql://[hidden-word",
        "postgresql://x:a-long-part@hidden-word@127.0.0.1:1/locks",
    ],
)
def test_locks_in_something_else_than_a_postgres_are_refused_when_the_code_is_loaded(monkeypatch, url):
    monkeypatch.setenv("CONNECTORS__LOCKS", url)
    with pytest.raises(SettingError, match=r"CONNECTORS__LOCKS cannot be used: .* postgresql://") as failure:
        check_shared_settings()
    assert "hidden-word" not in str(failure.value)

"""Concurrent runs leave exact tables: runs of a family take turns, runs of different families are concurrent."""

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import wait
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from resource import RLIMIT_FSIZE, getrlimit, setrlimit

import pytest

from connectors_dagster.config.locks import exclusive_lock
from connectors_dagster.errors import DestinationBusyError, LoadError
from connectors_dagster.orchestration import assets
from connectors_dagster.sandbox import generate_tables
from tests.support.processes import Job, families, opened, run_at_once, start
from tests.support.rows import order

ORDERS = ["storefront/orders"]
OTHER_PROGRAM = """
import duckdb, sys
with duckdb.connect(sys.argv[1]):
    print("open", flush=True)
    sys.stdin.read()
"""


def set_orders_of_eight_windows(api, *, per_window: int) -> list[str]:
    """Fill eight windows and return their keys; the ids are 0, 1, 2 …"""
    windows = opened()[:8]
    timestamps = [window.start.strftime("%Y-%m-%dT%H:%M:%S") for window in windows for _ in range(per_window)]
    api.set("storefront/orders", [order(id, at) for id, at in enumerate(timestamps)])
    return [window.key for window in windows]


@pytest.mark.journey
def test_eight_windows_of_a_family_loaded_concurrently_leave_every_row_once(api, warehouse):
    windows = set_orders_of_eight_windows(api, per_window=150)
    reads = run_at_once(*(Job(ORDERS, [window]) for window in windows))
    assert reads == [{"orders": 150}] * 8
    assert warehouse.ids("storefront.orders") == list(range(8 * 150))


def test_a_window_loaded_three_times_concurrently_leaves_every_row_once(api, warehouse):
    windows = set_orders_of_eight_windows(api, per_window=150)
    run_at_once(*[Job(ORDERS, windows[:2])] * 3)
    assert warehouse.ids("storefront.orders") == list(range(2 * 150))


def test_a_family_is_read_by_one_run_at_a_time_so_that_an_older_read_never_wins(api, warehouse, monkeypatch):
    monkeypatch.setenv("CONNECTORS__SIBLINGS_TIMEOUT", "0")
    job, released = Job(ORDERS, ["2024-01-01"]), threading.Event()
    api.set("storefront/orders", [order(1, "2024-01-15T00:00:00", status="pending")])
    api.held = lambda _: not released.is_set()
    [first] = start(job)
    assert api.begun.wait(60)
    with pytest.raises(
        DestinationBusyError, match=r"orders\.lock: process \d+ .* reading and loading storefront_orders"
    ):
        job.run()
    released.set()
    first.result()
    api.set("storefront/orders", [order(1, "2024-01-15T00:00:01", status="completed")])
    job.run()
    assert warehouse.column("storefront.orders", "status") == ["completed"]


@pytest.mark.journey
def test_all_families_of_all_connectors_read_concurrently_and_load_exactly(api, warehouse):
    api.tables.update(generate_tables(scale=0.05))
    api.held = lambda _: api.most_concurrent < 5
    run_at_once(*map(Job, families()))
    api.tables["storefront"]["order_lines"] = [
        line for row in api.tables["storefront"]["orders"] for line in row["line_items"]
    ]
    for resource in chain.from_iterable(families()):
        connector, _, table = resource.partition("/")
        served = len(api.tables[connector][table])
        assert warehouse.query(f"SELECT count(*) FROM {connector}.{table}") == [(served,)], resource


def test_a_lock_excludes_threads_as_well_as_processes(project):
    inside, most = [], []

    def enter() -> None:
        with exclusive_lock(project / "a.lock", "counting"):
            inside.append(1)
            most.append(len(inside))
            inside.pop()

    threads = [threading.Thread(target=enter) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 8


def test_a_lock_on_a_full_disk_is_an_error_with_its_path_and_is_released(project):
    limits = getrlimit(RLIMIT_FSIZE)
    setrlimit(RLIMIT_FSIZE, (0, limits[1]))
    try:
        for _ in range(2):
            full = exclusive_lock(project / "full.lock", "counting", timeout=0)
            with pytest.raises(LoadError, match=r"full\.lock: .*disk"), full:
                pytest.fail("the holder could not be written")
    finally:
        setrlimit(RLIMIT_FSIZE, limits)
    with exclusive_lock(project / "full.lock", "counting", timeout=0):
        assert "counting" in (project / "full.lock").read_text()


def test_a_lock_that_others_hold_is_named_while_it_is_waited_for(project, caplog):
    lock = project / "a.lock"
    with exclusive_lock(lock, "counting"), pytest.raises(DestinationBusyError), exclusive_lock(lock, "more", timeout=1):
        pass
    assert re.search(
        r"waiting since [\d:]+ UTC for .*a\.lock, which process \d+ .* counting since .* holds", caplog.text
    )


@contextmanager
def other_program(file: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run another program that keeps a DuckDB file open until its input ends."""
    command = [sys.executable, "-c", OTHER_PROGRAM, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline() == b"open\n"
        yield process


def test_a_load_waits_until_another_program_closes_the_file(api, warehouse):
    api.set("storefront/orders", [order(1, "2024-01-15T00:00:00")])
    lock = warehouse.path.with_name("warehouse.duckdb.lock")
    with other_program(warehouse.path):
        [load] = start(Job(ORDERS, ["2024-01-01"]))
        while not lock.exists() or "loading storefront_orders" not in lock.read_text():
            assert not wait([load], timeout=0.05).done
    load.result()
    assert warehouse.ids("storefront.orders") == [1]


def test_a_load_fails_with_path_and_holder_if_the_file_stays_open_and_the_next_run_succeeds(
    api, warehouse, monkeypatch
):
    monkeypatch.setenv("CONNECTORS__BUSY_TIMEOUT", "0")
    job, released = Job(ORDERS, ["2024-01-01"]), threading.Event()
    api.set("storefront/orders", [order(1, "2024-01-15T00:00:00")])
    with other_program(warehouse.path) as holder:
        still_open = rf"{warehouse.path}: still open in another program .*PID {holder.pid}"
        with pytest.raises(DestinationBusyError, match=still_open):
            job.run()
    assert api.requests == []

    api.held = lambda _: not released.is_set()
    [load] = start(job)
    assert api.begun.wait(60)
    with other_program(warehouse.path):
        released.set()
        with pytest.raises(DestinationBusyError, match="still open in another program"):
            load.result()
    assert warehouse.tables() == set()

    job.run()
    assert warehouse.ids("storefront.orders") == [1]


def test_a_step_is_tried_twice_more_while_another_program_keeps_the_file_open(api, warehouse, run_assets, monkeypatch):
    monkeypatch.setenv("CONNECTORS__BUSY_TIMEOUT", "0")
    monkeypatch.setattr(assets, "RETRY", assets.RETRY._replace(delay=0))
    api.set("storefront/orders", [order(1, "2024-01-15T00:00:00")])
    with other_program(warehouse.path):
        result = run_assets("storefront/orders")
    assert not result.success
    assert sum(event.event_type_value == "STEP_UP_FOR_RETRY" for event in result.all_events) == 2
    assert run_assets("storefront/orders").success
    assert warehouse.ids("storefront.orders") == [1]


def test_a_file_that_is_not_a_database_fails_with_its_path(api, warehouse):
    warehouse.path.write_text("not a database " * 1000)
    with pytest.raises(LoadError, match=str(warehouse.path)):
        Job(ORDERS, ["2024-01-01"]).run()

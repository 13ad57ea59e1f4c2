"""The schedule and a run by hand divide windows into runs by the same rule, and each run its windows into loads."""

from dataclasses import replace
from datetime import timedelta

import pytest

from connectors_dagster import load_connectors
from connectors_dagster.orchestration import runs, window_runs
from connectors_dagster.orchestration.backlog import backlog
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.orchestration.window_runs import divide, loads
from connectors_dagster.spec.windows import WindowGrid
from tests.conftest import NOW

GRID = WindowGrid("P1D", "2024-01-01")
WINDOWS = GRID.opened(NOW)
FILTERED, SCANNED = (load_connectors()[name].graph["orders"] for name in ("storefront", "fulfillment"))


def test_a_run_has_a_limit_of_consecutive_windows_and_a_list_that_is_scanned_is_not_divided(monkeypatch):
    monkeypatch.setattr(window_runs, "WINDOWS_PER_RUN", 12)
    left_out = {WINDOWS[1], WINDOWS[20]}
    wanted = [window for window in WINDOWS[:40] if window not in left_out]
    for resource, sizes in ((FILTERED, [1, 12, 6, 12, 7]), (SCANNED, [1, 18, 19])):
        chunks = list(divide(resource, WINDOWS, set(wanted)))
        assert [len(chunk) for chunk in chunks] == sizes
        assert [window for chunk in chunks for window in chunk] == wanted


def test_a_run_has_a_load_for_every_twelve_windows_unless_they_share_requests():
    slices = GRID.slices(WINDOWS[:30], now=NOW, lookback=timedelta())
    unfiltered = [replace(slice_, unfiltered=True) for slice_ in slices]
    whole = load_connectors()["subscriptions"].graph["customer"]
    for resource, given, sizes in (
        (FILTERED, slices, [12, 12, 6]),
        (FILTERED, unfiltered, [30]),
        (SCANNED, slices, [30]),
        (whole, [], [0]),
    ):
        found = loads(resource, given)
        assert [len(load) for load in found] == sizes
        assert [slice_ for load in found for slice_ in load] == given


@pytest.mark.parametrize("resource", [FILTERED, SCANNED], ids=str)
def test_a_first_load_by_hand_has_the_runs_that_the_schedule_requests(resource, instance, monkeypatch):
    monkeypatch.setenv(f"SOURCES__{resource.connector.name}__STEP".upper(), "P1D")
    monkeypatch.setattr(window_runs, "WINDOWS_PER_RUN", 12)
    assets = ConnectorAssets(connector=resource.connector, select="orders")
    by_hand = list(runs.plan(instance, {assets: assets.resources}))
    assert len(by_hand[0].windows) == 12 if resource is FILTERED else len(by_hand) == 1
    now = assets.grid.find(by_hand[-1].windows[-1]).start
    assert [plan.windows for plan in backlog(instance, assets, now)] == [plan.windows for plan in by_hand]

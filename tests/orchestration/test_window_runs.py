"""The schedule and a run by hand divide windows into runs by the same rule."""

import pytest

from connectors_dagster import load_connectors
from connectors_dagster.orchestration import runs
from connectors_dagster.orchestration.backlog import backlog
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.orchestration.window_runs import WINDOWS_PER_RUN, divide
from connectors_dagster.spec.windows import WindowGrid
from tests.conftest import NOW

WINDOWS = WindowGrid("P1D", "2024-01-01").opened(NOW)
FILTERED, SCANNED = (load_connectors()[name].graph["orders"] for name in ("storefront", "fulfillment"))


def test_a_run_has_at_most_twelve_consecutive_windows_and_a_list_that_is_scanned_is_not_divided():
    left_out = {WINDOWS[1], WINDOWS[20]}
    wanted = [window for window in WINDOWS[:40] if window not in left_out]
    for resource, sizes in ((FILTERED, [1, 12, 6, 12, 7]), (SCANNED, [1, 18, 19])):
        chunks = list(divide(resource, WINDOWS, set(wanted)))
        assert [len(chunk) for chunk in chunks] == sizes
        assert [window for chunk in chunks for window in chunk] == wanted


@pytest.mark.parametrize("resource", [FILTERED, SCANNED], ids=str)
def test_a_first_load_by_hand_has_the_runs_that_the_schedule_requests(resource, instance, monkeypatch):
    monkeypatch.setenv(f"SOURCES__{resource.connector.name}__STEP".upper(), "P1D")
    assets = ConnectorAssets(connector=resource.connector, select="orders")
    by_hand = list(runs.plan(instance, {assets: assets.resources}))
    assert len(by_hand[0].windows) == WINDOWS_PER_RUN if resource is FILTERED else len(by_hand) == 1
    now = assets.grid.find(by_hand[-1].windows[-1]).start
    assert [plan.windows for plan in backlog(instance, assets, now)] == [plan.windows for plan in by_hand]

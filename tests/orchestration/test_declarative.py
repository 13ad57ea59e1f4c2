"""Conditions of assets load what is missing or incomplete, like the schedule, and nothing twice."""

from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from connectors_dagster import build_definitions, load_connectors
from connectors_dagster.errors import SettingError
from connectors_dagster.orchestration import clock, runs
from connectors_dagster.orchestration.declarative import RESUMES
from connectors_dagster.orchestration.partitions import open_windows
from connectors_dagster.spec.windows import WindowGrid
from tests.support.rows import order

GRID = WindowGrid("P30D", "2024-01-01")
NOON = datetime(2024, 2, 10, 12, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
FIRST, SECOND = "2024-01-01", "2024-01-31"
CUSTOMERS, ORDERS = dg.AssetKey(["storefront", "customers"]), dg.AssetKey(["storefront", "orders"])
MODEL = dg.AssetKey("revenue")


@dg.asset(key=MODEL, deps=[CUSTOMERS], automation_condition=dg.AutomationCondition.eager())
def revenue() -> None:
    """A model that somebody builds on what is loaded."""


class Daemon:
    """Evaluates conditions as Dagster's daemon does, at the time that the test says it is."""

    def __init__(self, defs: dg.Definitions, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
        self.defs, self.instance, self.now, self.cursor = defs, instance, NOON, None
        monkeypatch.setattr(clock, "now", lambda: self.now)
        open_windows(instance, GRID, self.now)

    def evaluate(self, *, after: timedelta = timedelta(0), model: bool = False, opens: bool = True) -> dict[str, Any]:
        """Return what is requested, by the last part of the asset key: the windows, or True for an asset without."""
        self.now += after
        if opens:
            open_windows(self.instance, GRID, self.now)
        result = dg.evaluate_automation_conditions(
            self.defs,
            self.instance,
            cursor=self.cursor,
            evaluation_time=self.now,
            asset_selection=dg.AssetSelection.assets(CUSTOMERS, ORDERS, MODEL),
        )
        self.cursor: Any = result.cursor
        found = {}
        for one in result.results:
            subset = one.true_subset
            windowed = self.defs.resolve_asset_graph().get(one.key).is_partitioned
            if not subset.is_empty and (model or one.key != MODEL):
                found[one.key.path[-1]] = sorted(subset.expensively_compute_partition_keys()) if windowed else True
        return found

    def execute(self, *keys: dg.AssetKey, window: str | None = None) -> bool:
        job = self.defs.resolve_job_def("storefront")
        done = job.execute_in_process(
            run_config=runs.QUIET,
            instance=self.instance,
            asset_selection=keys,
            partition_key=window,
            tags=RESUMES,
            raise_on_error=False,
        )
        return done.success


@pytest.fixture
def daemon(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> Daemon:
    monkeypatch.setenv("SOURCES__STOREFRONT__AUTOMATION", "declarative")
    monkeypatch.setenv("SOURCES__STOREFRONT__SCHEDULE", "0 * * * *")
    monkeypatch.setenv("SOURCES__STOREFRONT__RESOURCES", '["customers", "orders"]')
    defs = dg.Definitions.merge(build_definitions(load_connectors()["storefront"]), dg.Definitions(assets=[revenue]))
    return Daemon(defs, instance, monkeypatch)


def test_what_was_never_loaded_is_requested_once_and_again_only_when_it_is_due(daemon):
    assert daemon.evaluate() == {"customers": True, "orders": [FIRST, SECOND]}
    assert daemon.evaluate(after=timedelta(minutes=1)) == {}
    assert daemon.evaluate(after=HOUR) == {"customers": True, "orders": [FIRST, SECOND]}


@pytest.mark.journey
def test_a_window_that_was_read_to_its_end_is_requested_no_more_and_the_open_one_when_it_is_due(api, daemon):
    api.set("storefront/orders", [order(1, "2024-01-10T00:00:00")])
    api.set("storefront/customers", [{"id": 7}])
    daemon.evaluate()
    for window in (FIRST, SECOND):
        assert daemon.execute(ORDERS, window=window)
    assert daemon.execute(CUSTOMERS)
    assert daemon.evaluate(after=timedelta(minutes=1), model=True) == {"revenue": True}  # it follows the customers
    assert daemon.evaluate(after=HOUR) == {"customers": True, "orders": [SECOND]}


def test_a_window_that_starts_is_requested_at_once(daemon):
    daemon.evaluate()
    found = daemon.evaluate(after=timedelta(days=20) - timedelta(minutes=35))
    assert "2024-03-01" in found["orders"]


def test_a_window_without_a_partition_is_requested_only_once_it_has_one(daemon):
    daemon.instance.delete_dynamic_partition(GRID.name, SECOND)
    assert daemon.evaluate(opens=False)["orders"] == [FIRST]
    assert daemon.evaluate(after=timedelta(minutes=1)) == {"orders": [SECOND]}


def test_a_run_of_a_condition_resumes_where_the_last_read_ended(api, daemon):
    assert daemon.execute(ORDERS, window=SECOND)
    assert daemon.execute(ORDERS, window=SECOND)
    starts = [query["modified_after"] for query in api.asked("/orders")]
    assert starts[0] == "2024-01-30T23:59:59" and starts[-1] > "2024-02-10"


@pytest.mark.parametrize(("how", "schedules"), [("schedule", 1), ("declarative", 0), ("off", 0)])
def test_a_setting_of_one_or_all_connectors_decides_what_keeps_them_current(monkeypatch, how, schedules):
    monkeypatch.setenv("CONNECTORS__AUTOMATION", how)
    defs = build_definitions(load_connectors()["storefront"])
    assert len(defs.schedules or ()) == schedules
    conditions = [spec.automation_condition for spec in defs.resolve_all_asset_specs()]
    assert any(conditions) == (how == "declarative")
    assert sum(sensor.name.startswith("automation_") for sensor in defs.sensors or ()) == (how == "declarative")


def test_a_word_that_means_nothing_and_a_wrong_cron_expression_are_refused(monkeypatch):
    monkeypatch.setenv("SOURCES__STOREFRONT__AUTOMATION", "sometimes")
    with pytest.raises(SettingError, match="SOURCES__STOREFRONT__AUTOMATION is 'sometimes': it must be 'schedule'"):
        build_definitions(load_connectors()["storefront"])
    monkeypatch.setenv("SOURCES__STOREFRONT__AUTOMATION", "declarative")
    monkeypatch.setenv("SOURCES__STOREFRONT__SCHEDULE", "hourly")
    with pytest.raises(SettingError, match="must be a cron expression"):
        build_definitions(load_connectors()["storefront"])

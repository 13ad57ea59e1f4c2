"""Old runs are deleted, and everything counts as read as before."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.scheduler.instigation import InstigatorType

from connectors_dagster.config.locks import exclusive_lock
from connectors_dagster.config.workdir import work_subfolder
from connectors_dagster.orchestration import clock
from connectors_dagster.orchestration.location import load_location
from connectors_dagster.orchestration.missing import plan_missing
from connectors_dagster.orchestration.prune import old_runs
from connectors_dagster.orchestration.selection import select
from tests.support.rows import order


@pytest.fixture
def later(monkeypatch):
    """Let the time be later by some days from now on."""
    real = clock.now
    return lambda days: monkeypatch.setattr(clock, "now", lambda: real() + timedelta(days=days))


def missing(instance: dg.DagsterInstance) -> list[tuple[str, ...]]:
    return [tuple(plan.windows) for plan in plan_missing(instance, select(load_location(), ["storefront/orders"]))]


@pytest.mark.journey
def test_windows_count_as_read_after_a_prune_and_only_superseded_runs_are_gone(
    api, connectors, instance, monkeypatch, later, project
):
    start = datetime.now(UTC) - timedelta(days=45)
    monkeypatch.setenv("SOURCES__STOREFRONT__START_DATE", start.date().isoformat())
    api.set("storefront/orders", [order(1, start.strftime("%Y-%m-%dT%H:%M:%S"))])
    api.set("storefront/customers", [{"id": 1}])
    connectors("run", "storefront/orders")
    first = {run.run_id for run in instance.get_runs()}
    for _ in range(2):
        connectors("run", "storefront/orders", "storefront/customers", "--missing")
    runs, left = {run.run_id for run in instance.get_runs()}, missing(instance)
    assert "0 runs that ended more than 30 days ago deleted" in connectors("prune").output
    later(40)
    # Of two refreshes, the open window and the customers need only the last; the closed window needs the first load.
    assert "would be deleted" in connectors("prune", "--dry-run").output
    assert {run.run_id for run in instance.get_runs()} == runs
    assert f"{len(runs) - 3} runs" in connectors("prune").output
    kept = {run.run_id for run in instance.get_runs()}
    assert first <= kept and len(kept) == 3
    files = {path.stem for path in (project / ".dagster" / "history" / "runs").glob("*.db")}
    assert files == kept | {"index"}
    assert {path.name for path in (project / ".dagster" / "storage").iterdir()} & runs <= kept
    later(0)
    assert missing(instance) == left


def test_two_at_once_do_not_count_the_same_runs(connectors, instance, monkeypatch):
    monkeypatch.setenv("CONNECTORS__SIBLINGS_TIMEOUT", "0")
    with exclusive_lock(work_subfolder() / "prune.lock", "deleting old runs"):
        done = connectors("prune")
        assert done.exit_code == 1 and "deleting old runs" in done.output
        assert "0 runs" in connectors("prune", "--dry-run").output
    assert "0 runs" in connectors("prune").output


def test_runs_of_other_assets_stay(api, connectors, instance):
    @dg.asset
    def other() -> None:
        pass

    for _ in range(2):
        assert dg.materialize([other], instance=instance).success
    far = datetime.now(UTC) + timedelta(days=400)
    assert len(instance.get_runs()) == 2
    assert old_runs(instance, load_location().enabled, far) == []


def test_dagster_takes_the_retention_of_ticks_on_the_page(project):
    page = (Path(__file__).parents[2] / "docs" / "deploy.md").read_text(encoding="utf-8")
    retention = re.search(r"```text\n(retention:.*?)```", page, re.DOTALL)
    assert retention
    (project / ".dagster").mkdir()
    (project / ".dagster" / "dagster.yaml").write_text(retention[1] + "telemetry: {enabled: false}\n")
    with dg.DagsterInstance.get() as instance:
        kept = instance.get_tick_retention_settings(InstigatorType.SENSOR)
    assert {status.value: days for status, days in kept.items()} == {
        **{"SKIPPED": 7, "FAILURE": 30},
        **{"SUCCESS": 90, "STARTED": 1},
    }

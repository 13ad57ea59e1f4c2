"""Two workers of Celery load everything exactly, share the limits of each API, and one of them may be killed."""

import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain, pairwise
from urllib.parse import urlsplit

import dagster as dg
import pytest
from starlette.types import Receive, Scope, Send

from connectors_dagster.orchestration.location import load_location
from connectors_dagster.orchestration.partitions import open_windows
from connectors_dagster.sandbox import generate_tables
from tests.machines.deployment import Deployment
from tests.support.api import Api
from tests.support.postgres import Postgres
from tests.support.processes import families

pytestmark = pytest.mark.machines
LIMITED = "fulfillment"
PER_MINUTE = 80
WORKERS = ("one", "other")


@dataclass
class TimedApi(Api):
    """An API that notes when it gets each request."""

    times: list[tuple[float, str]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.times.append((time.monotonic(), scope["path"]))
        await super().__call__(scope, receive, send)


@dataclass
class Step:
    """What happened to a step of a run, with the times as Dagster has them."""

    workers: list[str] = field(default_factory=list)
    began: float | None = None
    ended: float | None = None


def steps_of(instance: dg.DagsterInstance) -> dict[tuple[str, str], Step]:
    """Return the steps that workers have begun, by op and run."""
    found: dict[tuple[str, str], Step] = defaultdict(Step)
    for run in instance.get_runs():
        for entry in instance.all_logs(run.run_id):
            event = entry.dagster_event
            if event is None or event.step_key is None:
                continue
            step = found[event.step_key, run.run_id]
            if "in celery worker" in (event.message or ""):
                step.workers.append(str(event.engine_event_data.metadata["Celery worker"].value).partition("@")[0])
            elif event.event_type_value == "STEP_START":
                step.began = min(step.began or entry.timestamp, entry.timestamp)
            elif event.event_type_value in {"STEP_SUCCESS", "STEP_FAILURE"}:
                step.ended = entry.timestamp
    return found


def of_families(steps: dict[tuple[str, str], Step]) -> dict[str, list[Step]]:
    """Group the steps that load by family, in the order of their begin."""
    found: dict[str, list[Step]] = defaultdict(list)
    for (op, _), step in steps.items():
        if "checks" not in op and step.began:
            found[op].append(step)
    return {op: sorted(of_one, key=lambda step: step.began or 0.0) for op, of_one in found.items()}


def most_at_once(times: list[float]) -> int:
    """Return the most requests in any 50 s: some need longer than others to arrive after they were allowed."""
    return max(sum(start <= time < start + 50 for time in times) for start in times)


@pytest.fixture
def shops(monkeypatch: pytest.MonkeyPatch) -> Iterator[TimedApi]:
    """The APIs of all connectors, with rows; the settings point to them."""
    with TimedApi().served() as api:
        api.tables.update(generate_tables(scale=0.05))
        api.tables[LIMITED] = generate_tables()[LIMITED]  # has some more requests than are allowed in a minute
        api.tables["storefront"]["order_lines"] = [
            line for row in api.tables["storefront"]["orders"] for line in row["line_items"]
        ]
        for name, value in api.environment.items():
            monkeypatch.setenv(name, value)
        yield api


@pytest.fixture
def deployment(shops, postgres, redis_url, project, monkeypatch) -> Iterator[Deployment]:
    """Dagster and two workers, none of which has a folder in common with another."""
    dagster = Postgres(postgres.port, f"{postgres.database}_dagster")
    dagster.create()
    monkeypatch.setenv("START_DATE", "2024-01-01")
    for connector in ("STOREFRONT", "FULFILLMENT", "BILLING"):
        monkeypatch.setenv(f"SOURCES__{connector}__STEP", "P1Y")
    settings = {
        "CONNECTORS__REQUEST_LIMITS": redis_url,
        f"SOURCES__{LIMITED.upper()}__REQUESTS_PER_MINUTE": str(PER_MINUTE),
    }
    storage = dagster.url.replace("postgresql://", "postgresql+psycopg2://")
    deployment = Deployment(project / "machines", storage, redis_url, settings)
    with deployment.instance() as instance:
        for assets in load_location().enabled:
            open_windows(instance, assets.grid, datetime.now(UTC))
    with deployment.running(WORKERS):
        yield deployment


def test_a_backfill_of_all_connectors_on_two_workers_is_exact_although_one_of_them_is_killed(
    deployment, shops, postgres
):
    with deployment.instance() as instance:
        everything = [key for assets in load_location().enabled for key in assets.by_key]
        backfill = deployment.backfill(everything)

        def has_begun(worker: str) -> bool:
            return any(step.workers[-1:] == [worker] and not step.ended for step in steps_of(instance).values())

        deployment.until(lambda: all(map(has_begun, WORKERS)) or deployment.status(backfill) != "REQUESTED")
        assert deployment.status(backfill) == "REQUESTED"
        deployment.kill("other")
        deployment.until(lambda: deployment.status(backfill) not in {"REQUESTED", "CANCELING"})
        deployment.until(lambda: all(run.is_finished for run in instance.get_runs()))
        steps = steps_of(instance)
        assert {run.status for run in instance.get_runs()} == {dg.DagsterRunStatus.SUCCESS}
    assert any(step.workers == ["other", "one"] for step in steps.values())
    for resource in chain.from_iterable(families()):
        connector, _, table = resource.partition("/")
        served = len(shops.tables[connector][table])
        assert postgres.query(f"SELECT count(*) FROM {connector}.{table}") == [(served,)], resource
    for op, runs in of_families(steps).items():
        assert all(first.ended <= second.began for first, second in pairwise(runs)), op
    path = urlsplit(shops.environment[f"SOURCES__{LIMITED.upper()}__BASE_URL"]).path
    times = [at for at, requested in shops.times if requested.startswith(path)]
    assert len(times) > PER_MINUTE >= most_at_once(times)

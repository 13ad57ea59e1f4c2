"""The schedule loads everything since the start date, keeps it current and requests nothing twice."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

# There is no public way to create a backfill or a queued run without a daemon.
from dagster._core.execution.backfill import PartitionBackfill
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin

from connectors_dagster import build_definitions, load_connectors
from connectors_dagster.definitions import defs
from connectors_dagster.load.destination_location import location
from connectors_dagster.orchestration import clock, runs, window_runs
from connectors_dagster.orchestration.location import enabled_connectors
from connectors_dagster.orchestration.metadata import window_metadata
from connectors_dagster.spec.windows import WindowGrid
from tests.support.rows import order

GRID = WindowGrid("P30D", "2024-01-01")
NOON = datetime(2024, 4, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
KEYS = [FIRST, SECOND, THIRD, FOURTH] = ["2024-01-01", "2024-01-31", "2024-03-01", "2024-03-31"]
FIFTH = "2024-04-30"


class Time:
    """The current time for Dagster."""

    def __init__(self, now: datetime) -> None:
        self.now = now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time(NOON)
    monkeypatch.setattr(clock, "now", lambda: time.now)
    return time


@pytest.fixture(scope="module")
def definitions() -> Iterator[dg.Definitions]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCES__STOREFRONT__RESOURCES", "customers, coupons, orders")
        yield defs()


@pytest.fixture
def tick(instance: dg.DagsterInstance, definitions: dg.Definitions, time: Time) -> Callable[[str], list[dg.RunRequest]]:
    """Evaluate the schedule of a connector as the daemon does."""

    def tick_(connector: str) -> list[dg.RunRequest]:
        schedule = definitions.resolve_schedule_def(f"refresh_{connector}")
        with dg.build_schedule_context(instance=instance, repository_def=definitions.get_repository_def()) as context:
            return list(schedule.evaluate_tick(context).run_requests or ())

    return tick_


@pytest.fixture
def execute(instance: dg.DagsterInstance, definitions: dg.Definitions) -> Callable[..., bool]:
    """Execute a request of a schedule; return whether it succeeded."""

    def execute_(request: dg.RunRequest) -> bool:
        connector = request.asset_selection[0].path[0]
        return (
            definitions.resolve_job_def(connector)
            .execute_in_process(
                run_config={**runs.QUIET, **request.run_config},
                instance=instance,
                asset_selection=request.asset_selection,
                tags=request.tags,
                raise_on_error=False,
            )
            .success
        )

    return execute_


@pytest.fixture
def read(instance: dg.DagsterInstance, time: Time) -> Callable[..., None]:
    """Record the materializations of a run that has just read windows of resources."""

    def read_(selection: Sequence[str], keys: Sequence[str]) -> None:
        for name in selection:
            connector, _, table = name.partition("/")
            resource = load_connectors()[connector].graph[table]
            lookback = resource.connector.lookback
            for slice_ in GRID.slices([GRID.find(key) for key in keys], now=time.now, lookback=lookback):
                metadata = window_metadata(resource, slice_, location())
                event = dg.AssetMaterialization([connector, table], partition=slice_.window.key, metadata=metadata)
                instance.report_runless_asset_event(event)

    return read_


@pytest.fixture
def queue(instance: dg.DagsterInstance, definitions: dg.Definitions) -> Callable[..., None]:
    """Create a run for a request. It stays in the given status."""

    def queue_(request: dg.RunRequest, status: str = "QUEUED", **tags: str) -> None:
        job = definitions.resolve_job_def(request.asset_selection[0].path[0])
        subset = job.get_subset(asset_selection=set(request.asset_selection))
        instance.create_run_for_job(
            subset,
            tags={**request.tags, **tags},
            status=dg.DagsterRunStatus(status),
            remote_job_origin=RemoteJobOrigin(
                RemoteRepositoryOrigin(GrpcServerCodeLocationOrigin("localhost", 1), "__repository__"), job.name
            ),
        )

    return queue_


def request_window(selection: Sequence[str], window: str) -> dg.RunRequest:
    """Return a request for one window, as a person makes it in the UI."""
    keys = [dg.AssetKey(name.split("/")) for name in selection]
    return dg.RunRequest(asset_selection=keys, tags={"dagster/partition": window})


def requested(requests: Sequence[dg.RunRequest]) -> list[tuple[list[str], list[str]]]:
    """The assets and windows of the runs, in the order they were requested."""
    return [(assets(request), windows(request)) for request in requests]


def assets(request: dg.RunRequest) -> list[str]:
    return sorted(key.path[-1] for key in request.asset_selection or ())


def windows(request: dg.RunRequest) -> list[str]:
    first, last = request.tags.get(runs.RANGE_START), request.tags.get(runs.RANGE_END)
    if first is None or last is None:
        return []
    return [w.key for w in GRID.opened(datetime(2040, 1, 1, tzinfo=UTC)) if first <= w.key <= last]


def add_backfill(instance: dg.DagsterInstance, definitions: dg.Definitions, asset: str, keys: Sequence[str]) -> None:
    """Launch a backfill as the UI does. No daemon has processed it yet."""
    backfill = PartitionBackfill.from_asset_partitions(
        backfill_id="by-hand",
        asset_graph=definitions.resolve_asset_graph(),
        partition_names=keys,
        asset_selection=[dg.AssetKey(asset.split("/"))],
        backfill_timestamp=NOON.timestamp(),
        tags={},
        dynamic_partitions_store=instance,
        all_partitions=False,
        title=None,
        description=None,
        run_config=None,
    )
    instance.add_backfill(backfill)


def test_a_new_deployment_requests_everything_since_the_start_date_oldest_first(tick):
    assert requested(tick("storefront")) == [
        (["coupons", "orders"], KEYS),
        (["customers"], []),
    ]


def test_windows_are_grouped_into_runs_oldest_first(tick, time, monkeypatch):
    monkeypatch.setattr(window_runs, "WINDOWS_PER_RUN", 12)
    time.now = datetime(2026, 12, 1, tzinfo=UTC)
    keys = [window.key for window in GRID.opened(time.now)]
    assert requested(tick("storefront"))[:-1] == [
        (["coupons", "orders"], keys[at : at + 12]) for at in range(0, len(keys), 12)
    ]


def test_a_resource_the_api_cannot_filter_is_scanned_once_for_all_windows(tick, time):
    time.now = datetime(2026, 12, 1, tzinfo=UTC)
    (scan, whole) = requested(tick("fulfillment"))
    assert scan == (["orders"], [window.key for window in GRID.opened(time.now)])
    assert whole == (["customers", "products"], [])


def test_a_scheduled_run_is_configured_to_resume_its_windows(tick):
    windowed, whole = tick("storefront")
    assert windowed.run_config["ops"] == {
        "storefront__coupons": {"config": {"full": False}},
        "storefront__orders": {"config": {"full": False}},
    }
    assert whole.run_config["ops"] == {"storefront__customers": {"config": {"full": False}}}


def test_after_a_full_load_only_the_open_window_and_resources_without_windows_are_requested(tick, read):
    read(["storefront/orders", "storefront/coupons"], KEYS)
    assert requested(tick("storefront")) == [(["coupons", "orders"], [FOURTH]), (["customers"], [])]


def test_missing_and_incomplete_windows_are_requested_oldest_first_and_complete_ones_are_not(tick, read, time):
    """The first window was read while it was open, the second when it was over, the third and the fourth never."""
    time.now = GRID.find(FIRST).end - HOUR
    read(["storefront/orders", "storefront/coupons"], [FIRST])
    time.now = NOON
    read(["storefront/orders", "storefront/coupons"], [SECOND])
    assert requested(tick("storefront")) == [
        (["coupons", "orders"], [FIRST]),
        (["coupons", "orders"], [THIRD, FOURTH]),
        (["customers"], []),
    ]


def test_windows_read_from_another_shop_or_into_another_destination_are_requested_again(tick, read, monkeypatch):
    everything = [(["coupons", "orders"], KEYS), (["customers"], [])]
    read(["storefront/orders", "storefront/coupons"], KEYS)
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("SOURCES__STOREFRONT__BASE_URL", "http://127.0.0.1:9/other")
        assert requested(tick("storefront")) == everything
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", "other.duckdb")
    assert requested(tick("storefront")) == everything


def test_windows_of_a_shop_that_has_moved_count_when_that_is_said(tick, read, monkeypatch):
    monkeypatch.setenv("SOURCES__STOREFRONT__BASE_URL", "http://127.0.0.1:9/before")
    read(["storefront/orders", "storefront/coupons"], KEYS)
    monkeypatch.setenv("SOURCES__STOREFRONT__MOVED_FROM", "http://127.0.0.1:9/before")
    monkeypatch.setenv("SOURCES__STOREFRONT__BASE_URL", "http://127.0.0.1:9/other")
    assert requested(tick("storefront")) == [(["coupons", "orders"], [FOURTH]), (["customers"], [])]


def test_a_family_that_failed_is_requested_again_without_the_families_that_succeeded(api, tick, execute):
    api.answer("/coupons", 403)
    windowed, whole = tick("storefront")
    assert (execute(windowed), execute(whole)) == (False, True)
    assert requested(tick("storefront")) == [
        (["coupons"], KEYS),
        (["orders"], [FOURTH]),
        (["customers"], []),
    ]


def test_nothing_is_requested_again_while_it_is_queued_or_running(tick, queue):
    for request in tick("storefront"):
        queue(request)
    assert tick("storefront") == []


def test_a_run_blocks_its_windows_only_while_it_is_queued_or_running(tick, queue):
    orders = ["storefront/orders"]
    for status, window in zip(["QUEUED", "STARTING", "STARTED", "CANCELING"], KEYS, strict=True):
        queue(request_window(orders, window), status)
    assert requested(tick("storefront")) == [(["coupons"], KEYS), (["customers"], [])]
    for status, window in zip(["NOT_STARTED", "SUCCESS", "FAILURE", "CANCELED"], KEYS, strict=True):
        queue(request_window(["storefront/coupons"], window), status)
    assert requested(tick("storefront")) == [(["coupons"], KEYS), (["customers"], [])]


def test_a_window_that_runs_manually_is_skipped_and_the_others_are_requested(tick, queue):
    queue(request_window(["storefront/orders"], SECOND))
    assert requested(tick("storefront")) == [
        (["orders"], [FIRST]),
        (["coupons"], KEYS),
        (["orders"], [THIRD, FOURTH]),
        (["customers"], []),
    ]


def test_a_family_that_another_job_loads_is_skipped(tick, instance, definitions):
    job = definitions.resolve_implicit_job_def_def_for_assets([dg.AssetKey(["storefront", "customers"])])
    instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    assert ["customers"] not in [assets(request) for request in tick("storefront")]


@pytest.mark.filterwarnings("ignore:Function `AssetSelection.sources`")  # Dagster's own use
def test_windows_that_a_backfill_has_not_reached_yet_are_skipped(tick, instance, definitions):
    tick("storefront")
    add_backfill(instance, definitions, "storefront/orders", [SECOND, THIRD])
    assert requested(tick("storefront")) == [
        (["orders"], [FIRST]),
        (["coupons"], KEYS),
        (["orders"], [FOURTH]),
        (["customers"], []),
    ]


def test_the_schedule_catches_up_after_a_pause_and_continues_with_new_windows(
    api, tick, execute, read, time, warehouse
):
    read(["storefront/orders", "storefront/coupons"], KEYS)
    time.now = GRID.find(FIFTH).start + HOUR
    late = [order(1, "2024-04-10T11:50:00"), order(2, "2024-04-29T23:59:59"), order(3, "2024-04-30T00:00:30")]
    api.set("storefront/orders", late)
    caught_up, _ = tick("storefront")
    assert requested([caught_up]) == [(["coupons", "orders"], [FOURTH, FIFTH])]
    assert execute(caught_up)
    assert warehouse.ids("storefront.orders") == [1, 2, 3]
    assert requested(tick("storefront"))[0] == (["coupons", "orders"], [FIFTH])


def test_a_window_that_ended_within_the_lookback_is_requested_once_more(tick, read, time):
    lookback = load_connectors()["fulfillment"].lookback
    time.now = GRID.find(FOURTH).end + lookback / 2
    read(["fulfillment/orders"], [*KEYS, FIFTH])
    time.now += lookback
    assert requested(tick("fulfillment"))[0] == (["orders"], [FOURTH, FIFTH])
    read(["fulfillment/orders"], [FOURTH, FIFTH])
    assert requested(tick("fulfillment"))[0] == (["orders"], [FIFTH])


def test_a_connector_without_windows_is_loaded_as_a_whole_at_every_tick(tick, instance):
    assert requested(tick("catalog")) == [(["ecommerce_data"], [])]
    assert instance.get_dynamic_partitions(GRID.name) == []


def test_each_run_of_a_tick_has_its_own_run_key(tick, time):
    time.now = datetime(2026, 12, 1, tzinfo=UTC)
    keys = [request.run_key for request in tick("billing")]
    assert len(set(keys)) == len(keys)
    assert keys[0] == (
        "billing__discounts billing__events billing__prices billing__products billing__reports "
        "billing__subscriptions billing__transactions 2024-01-01..2026-11-16"
    )


def test_schedules_are_off_and_hourly_at_different_minutes_unless_configured(definitions, monkeypatch):
    schedules = {schedule.name: schedule for schedule in definitions.schedules or ()}
    assert {s.default_status for s in schedules.values()} == {dg.DefaultScheduleStatus.STOPPED}
    crons = [schedule.cron_schedule for schedule in schedules.values()]
    assert len(crons) == len(set(crons)) == 5
    assert all(cron.endswith(" * * * *") for cron in crons)
    monkeypatch.setenv("SOURCES__STOREFRONT__SCHEDULE", "0 6 * * MON")
    assert defs().resolve_schedule_def("refresh_storefront").cron_schedule == "0 6 * * MON"


def test_a_schedule_that_is_not_a_cron_expression_fails_with_the_name_of_the_setting(monkeypatch):
    monkeypatch.setenv("SOURCES__STOREFRONT__SCHEDULE", "hourly")
    with pytest.raises(ValueError, match="SOURCES__STOREFRONT__SCHEDULE is 'hourly': it must be a cron expression"):
        build_definitions(load_connectors()["storefront"])


def test_each_connector_has_a_job_over_all_its_assets(definitions):
    for connector in enabled_connectors():
        selected = definitions.resolve_job_def(connector.name).asset_layer.executable_asset_keys
        assert {key.to_user_string() for key in selected} == {str(r) for r in connector.graph.values() if not r.list_of}


def test_a_job_loads_resources_with_and_without_windows(api, warehouse, instance, definitions):
    api.set("storefront/orders", [order(1, "2024-01-05T00:00:00")])
    api.set("storefront/customers", [{"id": 7}])
    instance.add_dynamic_partitions(GRID.name, [FIRST])
    job = definitions.resolve_job_def("storefront")
    selection = [dg.AssetKey(["storefront", "orders"]), dg.AssetKey(["storefront", "customers"])]
    assert job.execute_in_process(
        run_config=runs.QUIET, instance=instance, partition_key=FIRST, asset_selection=selection
    ).success
    assert (warehouse.ids("storefront.orders"), warehouse.ids("storefront.customers")) == ([1], [7])


def test_the_launchpad_describes_each_field_of_the_run_config(definitions):
    family = definitions.resolve_assets_def(dg.AssetKey(["storefront", "orders"]))
    shown = {name: field.description for name, field in family.op.config_schema.config_type.fields.items()}
    assert set(shown) >= {"full", "max_parallel_requests"}
    assert all(shown.values())


def test_a_run_can_be_limited_to_fewer_concurrent_requests(api, instance, definitions):
    instance.add_dynamic_partitions(GRID.name, KEYS)
    api.delay = 0.05
    job = definitions.resolve_implicit_job_def_def_for_assets([dg.AssetKey(["storefront", "orders"])])
    job.execute_in_process(
        run_config={**runs.QUIET, "ops": {"storefront__orders": {"config": {"max_parallel_requests": 1}}}},
        instance=instance,
        asset_selection=[dg.AssetKey(["storefront", "orders"])],
        tags={runs.RANGE_START: FIRST, runs.RANGE_END: FOURTH},
    )
    assert len(api.asked("/orders")) == 4
    assert api.most_concurrent == 1

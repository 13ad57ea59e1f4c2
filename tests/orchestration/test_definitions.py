"""The code location: one asset per resource, correct lineage, and no side effects when it loads."""

import os
import subprocess
import sys

import dagster as dg
import pytest

from connectors_dagster.compat.dagster_internals import step_failure
from connectors_dagster.definitions import defs
from connectors_dagster.orchestration.location import enabled_connectors

APIS = {f"{connector.name}/api" for connector in enabled_connectors()}
SPECS = {key: spec for spec in defs().resolve_all_asset_specs() if (key := spec.key.to_user_string()) not in APIS}
RESOURCES = {str(r): r for connector in enabled_connectors() for r in connector.graph.values()}
FAMILIES = [family for family in defs().assets or () if isinstance(family, dg.AssetsDefinition)]


def test_every_resource_is_one_asset_in_the_group_of_its_connector():
    assert {key: spec.group_name for key, spec in SPECS.items()} == {key: key.split("/")[0] for key in RESOURCES}


@pytest.mark.parametrize("key", RESOURCES)
def test_an_asset_shows_its_table_columns_kinds_and_how_it_loads(key):
    spec, resource = SPECS[key], RESOURCES[key]
    assert spec.metadata["dagster/table_name"] == key.replace("/", ".")
    columns = spec.metadata["dagster/column_schema"].columns
    assert [column.name for column in columns] == list(resource.columns)
    assert [c.name for c in columns if "primary_key" in c.tags] == list(resource.primary_key)
    assert spec.kinds == {"dlt", "duckdb"}
    assert spec.description
    assert spec.tags["loading"] == ("windowed" if resource.windowed else "whole")


def test_children_depend_on_their_parents_and_everything_else_on_the_api_only():
    deps = {key: {dep.asset_key.to_user_string() for dep in spec.deps} for key, spec in SPECS.items()}
    assert {key: parents for key, parents in deps.items() if not parents & APIS} == {
        "billing/customer_addresses": {"billing/customers"},
        "billing/businesses": {"billing/customers"},
        "subscriptions/attached_item": {"subscriptions/item"},
        "storefront/order_lines": {"storefront/orders"},
    }


def test_resources_with_a_cursor_are_partitioned_by_windows_in_runs_of_120():
    for family in FAMILIES:
        windowed = RESOURCES[next(iter(family.keys)).to_user_string()].windowed
        partitions = family.partitions_def
        assert (partitions.name if isinstance(partitions, dg.DynamicPartitionsDefinition) else None) == (
            "windows_P30D_from_2024-01-01" if windowed else None
        )
        assert family.backfill_policy == (dg.BackfillPolicy.multi_run(120) if windowed else None)


def test_one_op_per_family_each_with_a_pool_of_its_own():
    assert len(FAMILIES) == sum(len(connector.families) for connector in enabled_connectors())
    pools = [family.op.pool for family in FAMILIES]
    assert len(set(pools)) == len(pools)


def test_another_step_changes_the_name_of_the_partitions(monkeypatch):
    monkeypatch.setenv("SOURCES__STOREFRONT__STEP", "P1M")
    names = {
        family.partitions_def.name
        for family in defs().assets or ()
        if isinstance(family, dg.AssetsDefinition) and isinstance(family.partitions_def, dg.DynamicPartitionsDefinition)
    }
    assert names == {"windows_P30D_from_2024-01-01", "windows_P1M_from_2024-01-01"}


def test_the_window_sensor_is_on_and_adds_partitions_for_all_windows_that_have_started(instance):
    (sensor,) = [sensor for sensor in defs().sensors or () if sensor.name == "open_windows_storefront"]
    assert isinstance(sensor, dg.SensorDefinition)
    assert sensor.default_status == dg.DefaultSensorStatus.RUNNING
    result = sensor(dg.build_sensor_context(instance=instance))
    assert isinstance(result, dg.SensorResult)
    (request,) = result.dynamic_partitions_requests or ()
    assert request.partition_keys[:3] == ["2024-01-01", "2024-01-31", "2024-03-01"]
    instance.add_dynamic_partitions(request.partitions_def_name, request.partition_keys)
    assert isinstance(sensor(dg.build_sensor_context(instance=instance, cursor=result.cursor)), dg.SkipReason)


def test_the_sensor_and_the_schedule_say_that_the_start_is_in_the_future(instance, monkeypatch):
    monkeypatch.setenv("SOURCES__STOREFRONT__START_DATE", "2999-01-01")
    monkeypatch.setenv("SOURCES__STOREFRONT__RESOURCES", "orders")
    definitions = defs()
    (sensor,) = [sensor for sensor in definitions.sensors or () if sensor.name == "open_windows_storefront"]
    schedule = definitions.resolve_schedule_def("refresh_storefront")
    with dg.build_schedule_context(instance=instance, repository_def=definitions.get_repository_def()) as context:
        said = schedule.evaluate_tick(context).skip_message
    assert said == sensor(dg.build_sensor_context(instance=instance)).skip_message
    assert said.startswith("storefront: no window has started, because the start date 2999-01-01 is in the future")


def test_a_partition_that_was_mistyped_fails_by_name_and_is_removed(instance):
    grid, typed = "windows_P30D_from_2024-01-01", "2024-01-02"
    (sensor,) = [sensor for sensor in defs().sensors or () if sensor.name == "open_windows_storefront"]
    instance.add_dynamic_partitions(grid, [typed])
    job = defs().resolve_job_def("storefront")
    orders = dg.AssetKey(["storefront", "orders"])
    result = job.execute_in_process(
        asset_selection=[orders], partition_key=typed, instance=instance, raise_on_error=False
    )
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    assert "'2024-01-02' is not a window start" in step_failure(failed)
    added, removed = sensor(dg.build_sensor_context(instance=instance)).dynamic_partitions_requests
    assert isinstance(removed, dg.DeleteDynamicPartitionsRequest) and typed not in added.partition_keys
    assert (removed.partitions_def_name, removed.partition_keys) == (grid, [typed])


def test_loading_needs_no_environment_no_network_and_no_large_library_and_writes_nothing(project):
    code = (
        "import os, socket, sys\n"
        "def no(*a, **k): raise AssertionError('network')\n"
        "socket.socket.connect = no\n"
        "before = dict(os.environ)\n"
        "from connectors_dagster.definitions import defs\n"
        "assert len(list(defs().resolve_all_asset_specs())) == 26 + 5\n"
        "assert dict(os.environ) == before\n"
        "assert not {'pyarrow', 'duckdb', 'sqlalchemy', 'sqlite3', 'rich.console'} & sys.modules.keys()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert list(project.iterdir()) == []


def test_families_of_a_run_load_concurrently_in_processes_forked_from_a_preloaded_one():
    executor = defs().executor
    assert isinstance(executor, dg.ExecutorDefinition)
    assert executor.name == "multiprocess"

"""Each SQLite file of Dagster's storage has one engine in a process."""

from importlib import import_module

import dagster as dg
import pytest

from connectors_dagster.compat import dagster_engines
from connectors_dagster.orchestration.instance import open_instance

ASSET = dg.AssetKey("things")


@pytest.fixture
def made(project, monkeypatch) -> list[str]:
    """The addresses of the files for which the storages have made an engine, in an instance that is open."""
    addresses = list[str]()

    def create(address, **options):
        addresses.append(address)
        return db.create_engine(address, **options)

    db = import_module("sqlalchemy")
    for name in dagster_engines.STORAGES:
        monkeypatch.setattr(import_module(name), "create_engine", create)
    return addresses


def record(instance: dg.DagsterInstance, times: int) -> list[int]:
    """Record rows of an asset so many times; returns what is recorded then, the newest first."""
    for number in range(times):
        instance.report_runless_asset_event(dg.AssetMaterialization(ASSET, metadata={"number": number}))
        instance.add_run_tags(instance.create_run_for_job(nothing).run_id, {"number": str(number)})
    found = instance.fetch_materializations(ASSET, limit=times).records
    return [record.asset_materialization.metadata["number"].value for record in found]


@dg.job
def nothing() -> None:
    pass


def test_a_file_has_one_engine_however_often_it_is_read_and_written(project, made):
    with open_instance(project) as instance:
        made.clear()
        assert record(instance, 5) == [4, 3, 2, 1, 0]
        instance.get_ticks("origin", "selector")
        assert len(made) == len(set(made))
        assert {"index.db", "runs.db", "schedules.db"} < {address.rsplit("/", 1)[1] for address in made}


def test_engines_of_the_files_of_old_runs_are_not_kept_for_ever(project, made, monkeypatch):
    monkeypatch.setattr(dagster_engines, "MOST", 1)
    with open_instance(project) as instance:
        assert record(instance, 3) == [2, 1, 0]
        kept = import_module(dagster_engines.STORAGES[0]).create_engine
        assert len(kept._kept) == 1


def test_without_these_engines_each_statement_makes_one(project, made, monkeypatch):
    monkeypatch.setattr(dagster_engines, "STORAGES", ())
    with open_instance(project) as instance:
        made.clear()
        record(instance, 5)
        assert len(made) > 4 * len(set(made))

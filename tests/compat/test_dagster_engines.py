"""Each SQLite file of Dagster's storage has one engine in a process, and stays open while an instance is."""

import os
import sys
from contextlib import suppress
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
        assert len(dagster_engines._files._open) <= len(dagster_engines.STORAGES)


def test_the_log_of_a_file_is_not_moved_into_it_after_each_use(project):
    for name in dagster_engines.STORAGES:
        import_module(name)
    dagster_engines.keep_engines()  # so that the files of a new instance are open while they are made, too
    with open_instance(project) as instance:
        record(instance, 2)
        logs = [*(project / ".dagster").rglob("*.db-wal")]
        assert {"index.db-wal", "runs.db-wal"} <= {log.name for log in logs}
        assert record(instance, 2) == [1, 0]
        assert all(log.exists() for log in logs)
    assert not [log for log in logs if log.exists()]


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
def test_a_forked_process_records_while_the_one_before_it_does(project):
    with open_instance(project) as instance:
        record(instance, 2)
        assert dagster_engines._files._open
        child = os.fork()
        if child == 0:
            status = 1
            with suppress(Exception):
                assert not dagster_engines._files._open
                record(instance, 20)
                status = 0
            os._exit(status)
        record(instance, 20)
        assert os.waitpid(child, 0)[1] == 0
        assert len(instance.fetch_materializations(ASSET, limit=100).records) == 42


def test_a_file_that_is_gone_is_not_made_by_keeping_it_open(tmp_path):
    dagster_engines._files.keep_open(tmp_path / "gone.db")
    (tmp_path / "torn.db").write_bytes(b"no database" * 100)
    dagster_engines._files.keep_open(tmp_path / "torn.db")
    assert {path.name for path in tmp_path.iterdir()} == {"torn.db"}
    assert not {path for path in dagster_engines._files._open if path.parent == tmp_path}


def test_without_these_engines_each_statement_makes_one(project, made, monkeypatch):
    monkeypatch.setattr(dagster_engines, "STORAGES", ())
    with open_instance(project) as instance:
        made.clear()
        record(instance, 5)
        assert len(made) > 4 * len(set(made))

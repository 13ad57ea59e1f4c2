"""The Dagster instance of the command line."""

import sqlite3
from contextlib import closing

from tests.support.processes import FORKS, Job

STORAGES = {"runs.db", "index.db", "schedules.db"}


def test_processes_that_open_a_new_instance_at_once_create_it_once(project, monkeypatch):
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    processes = [FORKS.Process(target=Job([]).open_instance) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    files = [file for file in (project / ".dagster").rglob("*.db") if file.name in STORAGES]
    assert {file.name for file in files} == STORAGES
    for file in files:
        with closing(sqlite3.connect(file)) as storage:
            assert storage.execute("SELECT count(*) FROM alembic_version").fetchall() == [(1,)], file.name

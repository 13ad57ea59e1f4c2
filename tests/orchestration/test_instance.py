"""The Dagster instance of the command line."""

import sqlite3
from contextlib import closing
from pathlib import Path
from signal import SIGKILL

import pytest

from connectors_dagster.errors import StorageError
from connectors_dagster.orchestration.instance import open_instance
from tests.support.processes import FORKS, Job, Trap

FILE = ".dagster/dagster.yaml"
STORAGES = {"runs.db", "index.db", "schedules.db"}


@pytest.mark.journey
def test_processes_that_open_a_new_instance_at_once_create_it_once(project, monkeypatch):
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    processes = [FORKS.Process(target=Job([]).open_instance) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    tables = tables_of(project)
    assert tables.keys() == STORAGES
    assert all(len(found["alembic_version"]) == 1 for found in tables.values())


@pytest.mark.parametrize("statement", [100, *(pytest.param(nth, marks=pytest.mark.journey) for nth in (20, 60, 140))])
def test_an_instance_is_complete_although_the_process_that_made_it_was_killed(project, monkeypatch, statement):
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    whole, killed = project / "whole", project / "killed"
    for folder in (whole, killed):
        folder.mkdir()
    trap = Trap("sqlalchemy.engine.default:DefaultDialect.do_execute", nth=statement)
    assert opened(Job([], folder=killed, trap=trap)) == -SIGKILL
    assert [opened(Job([], folder=folder)) for folder in (whole, killed)] == [0, 0]
    assert tables_of(killed) == tables_of(whole)


def refused(project: Path, monkeypatch: pytest.MonkeyPatch, written: str) -> str:
    """Open an instance with such a configuration, and return the error."""
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    (project / FILE).parent.mkdir(exist_ok=True)
    (project / FILE).write_text(written)
    with pytest.raises(StorageError) as failure, open_instance(project):
        pass
    return str(failure.value)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("storage:\n\tx", "cannot start any token"),
        ("- a", "to parse to dictionary"),
        ("storaje: {}", 'unexpected config entry "storaje"'),
        ("storage: {sqlite: {base_dir: {env: NOT_SET}}}", "NOT_SET"),
        ("storage: {custom: {module: sqlite3.none, class: Storage, config: {}}}", "sqlite3.none"),
    ],
)
def test_a_mistake_in_the_configuration_of_the_instance_is_one_line_that_names_the_file(
    project, monkeypatch, written, said
):
    [line] = refused(project, monkeypatch, written).splitlines()
    assert said in line and f"Correct {project / FILE}" in line


@pytest.mark.parametrize(
    ("written", "part"),
    [
        ("run_launcher: {module: dagster_none, class: Launcher}", "run_launcher"),
        ("run_coordinator: {module: dagster_none.of, class: Coordinator}", "run_coordinator"),
        ("compute_logs: {module: dagster_none, class: Logs}", "compute_logs"),
        ("scheduler: {module: dagster_none, class: Scheduler}", "scheduler"),
        ("storage: {custom: {module: dagster_none, class: Storage, config: {}}}", "storage"),
        ("event_log_storage: {module: dagster_none, class: Storage}", "event_storage"),
    ],
)
def test_a_package_of_the_instance_that_is_not_installed_is_named_also_if_it_is_used_later(
    project, monkeypatch, written, part
):
    said = (
        f"{project / FILE} has a {part} of dagster_none, which is not installed here: install the package dagster-none"
    )
    assert refused(project, monkeypatch, written) == f"{said}, or correct the file"


@pytest.mark.parametrize(("home", "opened_in"), [("", ".dagster"), ("relative", None)])
def test_an_empty_home_is_none_and_a_relative_one_is_named(project, monkeypatch, home, opened_in):
    monkeypatch.setenv("DAGSTER_HOME", home)
    if opened_in is None:
        with pytest.raises(StorageError, match=r"DAGSTER_HOME.*must be an absolute path"), open_instance(project):
            pass
    else:
        with open_instance(project) as instance:
            assert instance.root_directory == str(project / opened_in)


def opened(job: Job) -> int | None:
    """Open the instance in a process of its own; return the status with which it ended."""
    process = FORKS.Process(target=job.open_instance)
    process.start()
    process.join()
    return process.exitcode


def tables_of(project: Path) -> dict[str, dict[str, list[tuple[object, ...]]]]:
    """Return, for each file of the instance, its tables and indexes, and the rows that say which version they are."""
    found = {}
    for file in (project / ".dagster").rglob("*.db"):
        if file.name in STORAGES:
            with closing(sqlite3.connect(file)) as storage:
                found[file.name] = {
                    "schema": sorted(storage.execute("SELECT type, name FROM sqlite_master")),
                    "alembic_version": storage.execute("SELECT version_num FROM alembic_version").fetchall(),
                }
    return found

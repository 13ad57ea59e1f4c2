"""Loads keep their files in folders of their own, wherever configuration says, and nothing stays behind."""

import shutil
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from connectors_dagster.config.workdir import LOCK, abandoned, private_folder
from tests.support.processes import FORKS, Job
from tests.support.rows import order


def keep_a_file_many_times(base: Path) -> bool:
    """Use private folders one after another; tells whether their contents were left alone."""
    for number in range(25):
        with private_folder(base) as folder:
            (folder / "file").write_text(str(number))
            for _ in abandoned(base):
                continue
            if (folder / "file").read_text() != str(number):
                return False
    return True


def test_folders_of_living_processes_are_left_alone_however_many_come_and_go(project):
    with ProcessPoolExecutor(4, mp_context=FORKS) as pool:
        kept = list(pool.map(keep_a_file_many_times, [project / "loads"] * 4))
    assert kept == [True] * 4
    assert list((project / "loads").glob("load-*")) == []


def test_the_folder_of_a_killed_process_is_removed_by_the_next(project):
    with private_folder(project / "loads") as folder:
        shutil.copytree(folder, project / "loads" / "load-killed", ignore=shutil.ignore_patterns(LOCK))
        assert [path.name for path in abandoned(project / "loads")] == ["load-killed"]
        assert [path.name for path in (project / "loads").glob("load-*")] == [folder.name]


def test_files_of_loads_are_kept_where_configuration_says(api, warehouse, project, monkeypatch):
    monkeypatch.setenv("CONNECTORS__WORK_FOLDER", str(project / "scratch"))
    api.set("storefront/orders", [order(1, "2024-01-15T00:00:00")])
    Job(["storefront/orders"], ["2024-01-01"]).run()
    assert warehouse.ids("storefront.orders") == [1]
    assert (project / "scratch" / "loads").exists() and not (project / ".connectors").exists()

"""Each load keeps its files in its own folder, in the configured place, and nothing is left behind."""

import shutil
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from connectors_dagster.config.workdir import LOCK, abandoned, private_folder
from connectors_dagster.errors import SettingError
from tests.support.processes import FORKS, Job
from tests.support.rows import order


def keep_a_file_many_times(base: Path) -> bool:
    """Use private folders one after another; returns whether nobody changed their contents."""
    for number in range(25):
        with private_folder(base) as folder:
            (folder / "file").write_text(str(number))
            for _ in abandoned(base):
                continue
            if (folder / "file").read_text() != str(number):
                return False
    return True


def test_folders_of_running_processes_are_left_alone_while_others_start_and_end(project):
    with ProcessPoolExecutor(4, mp_context=FORKS) as pool:
        kept = list(pool.map(keep_a_file_many_times, [project / "loads"] * 4))
    assert kept == [True] * 4
    assert list((project / "loads").glob("load-*")) == []


def test_the_folder_of_a_killed_process_is_removed_by_the_next_one(project):
    with private_folder(project / "loads") as folder:
        shutil.copytree(folder, project / "loads" / "load-killed", ignore=shutil.ignore_patterns(LOCK))
        assert [path.name for path in abandoned(project / "loads")] == ["load-killed"]
        assert [path.name for path in (project / "loads").glob("load-*")] == [folder.name]


def test_load_files_are_kept_in_the_configured_folder(api, warehouse, project, monkeypatch):
    monkeypatch.setenv("CONNECTORS__WORK_FOLDER", str(project / "scratch"))
    api.set("storefront/orders", [order(1, "2024-01-15T00:00:00")])
    Job(["storefront/orders"], ["2024-01-01"]).run()
    assert warehouse.ids("storefront.orders") == [1]
    assert (project / "scratch" / "loads").exists() and not (project / ".connectors").exists()


def test_a_configured_work_folder_that_is_a_file_is_refused_and_not_moved(api, project, monkeypatch, load):
    (project / "connectors.duckdb").write_text("the rows")
    monkeypatch.setenv("CONNECTORS__WORK_FOLDER", "connectors.duckdb")
    with pytest.raises(
        SettingError, match=r"CONNECTORS__WORK_FOLDER is .*connectors\.duckdb, which is not a folder: set"
    ):
        load("storefront/orders", windows=["2024-01-01"])
    assert (project / "connectors.duckdb").read_text() == "the rows"
    assert api.requests == []


@pytest.mark.parametrize(
    "damaged", [".connectors", ".connectors/loads", ".connectors/families", ".connectors/requests"]
)
def test_a_file_in_place_of_a_work_folder_is_moved_aside_and_the_load_succeeds(api, warehouse, project, load, damaged):
    path = project / damaged
    path.parent.mkdir(exist_ok=True)
    path.write_text("no folder")
    api.set("storefront/orders", [order(1, "2024-01-15T00:00:00")])
    load("storefront/orders", windows=["2024-01-01"])
    assert warehouse.ids("storefront.orders") == [1]
    assert path.with_name(path.name + ".unusable").read_text() == "no folder"


def test_folders_in_place_of_locks_and_files_in_place_of_folders_are_moved_aside(api, warehouse, project, load, caplog):
    work = project / ".connectors"
    for lock in ("families/storefront_orders.lock", "loads/birth.lock", "loads/load-killed/alive.lock"):
        (work / lock / "full").mkdir(parents=True)
    (work / "loads" / "load-file").write_text("no folder")
    api.set("storefront/orders", [order(1, "2024-01-15T00:00:00")])
    load("storefront/orders", windows=["2024-01-01"])
    assert warehouse.ids("storefront.orders") == [1]
    for name in ("storefront_orders.lock", "birth.lock", "alive.lock", "load-file"):
        assert f"{name} cannot be used and is made anew" in caplog.text

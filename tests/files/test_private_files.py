"""Files with rows, responses or secrets belong to their owner alone, whatever the umask."""

import logging
import os
import stat
import threading

import pytest

from connectors_dagster.config.settings import check_shared_settings
from connectors_dagster.files import private_files
from connectors_dagster.load.pipeline import loading
from connectors_dagster.load.request import LoadRequest
from tests.support.rows import NOW
from tests.support.shop import things
from tests.support.wire import reply


@pytest.fixture
def careless():
    """Let everybody read and write what is created."""
    before = os.umask(0)
    yield
    os.umask(before)


def open_to_others(folder) -> list[str]:
    """List the files and folders that others than their owner may read, write or enter."""
    return [str(path) for path in folder.rglob("*") if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)]


def test_what_a_load_creates_belongs_to_its_owner_alone(careless, shop, project):
    resource = things(project)
    (project / "shop.schema.yaml").chmod(0o600)
    shop.replies = [reply({"data": [{"id": "1"}]})]
    with loading(LoadRequest(now=NOW, resources=[resource])) as load:
        assert load.outcomes["things"].error is None
        assert len(list(project.rglob("*"))) > 10
        assert open_to_others(project) == []
    assert (project / "warehouse.duckdb").stat().st_mode & 0o777 == 0o600
    assert (project / ".connectors").stat().st_mode & 0o777 == 0o700
    assert os.umask(0) == 0


def test_what_dagster_stores_of_a_run_belongs_to_its_owner_alone(careless, api, project, instance, materialize):
    (project / ".dagster" / "dagster.yaml").chmod(0o600)
    (project / ".dagster").chmod(0o700)
    api.set("catalog/ecommerce_data", [{"id": 1}])
    assert materialize("catalog/ecommerce_data").errors == []
    assert len(list(project.rglob("*.db"))) > 1
    assert open_to_others(project) == []


def test_a_file_that_exists_keeps_its_permissions(careless, shop, project):
    shop.replies = [reply({"data": [{"id": "1"}]})]
    for _ in range(2):
        with loading(LoadRequest(now=NOW, resources=[things(project)])):
            pass
        (project / "warehouse.duckdb").chmod(0o640)
    assert (project / "warehouse.duckdb").stat().st_mode & 0o777 == 0o640


def test_the_umask_is_restored_when_the_last_of_several_threads_ends(careless):
    def hold(begun: threading.Event, ended: threading.Event) -> None:
        with private_files.private_files():
            begun.set()
            ended.wait()

    begun, ended = threading.Event(), threading.Event()
    other = threading.Thread(target=hold, args=(begun, ended))
    with private_files.private_files():
        other.start()
        begun.wait()
    assert os.umask(0o077) == 0o077
    ended.set()
    other.join()
    assert os.umask(0) == 0


@pytest.mark.parametrize(("mode", "warnings"), [(0o600, 0), (0o640, 1), (0o604, 1)])
def test_secrets_that_others_can_read_are_reported_once(project, caplog, mode, warnings):
    file = project / ".dlt" / "secrets.toml"
    file.parent.mkdir()
    file.touch()
    file.chmod(mode)
    with caplog.at_level(logging.WARNING):
        check_shared_settings()
        check_shared_settings()
    said = [record.getMessage() for record in caplog.records if str(file) in record.getMessage()]
    assert said == [f"{file} can be read by other users of this machine: run `chmod 600 {file}`"] * warnings

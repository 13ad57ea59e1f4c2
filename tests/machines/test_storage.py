"""Dagster's storage in a Postgres that accepts no connection."""

import pytest

from connectors_dagster.errors import StorageError
from connectors_dagster.orchestration.instance import open_instance

pytestmark = pytest.mark.machines
STORAGE = "storage: {postgres: {postgres_url: 'postgresql+psycopg2://dagster:hidden-word@127.0.0.1:1/gone'}}"


def test_a_storage_that_is_down_is_one_line_with_its_address(project, monkeypatch):
    from dagster_postgres import utils

    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setattr(utils, "calculate_delay", lambda **_: 0)
    (project / ".dagster").mkdir(exist_ok=True)
    (project / ".dagster" / "dagster.yaml").write_text(STORAGE)
    with pytest.raises(StorageError) as failure, open_instance(project):
        pass
    [line] = str(failure.value).splitlines()
    assert 'connection to server at "127.0.0.1", port 1 failed: Connection refused' in line
    assert "Start it or correct its settings" in line and "hidden-word" not in line

"""The configuration in deploy is what Dagster and Celery accept, and a wrong driver of Postgres is named."""

from pathlib import Path

import dagster as dg
import pytest
import yaml

from connectors_dagster.errors import StorageError
from connectors_dagster.orchestration.instance import open_instance

DEPLOY = Path(__file__).parents[2] / "deploy"
pytestmark = pytest.mark.machines


def test_dagster_makes_its_tables_with_the_instance_of_the_image(postgres, project, monkeypatch):
    config = yaml.safe_load((DEPLOY / "dagster.yaml").read_text())
    config["storage"]["postgres"]["postgres_db"]["port"] = postgres.port
    for section in ("local_artifact_storage", "compute_logs"):
        config[section]["config"]["base_dir"] = str(project / section)
    (project / "home").mkdir()
    (project / "home" / "dagster.yaml").write_text(yaml.safe_dump(config))
    values = {"HOST": "127.0.0.1", "USER": "postgres", "PASSWORD": "trusted", "DB": postgres.database}
    for name, value in values.items():
        monkeypatch.setenv(f"DAGSTER_PG_{name}", value)
    with dg.DagsterInstance.from_config(str(project / "home")) as instance:
        assert instance.get_runs() == []
        assert instance.get_concurrency_config().pool_config.default_pool_limit == 1
    assert postgres.query("SELECT count(*) FROM runs") == [(0,)]
    assert [path.name for path in (project / "home").iterdir()] == ["dagster.yaml"]


def test_workers_accept_their_configuration(monkeypatch):
    from dagster_celery.make_app import make_app

    monkeypatch.setenv("CELERY_BROKER", "redis://redis:6379/0")
    monkeypatch.syspath_prepend(DEPLOY / "celery")
    accepted = make_app().conf
    assert accepted.broker_url == "redis://redis:6379/0" and accepted.task_acks_late is True


def test_a_postgres_whose_driver_sqlalchemy_does_not_find_is_named_with_what_to_write(postgres, project):
    home = project / ".dagster"
    home.mkdir()
    (home / "dagster.yaml").write_text(yaml.safe_dump({"storage": {"postgres": {"postgres_url": postgres.url}}}))
    with pytest.raises(StorageError, match=r"write postgresql\+psycopg2://"), open_instance(project):
        pass

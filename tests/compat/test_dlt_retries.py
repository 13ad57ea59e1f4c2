"""The parts of dlt that write files into databases, and try again: they fail here if dlt changes them."""

import inspect

import pytest
from dlt.common.destination.client import RunnableLoadJob
from dlt.destinations import insert_job_client
from dlt.destinations.impl.duckdb import duck
from dlt.destinations.impl.ducklake import ducklake
from dlt.destinations.impl.postgres import postgres
from dlt.destinations.sql_client import SqlClientBase

from connectors_dagster.compat.dlt_retries import JOBS, write_files_once


@pytest.mark.parametrize(
    ("destination", "client"),
    [
        ("postgres", postgres.PostgresClient),
        ("duckdb", duck.DuckDbClient),
        ("ducklake", ducklake.DuckLakeClient),
        ("mssql", insert_job_client.InsertValuesJobClient),
    ],
)
def test_dlt_writes_files_with_the_classes_of_its_modules_that_are_replaced(destination, client):
    write_files_once(destination)
    name = JOBS.get(destination, ("", "InsertValuesLoadJob"))[1]
    assert f"{name}(file_path)" in inspect.getsource(client.create_load_job)
    replaced = vars(inspect.getmodule(client))[name]
    write_files_once(destination)
    assert vars(inspect.getmodule(client))[name] is replaced
    assert "_remove" in inspect.getsource(replaced.run) and issubclass(replaced, RunnableLoadJob)


def test_a_job_of_dlt_knows_what_it_writes_and_where():
    source = inspect.getsource(RunnableLoadJob)
    assert all(name in source for name in ("_load_id", "_load_table", "_job_client", "_file_path"))
    assert isinstance(inspect.getattr_static(SqlClientBase, "is_staging_dataset_active"), property)

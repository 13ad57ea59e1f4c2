"""The part of dlt that copies CSV into Postgres: it fails here if dlt changes it."""

import inspect

from dlt.destinations.impl.postgres import postgres

from connectors_dagster.compat.dlt_postgres import copy_exactly


def test_dlt_copies_csv_with_the_class_of_its_module_that_is_replaced():
    copy_exactly()
    assert "PostgresCsvCopyJob(file_path)" in inspect.getsource(postgres.PostgresClient.create_load_job)
    assert vars(postgres)["PostgresCsvCopyJob"].__name__ == "CopyOnce"


def test_dlt_asks_its_module_in_which_columns_empty_text_becomes_null():
    copy_exactly()
    copy = inspect.getsource(inspect.getmro(vars(postgres)["PostgresCsvCopyJob"])[1].run)
    assert "is_nullable_column(col)" in copy and "FORCE_NULL" in copy
    assert not vars(postgres)["is_nullable_column"]({"name": "v"})

"""The part of dlt that copies CSV into Postgres: it fails here if dlt changes it."""

import inspect

from dlt.destinations.impl.postgres import postgres

from connectors_dagster.compat.dlt_postgres import copy_exactly

RUN = inspect.getsource(postgres.PostgresCsvCopyJob.run)  # before another test replaces the class


def test_dlt_asks_its_module_in_which_columns_empty_text_becomes_null():
    copy_exactly()
    assert "is_nullable_column(col)" in RUN and "FORCE_NULL" in RUN
    assert not vars(postgres)["is_nullable_column"]({"name": "v"})

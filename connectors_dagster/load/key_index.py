"""An index on the key of a table, without which each merge would read the whole table."""

import logging
import time
from typing import Any

from dlt.common.schema import TTableSchema
from dlt.destinations.exceptions import DatabaseException
from dlt.destinations.sql_client import SqlClientBase

from connectors_dagster.compat.dlt_internals import get_columns_names_with_prop

logger = logging.getLogger(__name__)
PATIENCE = 10
"""Seconds to wait for programs that write the table."""
SHORT = ("bigint", "bool", "date", "decimal", "double", "time", "timestamp", "wei")
"""The types whose values are short enough for a B-tree: a row with more than 2,700 bytes of key could not be loaded."""
FIND = """
    SELECT 1 FROM pg_index
    WHERE indrelid = %s::regclass AND indisvalid AND indpred IS NULL AND {begins_alike} LIMIT 1
"""


def index_key(client: SqlClientBase[Any], table: TTableSchema) -> None:
    """Create an index on the key of a table in Postgres, unless there is one that begins with the same columns.

    If it cannot be created, a warning says why: only the time of loads depends on it.

    Args:
        client: a connection to the database.
        table: the table as dlt's schema describes it.
    """
    names = get_columns_names_with_prop(table, "primary_key", include_incomplete=True)
    key = {name: table["columns"][name].get("data_type") for name in names}
    if not key or None in key.values():
        return  # a column of the key is not there before a row has a value in it
    name = client.make_qualified_table_name(str(table["name"]))
    long = [column for column, kind in key.items() if kind not in SHORT]
    method, indexed = ("hash", long[-1:]) if long else ("btree", list(key))
    begins = [f"pg_get_indexdef(indexrelid, {at}, true) = quote_ident(%s)" for at in range(1, len(indexed) + 1)]
    listed, started = ", ".join(map(client.escape_column_name, indexed)), time.monotonic()
    try:
        if client.execute_sql(FIND.format(begins_alike=" AND ".join(begins)), name, *indexed):
            return
        with client.begin_transaction():
            client.execute_sql(f"SET LOCAL lock_timeout = '{PATIENCE}s'")
            client.execute_sql(f"CREATE INDEX ON {name} USING {method} ({listed})")
            client.execute_sql(f"ANALYZE {name} ({listed})")  # Postgres uses an index only if it knows the values
    except DatabaseException as error:
        logger.warning("%s has no index on its key, so that each load reads all of it: %s", name, str(error).strip())
        return
    logger.info("%s got an index on its key, in %.1f s", name, time.monotonic() - started)

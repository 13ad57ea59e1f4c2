"""An index on the key of a large table in Postgres, where each merge would otherwise read the whole table."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from dlt.destinations.exceptions import DatabaseException
from dlt.destinations.sql_client import SqlClientBase

logger = logging.getLogger(__name__)
LARGE = 256 * 1024 * 1024
"""Bytes: to read less takes less than a second."""
PATIENCE = 10
"""Seconds to wait for programs that write the table."""
OF_FIXED_SIZE = ("bigint", "bool", "date", "double", "time", "timestamp")
"""Types for a B-tree. A text may be longer than it takes, and its row could not be loaded: it gets a hash index."""
LEAST_DISTINCT, MOST_COMMON = 0.1, 0.01
"""Parts of the rows: a hash index gets slower with each row that has the same value."""
SIZE = "SELECT pg_relation_size(%s::regclass)"
INDEXES = """
    SELECT array(
        SELECT attname::text FROM unnest(indkey::int2[]) WITH ORDINALITY AS part (number, place)
        JOIN pg_attribute ON attrelid = indrelid AND attnum = number ORDER BY place
    )
    FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid JOIN pg_am ON pg_am.oid = relam
    WHERE indrelid = %s::regclass AND indisvalid AND indpred IS NULL AND amname IN ('btree', 'hash')
"""
MOST_DISTINCT = """
    SELECT attname::text FROM pg_stats
    JOIN pg_namespace ON nspname = schemaname
    JOIN pg_class ON relnamespace = pg_namespace.oid AND relname = tablename
    CROSS JOIN LATERAL (SELECT CASE WHEN n_distinct < 0 THEN -n_distinct ELSE n_distinct / greatest(reltuples, 1) END)
        AS found (part)
    WHERE pg_class.oid = %s::regclass AND attname = ANY(%s) AND part >= %s AND coalesce(most_common_freqs[1], 0) <= %s
    ORDER BY part DESC LIMIT 1
"""


def index_key(client: SqlClientBase[Any], table: str, key: Mapping[str, Any]) -> None:
    """Create an index on the key of a table, if it is large and has none.

    If it cannot be created, a warning says why: only the time of loads depends on it.

    Args:
        client: a connection to the database.
        table: the table, as SQL writes it.
        key: the columns that identify a row, each with its type as dlt names it.
    """
    [(size,)] = client.execute_sql(SIZE, table) or ((0,),)
    if size < LARGE or _is_indexed(client, table, key):
        return
    columns = _columns_to_index(client, table, key)
    if not columns:
        return
    method = "btree" if all(key[column] in OF_FIXED_SIZE for column in columns) else "hash"
    listed = ", ".join(map(client.escape_column_name, columns))
    statement = f"CREATE INDEX ON {table} USING {method} ({listed})"
    logger.info("%s gets an index, without which each load would read all of it: %s", table, statement)
    try:
        with client.begin_transaction():
            client.execute_sql(f"SET LOCAL lock_timeout = '{PATIENCE}s'")
            client.execute_sql(statement)
            client.execute_sql(f"ANALYZE {table} ({listed})")  # Postgres uses an index only if it knows the values
    except DatabaseException as error:
        logger.warning(
            "%s has no index on its key, so that each load reads all of it: %s: the owner of the table can run %s",
            table,
            " ".join(str(error).split()),
            statement,
        )


def _is_indexed(client: SqlClientBase[Any], table: str, key: Mapping[str, Any]) -> bool:
    """Return whether an index begins with all columns of a key, or with one that is enough if there are texts."""
    found: list[Sequence[str]] = [names for (names,) in client.execute_sql(INDEXES, table) or ()]
    if _has_texts(key):
        return any(names[0] in key for names in found if names)
    return any(set(names[: len(key)]) == set(key) for names in found)


def _columns_to_index(client: SqlClientBase[Any], table: str, key: Mapping[str, Any]) -> Sequence[str]:
    """Return the whole key, or if there are texts, the column with the most values; none if all have few values."""
    if len(key) == 1 or not _has_texts(key):
        return list(key)
    found = client.execute_sql(MOST_DISTINCT, table, list(key), LEAST_DISTINCT, MOST_COMMON)
    return [name for (name,) in found or ()]


def _has_texts(key: Mapping[str, Any]) -> bool:
    return any(kind not in OF_FIXED_SIZE for kind in key.values())

"""An index on the key of a large table in Postgres, where each merge would otherwise read the whole table."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from dlt.destinations.exceptions import DatabaseException
from dlt.destinations.sql_client import SqlClientBase

logger = logging.getLogger(__name__)
LARGE = 256 * 1024 * 1024
"""Bytes: to read less takes less than a second."""
PATIENCE = "500ms"
"""The wait for programs that write the table. After a second, Postgres ends a CREATE INDEX CONCURRENTLY of others."""
OF_FIXED_SIZE = {"bigint", "bool", "date", "double", "time", "timestamp"}
"""Types for a B-tree. A text may be longer than it takes, and its row could not be loaded: it gets a hash index."""
LEAST_DISTINCT, MOST_COMMON = 0.1, 0.01
"""Parts of the rows: a hash index gets slower with each row that has the same value."""
SIZE = "SELECT coalesce(pg_relation_size(%s::regclass), 0)"
INDEXES = """
    SELECT array(
        SELECT attname::text FROM unnest(indkey::int2[]) WITH ORDINALITY AS part (number, place)
        JOIN pg_attribute ON attrelid = indrelid AND attnum = number WHERE place <= indnkeyatts ORDER BY place
    )
    FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid JOIN pg_am ON pg_am.oid = relam
    WHERE indrelid = %s::regclass AND indisvalid AND indpred IS NULL AND indexprs IS NULL
    AND amname IN ('btree', 'hash')
"""
OF_MANY_VALUES = """
    SELECT attname::text FROM pg_stats
    JOIN pg_namespace ON nspname = schemaname
    JOIN pg_class ON relnamespace = pg_namespace.oid AND relname = tablename
    CROSS JOIN LATERAL (SELECT CASE WHEN n_distinct < 0 THEN -n_distinct ELSE n_distinct / reltuples END) AS of (part)
    WHERE pg_class.oid = %s::regclass AND reltuples > 0 AND attname = ANY(%s)
    AND part >= %s AND coalesce(most_common_freqs[1], 0) <= %s
    ORDER BY part DESC
"""


def index_key(client: SqlClientBase[Any], table: str, key: Mapping[str, Any]) -> None:
    """Create an index on the key of a table, if it is large and has none.

    If that fails, a warning says why: only the time of loads depends on it.

    Args:
        client: a connection to the database.
        table: the table, as SQL writes it.
        key: the columns that identify a row, each with its type as dlt names it.
    """
    try:
        [(size,)] = client.execute_sql(SIZE, table) or ((0,),)
        columns = _columns_to_index(client, table, key) if size >= LARGE else ()
        if columns:
            _create(client, table, columns, "btree" if {key[column] for column in columns} <= OF_FIXED_SIZE else "hash")
    except DatabaseException as error:
        logger.warning(
            "%s got no index on its key, so that each load reads all of it, and the next load tries again: %s",
            table,
            " ".join(str(error).split()),
        )


def _columns_to_index(client: SqlClientBase[Any], table: str, key: Mapping[str, Any]) -> Sequence[str]:
    """Return the columns of an index that is missing: the whole key, or if texts are in it, one with many values."""
    indexed: list[Sequence[str]] = [names for (names,) in client.execute_sql(INDEXES, table) or ()]
    if any(set(names[: len(key)]) == set(key) for names in indexed):
        return ()
    if len(key) == 1 or set(key.values()) <= OF_FIXED_SIZE:
        return list(key)
    found = client.execute_sql(OF_MANY_VALUES, table, list(key), LEAST_DISTINCT, MOST_COMMON)
    good = [name for (name,) in found or ()]
    return () if any(names[0] in good for names in indexed) else good[:1]


def _create(client: SqlClientBase[Any], table: str, columns: Sequence[str], method: str) -> None:
    """Let Postgres look at the values, because otherwise it would not use an index, and create that."""
    listed = ", ".join(map(client.escape_column_name, columns))
    create = f"CREATE INDEX ON {table} USING {method} ({listed})"
    logger.info("%s gets an index, without which each load would read all of it: %s", table, create)
    for statement in (f"ANALYZE {table} ({listed})", create):
        with client.begin_transaction():
            client.execute_sql(f"SET LOCAL lock_timeout = '{PATIENCE}'")
            client.execute_sql(statement)

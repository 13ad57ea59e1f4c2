"""Rows that the API no longer returns: they are kept, marked or deleted, as each resource declares."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dlt.destinations.sql_client import SqlClientBase

from connectors_dagster.errors import LoadError
from connectors_dagster.spec.resource import ABSENT_SINCE, Resource

KEYS_PER_STATEMENT = 500
FEW = 100
"""This many rows may be removed from any table: in a small table a large share means little."""


@dataclass(frozen=True, kw_only=True)
class MissingRows:
    """The rows of a table that a complete read did not return.

    Args:
        resource: what was read.
        load_ids: the packages with all rows that the API still has.
        parents: for a child, the keys of the parents whose children were read again.
        now: the time with which rows are marked.
        max_loss: the share of a table that a load may remove, 0 to 1; `FEW` rows may always be removed.
    """

    resource: Resource
    load_ids: Sequence[str]
    now: datetime
    parents: Sequence[Any] = ()
    max_loss: float = 0.5

    def apply(self, client: SqlClientBase[Any]) -> int:
        """Mark or delete the missing rows; returns how many.

        Raises:
            LoadError: more than `max_loss` of the table would be removed; nothing was marked or deleted.
        """
        if self.resource.missing_rows == "keep":
            return 0
        total, missing = self._count(client)
        if missing > max(FEW, total * self.max_loss):
            raise LoadError(
                f"{self.resource}: the API no longer returns {missing} of {total} rows, more than the "
                f"{self.max_loss:.0%} a load may remove: nothing was removed; if this is expected, set accept_loss"
            )
        for condition, values in self._conditions(client):
            client.execute_sql(f"{self._statement(client)} WHERE {condition}", *values)
        return missing

    def _statement(self, client: SqlClientBase[Any]) -> str:
        table = client.make_qualified_table_name(self.resource.name)
        if self.resource.missing_rows == "mark":
            return f"UPDATE {table} SET {client.escape_column_name(ABSENT_SINCE)} = '{self.now.isoformat()}'"
        return f"DELETE FROM {table}"

    def _count(self, client: SqlClientBase[Any]) -> tuple[int, int]:
        table = client.make_qualified_table_name(self.resource.name)
        found = client.execute_sql(f"SELECT count(*) FROM {table}") or [(0,)]
        counted = (
            client.execute_sql(f"SELECT count(*) FROM {table} WHERE {condition}", *values) or [(0,)]
            for condition, values in self._conditions(client)
        )
        return int(found[0][0]), sum(int(rows[0][0]) for rows in counted)

    def _conditions(self, client: SqlClientBase[Any]) -> Iterator[tuple[str, Sequence[Any]]]:
        """Yield conditions for the missing rows, each short enough for one statement."""
        name = client.escape_column_name
        # Without declared columns, there is no package if the API returns no row.
        condition = f"{name('_dlt_load_id')} NOT IN ({_places(self.load_ids)})" if self.load_ids else "1 = 1"
        if self.resource.missing_rows == "mark":
            condition += f" AND {name(ABSENT_SINCE)} IS NULL"
        if self.resource.parent is None:
            yield condition, self.load_ids
            return
        column = name(str(self.resource.parent_column))
        for at in range(0, len(self.parents), KEYS_PER_STATEMENT):
            keys = self.parents[at : at + KEYS_PER_STATEMENT]
            yield f"{condition} AND {column} IN ({_places(keys)})", [*self.load_ids, *keys]


def _places(values: Sequence[Any]) -> str:
    return ", ".join(["%s"] * len(values))

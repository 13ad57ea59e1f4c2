"""Rows that the API no longer returns: they are kept, marked or deleted, as each resource declares."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dlt.common.schema import Schema
from dlt.destinations.exceptions import DatabaseUndefinedRelation
from dlt.destinations.sql_client import SqlClientBase

from connectors_dagster.errors import LoadError
from connectors_dagster.load.destination import LOAD_ID
from connectors_dagster.load.lake_tables import delete_rows_where, set_where
from connectors_dagster.rows.table_columns import ROW_ID
from connectors_dagster.spec.added_columns import ABSENT_SINCE, WINDOW
from connectors_dagster.spec.resource import Resource

logger = logging.getLogger(__name__)
PARENT_ROW_ID = "_dlt_parent_id"
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
        loads_of_parent: for a list in the rows of its parent, the packages with the rows that were read.
        windows: the keys of the windows that were read from their start, for a resource whose rows are labelled.
        now: the time with which rows are marked.
        max_loss: the share of a table that a load may remove, 0 to 1; `FEW` rows may always be removed.
        schema: of the family, with the child tables that dlt has made of nested lists.
    """

    resource: Resource
    load_ids: Sequence[str]
    now: datetime
    parents: Sequence[Any] = ()
    loads_of_parent: Sequence[str] = ()
    windows: Sequence[str] = ()
    max_loss: float = 0.5
    schema: Schema

    def apply(self, client: SqlClientBase[Any]) -> int:
        """Mark or delete the missing rows, and first the children of them; returns how many, without the children.

        A child whose own `missing_rows` is ``keep`` stays, and no child is deleted while its parent is only marked.

        Raises:
            LoadError: more than `max_loss` of the table would be removed; nothing was marked or deleted.
        """
        if self.resource.missing_rows == "keep":
            return 0
        total, missing = self._count(client)
        if missing > max(FEW, total * self.max_loss) and not self._are_replaced(client, missing):
            raise LoadError(
                f"{self.resource}: the API no longer returns {missing} of {total} rows, more than the "
                f"{self.max_loss:.0%} a load may remove: nothing was removed; if this is expected, set accept_loss"
            )
        for condition, values in self._conditions(client) if missing else ():
            self._remove_children(client, self.resource, condition, values)
            self._remove(client, self.resource, condition, values)
        return missing

    def _are_replaced(self, client: SqlClientBase[Any], missing: int) -> bool:
        """Return whether so many rows came that the missing ones may be their former versions: the key is a hash."""
        if not self.resource.options.key or not self.load_ids:
            return False
        name, table = client.escape_column_name(LOAD_ID), client.make_qualified_table_name(self.resource.name)
        query = f"SELECT count(*) FROM {table} WHERE {name} IN ({_places(self.load_ids)})"
        found = client.execute_sql(query, *self.load_ids) or [(0,)]
        return int(found[0][0]) >= missing * (1 - self.max_loss)

    def _remove_children(
        self, client: SqlClientBase[Any], parent: Resource, condition: str, values: Sequence[Any]
    ) -> None:
        """Mark or delete the children of the rows of a parent that meet a condition, and their children first."""
        name = client.escape_column_name
        for child in parent.children:
            if child.missing_rows == "keep" or (child.missing_rows, parent.missing_rows) == ("delete", "mark"):
                continue
            key, column = next(iter(child.included.items()))
            table = client.make_qualified_table_name(parent.name)
            theirs = f"{name(column)} IN (SELECT {name(key)} FROM {table} WHERE {condition})"
            if child.missing_rows == "mark":
                theirs += f" AND {name(ABSENT_SINCE)} IS NULL"
            try:
                self._remove_children(client, child, theirs, values)
                self._remove(client, child, theirs, values)
            except DatabaseUndefinedRelation:
                logger.debug("%s: there is no table yet", child)

    def _remove(self, client: SqlClientBase[Any], resource: Resource, condition: str, values: Sequence[Any]) -> None:
        """Mark the rows of a resource that meet a condition, or delete them with what dlt has put into child tables."""
        if resource.missing_rows == "delete":
            self._delete(client, resource.name, condition, values)
            return
        set_where(client, resource.name, ABSENT_SINCE, self.now, condition, values)

    def _delete(self, client: SqlClientBase[Any], name: str, condition: str, values: Sequence[Any]) -> None:
        table = client.make_qualified_table_name(name)
        row, parent = client.escape_column_name(ROW_ID), client.escape_column_name(PARENT_ROW_ID)
        for nested, hints in self.schema.tables.items():
            if hints.get("parent") == name:
                theirs = f"{parent} IN (SELECT {row} FROM {table} WHERE {condition})"
                with suppress(DatabaseUndefinedRelation):  # no row had a value for it yet
                    self._delete(client, nested, theirs, values)
        delete_rows_where(client, name, condition, values)

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
        condition = f"{name(LOAD_ID)} NOT IN ({_places(self.load_ids)})" if self.load_ids else "1 = 1"
        if self.resource.missing_rows == "mark":
            condition += f" AND {name(ABSENT_SINCE)} IS NULL"
        if self.resource.list_of:
            if self.loads_of_parent:
                of_parent = self._in_loads_of(self.resource.list_of.parent, client)
                yield f"{condition} AND {of_parent}", [*self.load_ids, *self.loads_of_parent]
            return
        if self.resource.parent is None and not self.resource.labels_windows:
            yield condition, self.load_ids
            return
        known: Sequence[Any] = self.windows if self.resource.labels_windows else self.parents
        column = name(WINDOW if self.resource.labels_windows else str(self.resource.parent_column))
        for at in range(0, len(known), KEYS_PER_STATEMENT):
            keys = known[at : at + KEYS_PER_STATEMENT]
            yield f"{condition} AND {column} IN ({_places(keys)})", [*self.load_ids, *keys]

    def _in_loads_of(self, parent: Resource, client: SqlClientBase[Any]) -> str:
        """Return the condition that the parent of a row was loaded now."""
        name, own = client.escape_column_name, client.escape_column_name(self.resource.name)
        equal = (f"p.{name(key)} = {own}.{name(column)}" for key, column in self.resource.included.items())
        return (
            f"EXISTS (SELECT 1 FROM {client.make_qualified_table_name(parent.name)} AS p WHERE {' AND '.join(equal)} "
            f"AND p.{name(LOAD_ID)} IN ({_places(self.loads_of_parent)}))"
        )


def _places(values: Sequence[Any]) -> str:
    return ", ".join(["%s"] * len(values))

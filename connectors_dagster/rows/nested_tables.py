"""Rows with nested values as rows of several tables: fields of objects become columns, lists become child tables."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from connectors_dagster.errors import RowError
from connectors_dagster.rows.column_buffer import ColumnBuffer
from connectors_dagster.rows.column_names import BELOW, SHOWN_BELOW
from connectors_dagster.rows.json_codec import is_deep
from connectors_dagster.rows.raw_json import RawRow, decode, decode_fields, decode_items, first_byte
from connectors_dagster.rows.table_columns import TableColumns
from connectors_dagster.secrets.redaction import excerpt

MOST_LEVELS = 20
FEW_LEVELS = 100
"""A value with fewer objects and lists is not too deep, whatever is in them."""
SHOWN = 80
BETWEEN_NAMES = "__"
LIST, VALUE = "list", "value"
"""How dlt names the column of an item of a list that is a list, or a single value."""
TablePath = tuple[str, ...]
"""Names the table of a list: ``("address", "phones")``; the table of the rows is ``()``."""


class NestedTables:
    """The tables of a resource for which dlt makes child tables.

    dlt splits objects into tables, but it would choose the types itself. So the values of each table are converted
    first, and then put together again, so that dlt finds only names and values that it does not change.

    Args:
        make: makes the columns of a table.
        levels: how many levels of objects and lists are split; deeper ones are json.
    """

    def __init__(self, make: Callable[[TablePath], TableColumns], *, levels: int = MOST_LEVELS) -> None:
        """Start with the table of the rows."""
        self._make, self.levels = make, levels
        self.root = make(())
        self.tables: dict[TablePath, TableColumns] = {(): self.root}
        self.parents: dict[TablePath, TablePath] = {}

    def to_objects(self, rows: Sequence[RawRow]) -> list[dict[str, Any]]:
        """Convert rows to objects with the names and values that the tables get; empty fields are left out.

        Raises:
            RowError: a key has no value that fits, a value is nested too deeply, two fields would share a column, or
                too many are not declared.
        """
        return self._to_objects((), rows, self.levels)

    @property
    def drift(self) -> dict[str, str]:
        """Differences from the declaration, by column."""
        return {
            BETWEEN_NAMES.join((*path, column)): remark
            for path, columns in self.tables.items()
            for column, remark in columns.drift.items()
        }

    def _to_objects(self, path: TablePath, rows: Sequence[RawRow], levels: int) -> list[dict[str, Any]]:
        columns = self.tables[path]
        split = [_Split.of(columns, row, levels) for row in rows]
        batch = columns.to_batch(ColumnBuffer([row.fields for row in split], columns.check_fields))
        objects: list[dict[str, Any]] = [{} for _ in rows]
        for column, array in zip(batch.schema.names, batch.columns, strict=True):
            is_json = columns.hints[column]["data_type"] == "json"
            for target, value in zip(objects, array.to_pylist(), strict=True):
                if value is not None:
                    _put(target, column, _decoded(value, column, columns.label) if is_json else value, columns.label)
        lists = set().union(*(row.lists for row in split))
        columns.check_fields(lists)
        for field in sorted(lists, key=columns.rank):
            self._add_children(path, field, split, objects, levels)
        return objects

    def _add_children(
        self, path: TablePath, field: str, split: Sequence["_Split"], objects: Sequence[dict[str, Any]], levels: int
    ) -> None:
        column = self.tables[path].column(field)
        child = (*path, *column.split(BETWEEN_NAMES))
        if child not in self.tables:
            self.tables[child], self.parents[child] = self._make(child), path
        items = [item_row(item) for row in split for item in row.lists.get(field, ())]
        children = iter(self._to_objects(child, items, levels - 1) if items else ())
        for row, target in zip(split, objects, strict=True):
            if row.lists.get(field):
                _put(target, column, [next(children) for _ in row.lists[field]], self.tables[path].label)


class _Split(msgspec.Struct):
    """The fields of a row by their names, those of nested objects included, and its lists."""

    fields: RawRow
    lists: dict[str, list[msgspec.Raw]]

    @classmethod
    def of(cls, columns: TableColumns, row: Mapping[str, msgspec.Raw], levels: int) -> "_Split":
        split = cls({}, {})
        split.add(columns, row, "", levels)
        return split

    def add(self, columns: TableColumns, row: Mapping[str, msgspec.Raw], above: str, levels: int) -> None:
        for name, raw in row.items():
            field, begin = above + name.replace(BELOW, SHOWN_BELOW), first_byte(raw)
            if begin not in (b"{", b"[") or levels <= 0 or columns.is_whole(field):
                self.fields[field] = raw
            elif begin == b"{":
                self.add(columns, decode_fields(raw), field + BELOW, levels - 1)
            else:
                self.lists[field] = decode_items(raw)


def item_row(raw: msgspec.Raw) -> RawRow:
    """Return an item of a list as a row: its fields, or what dlt calls a single value or list."""
    begin = first_byte(raw)
    return decode_fields(raw) if begin == b"{" else {LIST if begin == b"[" else VALUE: raw}


def _decoded(text: str, column: str, label: str) -> Any:
    """Parse the value of a json column; dlt cannot write one that is nested too deeply."""
    try:
        value = decode(text.encode())
        deep = text.count("[") + text.count("{") >= FEW_LEVELS and is_deep(value)
    except RecursionError:
        deep = True
    if deep:
        raise RowError(
            f"{label}: {excerpt(column, SHOWN)!r} contains a value that is nested too deeply to be split into columns: "
            "declare the columns of the table, and this field with data_type json"
        )
    return value


def _put(target: dict[str, Any], column: str, value: Any, label: str) -> None:
    """Put a value where dlt makes this column of it: ``address__city`` is the field `city` of the object `address`."""
    *above, name = column.split(BETWEEN_NAMES)
    for part in above:
        target = target.setdefault(part, {})
        if not isinstance(target, dict):
            raise RowError(f"{label}: a field would share the column {column!r} with another field: declare it")
    if name in target:
        raise RowError(f"{label}: a field would share the column {column!r} with another field: declare it")
    target[name] = value

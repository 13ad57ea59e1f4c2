"""Keys that do not identify a row: a load that would merge different rows fails and says what to write instead."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from connectors_dagster.errors import RowError
from connectors_dagster.secrets.redaction import excerpt
from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.timestamps import DAY

FEW, SHARE = 3, 0.003
"""This many rows, or this share of them, may change without a newer cursor: within the second of their last change,
or, without a cursor that shows edits, between two pages. Of few rows, it is a tenth."""
FIELDS, VALUE = 6, 32
"""How many fields of a row are shown, and how many characters of a value."""
TELLS_APART = re.compile(r"(?i)(.*[_ -])?(id|key|no|nr|number|line|position|index|sku|uuid|code)|.*[a-z](Id|No|Key)")
Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class KeyCheck:
    """Checks that rows with one key are copies of one row.

    Args:
        resource: what was read.
        copies: the rows that may be copies, with the columns ``row``, ``page``, ``reread``, ``parent``, ``time``,
            ``finer`` and ``content``.
        keys: the columns of the key in `copies`.
        total: the number of all rows.
        show: returns the fields of a row by its number.
    """

    resource: Resource
    copies: pa.Table
    keys: Sequence[str]
    total: int
    show: Callable[[int], Row]

    def check(self) -> None:
        """Check the key.

        A row that was edited between two pages is a copy: it may be read again with other values.

        Raises:
            RowError: different rows with one key are on one page or have different parents, or there are more of them
                than edits explain.
        """
        for what, rows in self._faults():
            first, second = (self.show(row) for row in rows)
            shown = " and ".join(self._shown(row, other) for row, other in ((first, second), (second, first)))
            raise RowError(
                f"{self.resource}: {what}, such as {shown}: the key does not identify a row. Set primary_key: "
                f"[{', '.join(self._suggested(first, second))}], or keep the copy that was read last with "
                f"on_duplicate_key: last in the options of {self.resource.name}"
            )

    def _faults(self) -> Iterator[tuple[str, Sequence[int]]]:
        key = ", ".join(self.resource.primary_key)
        if self.resource.parent and (groups := self._differing(self.keys, "parent")):
            yield f"rows of different parents have the same {key}", self._pair(groups[0], "parent")
        if groups := self._differing([*self.keys, "page"], "content"):
            yield f"different rows on one page have the same {key}", self._pair(groups[0], "content")
        groups, others = self._unexplained()
        few = FEW if self._shows_edits else max(1, min(FEW, self.total // 10))
        if others > max(few, self.total * SHARE):
            cursor = " and cursor" if self._shows_edits else ""
            what = f"{others} of {self.total} rows have the same {key}{cursor} as a different row"
            yield what, self._pair(groups[0], "content")

    @property
    def _shows_edits(self) -> bool:
        """Whether the cursor of a row changes with every edit."""
        return bool(self.resource.cursor and self.resource.cursor.timestamp_format.granularity < DAY)

    def _unexplained(self) -> tuple[list[dict[str, Any]], int]:
        """Return the groups of copies with more versions than edits explain, and how many there are too many.

        Edits explain the versions on pages that were read again on purpose, and versions with different cursors.
        """
        same = [*self.keys, "time", "finer"] if self._shows_edits else self.keys
        groups = self._differing(same, "content", self.copies.filter(pc.invert(self.copies["reread"])))
        return groups, sum(group["content_count_distinct"] - 1 for group in groups)

    def _differing(self, same: Sequence[str], other: str, copies: pa.Table | None = None) -> list[dict[str, Any]]:
        """Return the groups of copies that have the same values in some columns, but different ones in another."""
        table = self.copies if copies is None else copies
        counted = table.group_by(list(same), use_threads=False).aggregate([(other, "count_distinct")])
        groups: list[dict[str, Any]] = counted.filter(pc.greater(counted[f"{other}_count_distinct"], 1)).to_pylist()
        return groups

    def _pair(self, group: Row, column: str) -> Sequence[int]:
        """Return the numbers of two rows of a group that differ in a column."""
        rows = self.copies
        for name in set(group) & set(rows.column_names):
            value = pa.scalar(group[name], rows.schema.field(name).type)
            rows = rows.filter(pc.equal(rows[name], value) if value.is_valid else pc.is_null(rows[name]))
        first = rows.slice(0, 1).to_pylist()[0]
        second = rows.filter(pc.not_equal(rows[column], first[column])).slice(0, 1).to_pylist()[0]
        return first["row"], second["row"]

    def _shown(self, row: Row, other: Row) -> str:
        names = [*self.resource.primary_key, *self._differences(row, other)][:FIELDS]
        values = {name: row.get(name) for name in names}
        return json.dumps({name: _short(value) for name, value in values.items()}, ensure_ascii=False)

    def _suggested(self, row: Row, other: Row) -> Sequence[str]:
        key, differences = self.resource.primary_key, self._differences(row, other)
        parents = [name for name in self.resource.included.values() if name in differences]
        fields = [name for name in differences if TELLS_APART.fullmatch(name)]
        return [*parents[:1], *key] if parents else [*key, *(fields[:1] or ["a field that tells the rows apart"])]

    def _differences(self, row: Row, other: Row) -> list[str]:
        """Return the fields in which rows differ, those that may belong to a key first."""
        names = [name for name in row if name not in self.resource.primary_key and row[name] != other.get(name)]
        return sorted(names, key=lambda name: (name != "id", not TELLS_APART.fullmatch(name)))


def _short(value: Any) -> Any:
    """Return a value as it is shown: masked and not too long."""
    if value is None or isinstance(value, bool | int | float):
        return value
    return excerpt(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str), VALUE)

"""Values that expressions read from rows whose fields are JSON text: only the fields that are read are parsed."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import msgspec

from connectors_dagster.expressions.expression import Expression, Kind
from connectors_dagster.expressions.literal import SURELY_TEXT, Types
from connectors_dagster.rows.raw_json import RawRow, decode_fields, decode_items, encode

RECORD = "record"
STAYS_TEXT = re.compile(b'"(?:' + SURELY_TEXT.pattern.encode() + b")")
"""JSON text of a string that is no literal of Python."""
NOT_JSON = (set, bytes, complex)
Scope = Mapping[str, Any]


@dataclass(frozen=True)
class RowValue:
    """An expression over a row.

    Args:
        expression: what is read.
    """

    expression: Expression

    @cached_property
    def fields(self) -> frozenset[str] | None:
        """The fields of the row that it reads; None if it may read any."""
        steps = [lookup.steps for lookup in self.expression.lookups if lookup.name == RECORD]
        if any(not path or not isinstance(path[0].key, str) for path in steps):
            return None
        return frozenset(str(path[0].key) for path in steps)

    @cached_property
    def reads_row(self) -> bool:
        """Whether the value is another one for each row."""
        return RECORD in self.expression.names

    def render(self, row: RawRow, scope: Scope) -> Any:
        """Return the value.

        Raises:
            ExpressionError: the expression cannot be rendered.
        """
        if not self.reads_row:
            return self.expression.render(**scope)
        names = row.keys() if self.fields is None else self.fields & row.keys()
        # Floats, not decimals: an expression may multiply them.
        record = {name: json.loads(bytes(row[name])) for name in names}
        return self.expression.render(record=record, **scope)

    def read(self, row: RawRow, scope: Scope) -> msgspec.Raw:
        """Return the value as JSON text.

        Raises:
            ExpressionError: the expression cannot be rendered.
            ValueError: the value cannot be written as JSON.
        """
        if (found := self._look_up(row)) is not None:
            return found
        value = self.render(row, scope)
        if isinstance(value, NOT_JSON):
            raise ValueError(f"{self.expression.text!r} is a {type(value).__name__}, which is not a JSON value")
        return encode(value)

    def _look_up(self, row: RawRow) -> msgspec.Raw | None:
        """Follow a plain path without parsing the row; None if the template must decide."""
        lookup = self.expression.lookup
        if lookup is None or lookup.name != RECORD or not lookup.steps:
            return None
        found = _follow(row, [step.key for step in lookup.steps])
        if found is None:
            return None
        text = bytes(found)
        same = STAYS_TEXT.match(text) if text.startswith(b'"') else not self.expression.types
        return found if same else None


@lru_cache(maxsize=10_000)
def compiled(text: str, kind: Kind, types: Types = ()) -> RowValue:
    """Compile an expression once, although children are requested anew for each row of their parent."""
    return RowValue(Expression(text, kind, types))


def _follow(row: RawRow, keys: list[str | int]) -> msgspec.Raw | None:
    found = row.get(keys[0]) if isinstance(keys[0], str) else None
    for key in keys[1:]:
        if found is None:
            return None
        if isinstance(key, str):
            found = decode_fields(found).get(key) if bytes(found).startswith(b"{") else None
        else:
            items = decode_items(found) if bytes(found).startswith(b"[") else []
            found = items[key] if -len(items) <= key < len(items) else None
    return found

"""A column that a table has as text or json although it is declared with another type, and how its values convert."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

import pyarrow as pa
from dlt.common.schema import TColumnSchema

from connectors_dagster.rows.arrow_arrays import fit, without_nul
from connectors_dagster.rows.coercion import NUMBER
from connectors_dagster.rows.json_codec import dump, load
from connectors_dagster.rows.raw_json import SEPARATOR
from connectors_dagster.spec.timestamps import TimestampFormat

OF_ANY_TYPE = ("text", "json")
"""The types of columns whose values may be those of another type, as they are kept as they were written."""
WITH_TIME = ("timestamp", "local timestamp", "date", "time")
DIGITS_BELOW_MICROSECOND = re.compile(r"\.\d{6}\d*[1-9]")


@dataclass(frozen=True, kw_only=True)
class UntypedColumn:
    """A column of text or json that is declared with another type.

    Args:
        name: the column as the destination spells it.
        variant: the column for the values as they are now, as dlt names it.
        stored: dlt's hints of the column now.
        declared: its hints with the declared type.
        kind: the declared type: a dlt data type, or ``local timestamp``.
        arrow_type: the Arrow type that the destination uses for it.
        is_key: whether its values identify rows, so that different ones must stay different.
        timestamp_format: parses timestamps.
    """

    name: str
    variant: str
    stored: TColumnSchema
    declared: TColumnSchema
    kind: str
    arrow_type: pa.DataType
    is_key: bool
    timestamp_format: TimestampFormat

    @property
    def needs_values(self) -> bool:
        """Whether every row must have a value of the declared type."""
        return self.is_key or self.declared.get("nullable") is False

    def convert(self, written: Sequence[str]) -> dict[str, str]:
        """Convert different texts of the column exactly, as a load would convert the values that they were.

        Returns:
            The values by text, as SQL can cast them to the type; what does not convert exactly is left out.
        """
        if self.kind == "json":
            return dict(_as_json(written))
        if self.stored["data_type"] == "json":
            found = self._fitted({text: text.encode() for text in written})
        else:
            found = self._fitted({text: dump(text).encode() for text in written})
            scalars = (text for text in written if text not in found and _is_json_scalar(text))
            found |= self._fitted({text: text.encode() for text in scalars})
        return self._distinct(found) if self.is_key else found

    def _fitted(self, json_texts: dict[str, bytes]) -> dict[str, str]:
        if not json_texts:
            return {}
        array = fit(SEPARATOR.join(json_texts.values()), self.kind, self.arrow_type, self.timestamp_format).array
        values = array.cast(pa.string()).to_pylist()
        pairs = zip(json_texts, values, strict=True)
        return {text: value for text, value in pairs if value is not None and self._is_exact(text, value)}

    def _is_exact(self, text: str, value: str) -> bool:
        """Compare a value with its text where fitting may cut digits."""
        if self.kind == "double":
            return Decimal(text.strip('"')) == Decimal(value)
        if self.kind in WITH_TIME:
            cut = self.timestamp_format.below_microsecond(text.strip('"'))
            return not cut and not DIGITS_BELOW_MICROSECOND.search(text)
        return True

    @staticmethod
    def _distinct(found: dict[str, str]) -> dict[str, str]:
        first: dict[str, str] = {}
        for text, value in found.items():
            first.setdefault(value, text)
        return {text: value for text, value in found.items() if first[value] == text}


def _is_json_scalar(text: str) -> bool:
    return text in ("true", "false") or NUMBER.fullmatch(text) is not None


def _as_json(written: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield objects and lists as they are, and other text as a string; numbers and booleans may have been either."""
    for text in written:
        if text[:1] in ("{", "[") and _is_json(text):
            yield text, without_nul(pa.array([text]), json=True)[0][0].as_py()
        elif not _is_json_scalar(text):
            yield text, dump(text)


def _is_json(text: str) -> bool:
    try:
        load(text.encode())
    except (ValueError, RecursionError):
        return False
    return True

"""Values that a row must have: keys, and fields declared ``nullable: false``."""

import re
from dataclasses import dataclass
from typing import NoReturn

import pyarrow as pa
import pyarrow.compute as pc

from connectors_dagster.errors import RowError
from connectors_dagster.rows.arrow_arrays import Fitted, fit
from connectors_dagster.rows.coercion import as_text
from connectors_dagster.rows.column_types import ColumnTypes
from connectors_dagster.rows.raw_json import NULL, SEPARATOR
from connectors_dagster.secrets.redaction import excerpt
from connectors_dagster.spec.timestamps import TimestampFormat

SHOWN = 80
WHOLE_NUMBERS = re.compile(rb"-?\d{1,18}(?:%b-?\d{1,18})*" % SEPARATOR)
FINER_THAN_MICROSECONDS = re.compile(rb"\.\d{6}\d*[1-9]")
WHERE_KEYS_ARE = "primary_key and the schema file"


@dataclass(frozen=True, kw_only=True)
class RequiredValues:
    """Finds and rejects rows without a required value.

    Args:
        label: names the resource in errors.
        fields: the fields that must have a value that fits.
        keys: those of them that are keys.
        single: keys whose values must not be objects or lists.
        types: the types of the columns.
        timestamp_format: parses timestamps.
    """

    label: str
    fields: frozenset[str]
    keys: frozenset[str]
    single: frozenset[str]
    types: ColumnTypes
    timestamp_format: TimestampFormat

    def unusable(self, column: str, texts: bytes) -> dict[int, str]:
        """Return the rows that cannot be loaded, by number, with the reason.

        Raises:
            RecursionError: a value is nested too deeply to be parsed.
        """
        nested = self._nested(column, texts) if column in self.single else {}
        return self._without_value(column, texts) | nested

    def _without_value(self, column: str, texts: bytes) -> dict[int, str]:
        kind = self.types.kind(column) if column in self.types.hints else "text"
        if kind == "text":  # it takes every value; without a hint, no row has shown the type yet
            written = texts.split(SEPARATOR) if bytes(NULL) in texts else []
            return {number: self._missing(column) for number, text in enumerate(written) if text == bytes(NULL)}
        if kind == "bigint" and WHOLE_NUMBERS.fullmatch(texts):
            return {}  # found without Arrow, which takes longer for the rows of a page
        if column in self.keys and digits_below_microsecond(self.types.arrow_type(column), texts):
            # The column would cut them, and two rows could get the same key.
            found = enumerate(texts.split(SEPARATOR))
            return {n: self._misfit(column, text) for n, text in found if FINER_THAN_MICROSECONDS.search(text)}
        fitted = fit(texts, kind, self.types.arrow_type(column), self.timestamp_format)
        if not fitted.array.null_count:
            return {}
        missing = pc.indices_nonzero(fitted.array.is_null()).to_pylist()
        written = texts.split(SEPARATOR)
        misfits = {number: self._misfit(column, written[number]) for number in fitted.misfits}
        return {number: self._missing(column) for number in missing} | misfits

    def _nested(self, column: str, texts: bytes) -> dict[int, str]:
        if b"{" not in texts and b"[" not in texts:
            return {}
        nested = {n: text for n, text in enumerate(texts.split(SEPARATOR)) if text[:1] in (b"{", b"[")}
        return {
            number: f"{column!r} is a key and contains {excerpt(as_text(text), SHOWN)!r}, which is not a single value: "
            "choose other fields as primary_key, or declare its data_type as json in the schema file"
            for number, text in nested.items()
        }

    def reject(self, column: str, texts: bytes, fitted: Fitted) -> NoReturn:
        """Raise an error about a column in which a value is missing or does not fit.

        Raises:
            RowError: always.
        """
        written = texts.split(SEPARATOR)
        if not fitted.misfits:
            lacking = f"{written.count(bytes(NULL))} of {len(written)} rows have no {column!r}"
            raise RowError(f"{self.label}: {lacking}, which is {self._role(column)}: check {WHERE_KEYS_ARE}")
        raise RowError(f"{self.label}: {self._misfit(column, written[fitted.misfits[0]])}")

    def _role(self, column: str) -> str:
        return "a key" if column in self.keys else "declared nullable: false"

    def _missing(self, column: str) -> str:
        return f"a row has no {column!r}, which is {self._role(column)}: check {WHERE_KEYS_ARE}"

    def _misfit(self, column: str, text: bytes) -> str:
        kind, shown = self.types.kind(column), excerpt(as_text(text), SHOWN)
        return (
            f"{column!r} is {self._role(column)} and contains {shown!r}, which is not a {kind}: declare its data_type "
            f"as text in the schema file; if the table already has the column as {kind}, drop the table and reload it"
        )


def digits_below_microsecond(arrow_type: pa.DataType, texts: bytes) -> int:
    """Count the times of day and timestamps whose digits do not all fit into a column of microseconds."""
    fits = getattr(arrow_type, "unit", "ns") == "ns"  # other types have no unit
    return 0 if fits else len(FINER_THAN_MICROSECONDS.findall(texts))

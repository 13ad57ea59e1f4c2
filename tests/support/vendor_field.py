"""A field of a vendor's rows, as a description of the API has it, and whether a declared column fits it."""

from dataclasses import dataclass

FITTING = {
    "string": {"text", "decimal", "date", "time", "timestamp"},
    "date-time": {"timestamp"},
    "integer": {"bigint", "timestamp", "decimal", "wei"},
    "number": {"bigint", "double", "decimal", "timestamp"},
    "boolean": {"bool"},
    "array": {"json"},
    "object": {"json"},
}
"""Data types of dlt by type of JSON Schema; `date-time` is a format that narrows `string`."""


@dataclass(frozen=True)
class Field:
    """Types of JSON Schema that a field can have, `null` and `date-time` among them; none if it is not said."""

    types: frozenset[str]

    def fits(self, data_type: str) -> bool:
        """Return whether a column of this type of dlt takes one of the described types."""
        known = self.types - {"null"}
        if "date-time" in known:
            known -= {"string"}
        return not known or any(data_type in FITTING.get(kind, {data_type}) for kind in known)

    @property
    def nullable(self) -> bool:
        return "null" in self.types

    def __str__(self) -> str:
        return " or ".join(sorted(self.types)) or "anything"

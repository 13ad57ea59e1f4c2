"""The fields of a table that the schema file does not declare: each becomes a column, up to a limit."""

from collections.abc import Set

from connectors_dagster.errors import RowError
from connectors_dagster.secrets.redaction import excerpt
from connectors_dagster.spec.limits import Limits


class UndeclaredFields:
    """Counts the fields of one table that are not declared.

    Args:
        label: names the resource in errors.
        declared: the fields that are declared.
        limits: how many others there may be.
    """

    def __init__(self, label: str, declared: Set[str], limits: Limits) -> None:
        """Start without any."""
        self.label, self.declared, self.limits = label, declared, limits
        self._seen: set[str] = set()

    def check(self, names: Set[str]) -> None:
        """Refuse fields if there are too many, with those before them, that are not declared.

        Raises:
            RowError: names some of the fields and the setting to raise.
        """
        self._seen |= names - self.declared
        if len(self._seen) > self.limits.max_undeclared_columns:
            shown = ", ".join(repr(excerpt(name, 80)) for name in sorted(self._seen)[:3])
            raise RowError(
                f"{self.label}: more than {self.limits.max_undeclared_columns:,} fields are not declared, such as "
                f"{shown}: if their names are values, declare the object that contains them as a json column; else "
                f"declare them, or raise {self.limits.setting('max_undeclared_columns')}"
            )

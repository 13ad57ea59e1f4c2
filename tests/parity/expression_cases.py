"""Expressions with every construct, filter and macro."""

from pathlib import Path

from connectors_dagster.expressions.filters import FILTERS
from connectors_dagster.expressions.macros import MACROS

EXPRESSIONS = Path(__file__).with_name("expressions.txt").read_text(encoding="utf-8").splitlines()


def missing() -> list[str]:
    """Return the filters and macros that no expression has."""
    written = " ".join(EXPRESSIONS)
    filters, macros = ([f"| {name}" for name in FILTERS], [f"{name}(" for name in MACROS])
    return [name for name in (*filters, *macros) if name not in written]

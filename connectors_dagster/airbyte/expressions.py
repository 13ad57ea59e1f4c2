"""Expressions of a manifest: compiled once, and what they look up."""

from typing import Any

from connectors_dagster.airbyte.errors import NotNativeError
from connectors_dagster.expressions.expression import Expression, ExpressionError, known_expression
from connectors_dagster.expressions.lookup import Lookup


def compiled(text: str) -> Expression:
    """Compile a text.

    Raises:
        NotNativeError: it is not an expression.
    """
    try:
        return known_expression(text)
    except ExpressionError as error:
        raise NotNativeError("an expression that cannot be read", error) from None


def constant(text: str, *, types: tuple[type, ...] = ()) -> Any:
    """Return the value of a text without lookups, which Airbyte reads as Python does: ``100`` is a number."""
    return Expression(text, types=types).render()


def config_path(lookup: Lookup) -> tuple[str, ...] | None:
    """Return the path of a property of `config`, or None if something else is looked up."""
    keys = tuple(step.key for step in lookup.steps)
    return keys if lookup.name == "config" and keys and all(isinstance(key, str) for key in keys) else None  # type: ignore[return-value]  # checked

"""Which names an expression may read."""

from collections.abc import Set

from connectors_dagster.expressions.expression import known_expression


def unknown_names(text: str, known: Set[str], where: str) -> list[str]:
    """Return the names that an expression reads although they are not known.

    Raises:
        ValueError: it is not an expression; begins with `where`.
    """
    try:
        return sorted(known_expression(text).names - known)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def check_reads_only(text: str, known: Set[str], where: str) -> None:
    """Refuse a text that is no expression, or one that reads other names.

    Raises:
        ValueError: says what it may read; begins with `where`.
    """
    if unknown_names(text, known, where) or "{" not in text:
        raise ValueError(f"{where}: {text!r} must be an expression that reads only {', '.join(sorted(known))}")

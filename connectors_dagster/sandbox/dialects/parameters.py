"""Reads query parameters and refuses invalid ones."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.datastructures import QueryParams

from connectors_dagster.sandbox.dialects.dialect import RequestError


@dataclass(frozen=True, kw_only=True)
class PageSize:
    """How a caller chooses the number of rows on a page, and what happens when it requests too many."""

    parameter: str
    default: int
    maximum: int
    refuses_more: bool = False

    def read(self, query: QueryParams) -> int:
        """Return the page size; a value above the maximum is refused or silently lowered."""
        size = whole_number(query, self.parameter, default=self.default, least=1)
        if size > self.maximum and self.refuses_more:
            raise RequestError(400, f"{self.parameter} must be between 1 and {self.maximum}, not {size}")
        return min(size, self.maximum)


def whole_number(query: QueryParams, name: str, *, default: int, least: int = 0) -> int:
    """Return an integer parameter that is at least `least`."""
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or int(text) < least:
        raise RequestError(400, f"{name} must be a whole number of at least {least}, not {text!r}")
    return int(text)


def one_of(query: QueryParams, name: str, allowed: Sequence[str]) -> str:
    """Return a parameter that must have one of the `allowed` values; the first is the default."""
    text = query.get(name, allowed[0])
    if text not in allowed:
        raise RequestError(400, f"{name} must be one of {', '.join(allowed)}, not {text!r}")
    return text

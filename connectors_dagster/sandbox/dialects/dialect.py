"""The values of a dialect: the request for a list, the page returned, and the error."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import URL, QueryParams
from starlette.requests import Request

from connectors_dagster.sandbox.dialects.memory import Memory
from connectors_dagster.sandbox.rows.draw import Row


class RequestError(Exception):
    """A request that gets an error response; the dialect formats the body."""

    def __init__(self, status: int, message: str, *, code: str = "") -> None:
        """Take the HTTP status, what is wrong with the request, and the API's own error code if it matters."""
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Listing:
    """One request for one list: the rows that may be returned, and the parameters of the request."""

    resource: str
    rows: list[Row]
    url: URL
    query: QueryParams
    paged: bool
    memory: Memory


@dataclass(frozen=True)
class Page:
    """The response: a JSON body and headers."""

    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """Everything in which one API differs from the others; `admits` may also raise its own `RequestError`."""

    admits: Callable[[Request], bool]
    page: Callable[[Listing], Page]
    error: Callable[[RequestError], dict[str, Any]]

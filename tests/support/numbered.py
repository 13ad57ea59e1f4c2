"""Rows that have only a number, and an API of one list whose responses are a function."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors_dagster.sandbox import serving


def numbered(*numbers: int) -> list[dict[str, Any]]:
    """Return rows with these ids, as `things` declares them."""
    return [{"id": str(number)} for number in numbers]


def numbers(found: Any) -> list[int]:
    """Return the ids of the rows that a read returned, each once and sorted."""
    return sorted({int(row["id"]) for row in found[0]})


@dataclass
class Listing:
    """Responds to each request with what `body` returns for its query parameters; `asked` contains these."""

    body: Callable[[Any], Any] = dict
    asked: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    @contextmanager
    def served(self) -> Iterator["Listing"]:
        with serving(Starlette(routes=[Route("/things", self._respond)])) as port:
            self.url = f"http://127.0.0.1:{port}"
            yield self

    async def _respond(self, request: Request) -> Response:
        self.asked.append(dict(request.query_params))
        body = self.body(request.query_params)
        return body if isinstance(body, Response) else JSONResponse(body)

"""The sandbox, with a log of requests and with faults that tests configure."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from connectors_dagster.sandbox import CREDENTIALS, build_app, environment, serving

Fault = Callable[[Request], Response | None]


@dataclass
class Api:
    """Serve all dialects from tables that a test fills; a fault may return a response instead.

    `requests` lists the requests in order, as (path, query parameters); the first request sets `begun`.
    A request waits while `held` returns true for it.
    """

    tables: dict[str, dict[str, list[dict[str, Any]]]] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    delay: float = 0.0
    held: Callable[[Request], bool] = lambda _: False
    begun: threading.Event = field(default_factory=threading.Event)
    concurrent: int = 0
    most_concurrent: int = 0
    port: int = 0

    def __post_init__(self) -> None:
        self._app = build_app(self.tables)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        self.requests.append((request.url.path, dict(request.query_params)))
        self.begun.set()
        self.concurrent += 1
        self.most_concurrent = max(self.most_concurrent, self.concurrent)
        try:
            while self.held(request):
                await asyncio.sleep(0.01)
            if self.delay:
                await asyncio.sleep(self.delay)
            await (self._fault(request) or self._app)(scope, receive, send)
        finally:
            self.concurrent -= 1

    def _fault(self, request: Request) -> Response | None:
        for fault in self.faults:
            if (response := fault(request)) is not None:
                return response
        return None

    def set(self, resource: str, rows: list[dict[str, Any]]) -> None:
        """Replace the rows of a resource such as ``storefront/orders``."""
        connector, _, table = resource.partition("/")
        self.tables.setdefault(connector, {})[table] = rows

    def answer(
        self,
        path: str,
        status: int = 200,
        body: Any = None,
        *,
        times: int = 1_000_000,
        headers: dict[str, str] | None = None,
        response: Callable[[], Response] | None = None,
    ) -> None:
        """Use this response for the next `times` requests whose path ends in `path`."""
        left = [times]

        def fault(request: Request) -> Response | None:
            if not request.url.path.endswith(path) or not left[0]:
                return None
            left[0] -= 1
            return response() if response else JSONResponse(body or {"message": "no"}, status, headers=headers)

        self.faults.append(fault)

    def asked(self, path: str) -> list[dict[str, str]]:
        """List the query parameters of the requests whose path ends in `path`."""
        return [query for requested, query in self.requests if requested.endswith(path)]

    @property
    def environment(self) -> dict[str, str]:
        """The settings that point to this server."""
        return environment(self.port)

    @property
    def secrets(self) -> list[str]:
        """All credentials that this server accepts."""
        return [value for values in CREDENTIALS.values() for value in values.values()]

    @contextmanager
    def served(self) -> Iterator["Api"]:
        with serving(self) as self.port:
            yield self

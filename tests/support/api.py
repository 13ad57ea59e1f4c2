"""The sandbox with a log of what was asked and a way to misbehave."""

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
    """All five dialects over tables a test fills; faults answer instead of it.

    `requests` lists what was asked, as (path, query parameters), in order; `begun` is set by the first of them.
    A request is answered once `held` says no to it.
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
        """Answer requests whose path ends in `path` with this instead, so many times."""
        left = [times]

        def fault(request: Request) -> Response | None:
            if not request.url.path.endswith(path) or not left[0]:
                return None
            left[0] -= 1
            return response() if response else JSONResponse(body or {"message": "no"}, status, headers=headers)

        self.faults.append(fault)

    def asked(self, path: str) -> list[dict[str, str]]:
        """List the query parameters of the requests whose path ends in `path`."""
        return [query for asked, query in self.requests if asked.endswith(path)]

    @property
    def environment(self) -> dict[str, str]:
        """The settings that lead here."""
        return environment(self.port)

    @property
    def secrets(self) -> list[str]:
        """All credentials this accepts."""
        return [value for values in CREDENTIALS.values() for value in values.values()]

    @contextmanager
    def served(self) -> Iterator["Api"]:
        with serving(self) as self.port:
            yield self

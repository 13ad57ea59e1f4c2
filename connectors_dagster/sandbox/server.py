"""Serves the sandbox on the loopback interface: in the foreground, or in a background thread for tests."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from connectors_dagster.sandbox.app import build_app
from connectors_dagster.sandbox.tables import Tables, generate_tables

HOST = "127.0.0.1"
STARTUP_SECONDS = 10
STOP_SECONDS = 5
"""For the responses that are on their way when the server is told to end."""


class _Server(uvicorn.Server):
    """A uvicorn server that signals when it is ready, so that callers need not poll or sleep."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


def serve(*, port: int, scale: float = 1.0, seed: int = 7, quiet: bool = False) -> None:
    """Serve freshly generated tables on 127.0.0.1 until interrupted; `quiet` logs problems only."""
    level = "warning" if quiet else None
    app = build_app(generate_tables(scale=scale, seed=seed))
    uvicorn.run(
        app,
        host=HOST,
        port=port,
        access_log=False,
        lifespan="off",
        ws="none",
        log_level=level,
        timeout_graceful_shutdown=STOP_SECONDS,
    )


@contextmanager
def running(tables: Tables, *, port: int = 0) -> Iterator[int]:
    """Serve `tables` from a background thread and yield the port; 0 takes any free port."""
    with serving(build_app(tables), port=port) as taken:
        yield taken


@contextmanager
def serving(app: ASGIApp, *, port: int = 0) -> Iterator[int]:
    """Serve any application from a background thread and yield the port; 0 takes any free port."""
    with socket.create_server((HOST, port)) as listener:
        # log_config=None: the host process keeps its own logging.
        server = _Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            if not server.ready.wait(STARTUP_SECONDS):
                raise RuntimeError(f"sandbox: no response within {STARTUP_SECONDS} s; is the machine overloaded?")
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()

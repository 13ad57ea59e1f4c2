"""A Redis for the tests, which keeps nothing on disk."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.served_program import served_program


def find_redis() -> str | None:
    """Find the program of the server."""
    return shutil.which("redis-server")


@contextmanager
def redis_server(program: str) -> Iterator[str]:
    """Run a server and yield its URL."""

    def command(port: int, folder: str) -> list[str]:
        options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no", "--dir", folder]
        return [program, *options]

    with served_program(command) as port:
        yield f"redis://127.0.0.1:{port}/0"

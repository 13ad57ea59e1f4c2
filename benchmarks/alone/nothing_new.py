"""The cost of a refresh that finds nothing new: ``python -m benchmarks.alone.nothing_new``, in an empty folder.

Of one connector, then of all that the sandbox serves, which takes minutes.
"""

import os
import subprocess
import sys
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import Any

from benchmarks.measure import MAXRSS_UNIT
from benchmarks.peers.answer import say, timed
from benchmarks.peers.settings import instance_settings
from connectors_dagster.sandbox import CREDENTIALS, build_app, environment, generate_tables
from connectors_dagster.sandbox.server import serving

ONE = "storefront"
SCALE = 0.1
"""Of the rows of the sandbox; with all of them, the first load takes many minutes."""
UNLIMITED = "1000000"
"""Requests a minute: what is measured is this project, not the limits of the vendors."""


class Counted:
    """An application that counts its requests."""

    def __init__(self, app: Any) -> None:
        """Count the requests to an application."""
        self.app, self.requests = app, 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Count a request and pass it on."""
        self.requests += 1
        await self.app(scope, receive, send)


def main() -> None:
    """Load everything, then refresh; the peak of memory is that of the largest process of the refreshes."""
    figures: dict[str, float] = {}
    app = Counted(build_app(generate_tables(scale=SCALE)))
    with serving(app) as port:
        for names in ((ONE,), tuple(CREDENTIALS)):
            title = f"{len(names)} connectors" if len(names) > 1 else ONE
            run(names, port)
            before = app.requests
            with timed() as part:
                run(names, port)
            figures[f"seconds to refresh {title}, nothing new"] = part["seconds"]
            figures[f"seconds of CPU for that refresh, {title}"] = part["cpu"]
            figures[f"requests for that refresh, {title}"] = app.requests - before
            figures[f"peak MB of loads and refresh, {title}"] = getrusage(RUSAGE_CHILDREN).ru_maxrss * MAXRSS_UNIT / 1e6
            say(figures)


def run(names: tuple[str, ...], port: int) -> None:
    """Load what is missing of some connectors."""
    program = Path(sys.executable).parent / "connectors"
    settings = environment(port) | instance_settings() | {"CONNECTORS__ENABLED": " ".join(names)}
    settings |= {f"SOURCES__{name.upper()}__REQUESTS_PER_MINUTE": UNLIMITED for name in names}
    subprocess.run([program, "run", *names, "--missing"], env={**os.environ, **settings}, check=True)


if __name__ == "__main__":
    main()

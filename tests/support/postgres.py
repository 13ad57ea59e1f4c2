"""A Postgres cluster for the tests, on a free port of 127.0.0.1."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2

from tests.support.warehouse import Tables

USER = "postgres"
FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_connections=200")
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
"""Counts the statements that wait for a lock."""


@dataclass
class Postgres(Tables):
    """The database that a test loads into."""

    port: int
    database: str

    @property
    def url(self) -> str:
        """The URL for dlt."""
        return f"postgresql://{USER}:trusted@127.0.0.1:{self.port}/{self.database}"

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a query and return its rows."""
        with closing(psycopg2.connect(self.url)) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()

    def change(self, sql: str) -> None:
        """Run a statement, as a person would by hand."""
        with closing(psycopg2.connect(self.url)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(sql)

    def create(self) -> None:
        """Create the database."""
        connection = psycopg2.connect(f"postgresql://{USER}@127.0.0.1:{self.port}/postgres")
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(f'CREATE DATABASE "{self.database}"')
        finally:
            connection.close()


def lose_family_lock(postgres: Postgres) -> None:
    """Cut the connection with which a load keeps other machines from its family."""
    ended = postgres.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '% (reading and loading %'"
    )
    assert ended == [(True,)]


def find_programs() -> Path | None:
    """Find the folder of the Postgres programs of the newest version; on Debian it is not on the PATH."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    if on_path := shutil.which("initdb"):
        folders.append(Path(on_path).resolve().parent)
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


@contextmanager
def cluster(programs: Path) -> Iterator[int]:
    """Run a new cluster and yield its port; Postgres refuses to run as root, so root runs it as `postgres`."""
    user = USER if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="cluster-"))
    if user:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    try:
        _call([programs / "initdb", "-D", folder / "data", "-U", USER, "-A", "trust", "-E", "UTF8", "--no-sync"], user)
        options = ["-h", "127.0.0.1", "-p", str(port), "-k", str(folder), *(f"-c{setting}" for setting in FAST)]
        server = [programs / "pg_ctl", "-D", folder / "data", "-w", "-l", folder / "log"]
        _call([*server, "-o", " ".join(options), "start"], user)
        try:
            yield port
        finally:
            _call([*server, "-m", "immediate", "stop"], user)
    finally:
        shutil.rmtree(folder)


def _call(command: Sequence[str | Path], user: str | None) -> None:
    # The server outlives pg_ctl: if it inherited a pipe, whoever reads the pipe would wait forever.
    result = subprocess.run(
        command, user=user, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False
    )
    if result.returncode:
        raise RuntimeError(f"{Path(command[0]).name} ended with code {result.returncode}")

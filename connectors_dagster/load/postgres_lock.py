"""A lock in Postgres, which processes on all machines take in turn."""

import os
import platform
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from connectors_dagster.config.locks import SAY_AFTER, Waiting
from connectors_dagster.config.timeouts import siblings_timeout
from connectors_dagster.errors import DestinationBusyError, LoadError, TransientLoadError

POLL = 0.5
LONGEST_NAME = 63
"""Bytes that Postgres keeps of the name of a session."""
CONNECT_TIMEOUT = 15
"""Seconds, unless the URL says otherwise."""
# An idle session stays as long as both ends are there, and ends within two minutes if one is not: a firewall forgets no
# connection that has traffic, and by default a server notices after two hours that a machine was switched off.
ALIVE = {"tcp_keepalives_idle": "60", "tcp_keepalives_interval": "15", "tcp_keepalives_count": "4"}
ALIVE_HERE = {"keepalives_idle": 60, "keepalives_interval": 15, "keepalives_count": 4, "tcp_user_timeout": 120_000}
NEVER_IDLE = ("idle_session_timeout", "statement_timeout", "lock_timeout")
SET = "SELECT set_config(name, %s, false) FROM pg_settings WHERE name = %s"
LOCK = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
OF_NAME = """
locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND (classid::bigint << 32) | objid::bigint = hashtextextended(%s, 0)
"""
HOLDER = f"""
SELECT concat(
    coalesce(nullif(application_name, ''), 'a session without a name'), ' (session ', pid,
    ' from ', coalesce(host(client_addr), 'its own machine'),
    ', connected at ', to_char(backend_start, 'HH24:MI:SS'), ')'
)
FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE {OF_NAME}
"""
OWN = f"SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND {OF_NAME}"


class PostgresLock:
    """An advisory lock of a session of its own, which ends when the process does.

    Args:
        connection: of psycopg2, with autocommit.
        name: what is locked.
        where: the server, for errors.
    """

    def __init__(self, connection: Any, name: str, where: str) -> None:
        """Lock nothing yet."""
        self._connection, self._name, self._where = connection, name, where

    def acquire(self) -> None:
        """Wait for the lock.

        Raises:
            DestinationBusyError: another process still holds the lock; names it.
        """
        timeout, waiting = siblings_timeout(), Waiting()
        while not self._ask(LOCK, self._name):
            if waiting.seconds >= timeout:
                raise DestinationBusyError(
                    f"{self._where}: {self._holder()} still holds the lock of {self._name} after {timeout:.0f} s: wait "
                    "for it or end it, then run again"
                )
            if waiting.seconds >= SAY_AFTER and waiting.is_due():
                waiting.say(f"{self._name}, which {self._holder()} holds")
            time.sleep(POLL)

    def check(self) -> None:
        """Make sure that the lock was never lost.

        Raises:
            TransientLoadError: the connection was cut, and another run may have taken the lock since.
        """
        import psycopg2

        try:
            if self._ask(OWN, self._name):
                return
            cause = "the session no longer holds it"
        except psycopg2.Error as error:
            cause = str(error).strip()
        raise TransientLoadError(
            f"{self._name}: the lock that keeps other runs out was lost at {self._where} ({cause}). Another run may "
            "have loaded newer rows since: read again"
        )

    def _holder(self) -> str:
        return self._ask(HOLDER, self._name) or "another process"

    def _ask(self, sql: str, *values: str) -> Any:
        with self._connection.cursor() as cursor:
            cursor.execute(sql, values)
            return (cursor.fetchone() or (None,))[0]


@contextmanager
def postgres_lock(url: str, name: str, *, purpose: str, where: str) -> Iterator[PostgresLock]:
    """Hold a lock in a database, on a connection of its own.

    Args:
        url: of the database.
        name: what is locked.
        purpose: what is done meanwhile, such as ``loading``; shown to those who wait.
        where: the server, for errors.

    Raises:
        DestinationBusyError: another process still holds the lock; names it.
        TransientLoadError: the database cannot be reached.
        LoadError: psycopg2 is not installed.
    """
    try:
        import psycopg2
    except ImportError:
        raise LoadError(f"{where}: psycopg2 is not installed: install connectors_dagster[postgres]") from None
    try:
        connection = _connect(url, purpose)
    except psycopg2.Error as error:
        raise TransientLoadError(f"{where}: {str(error).strip()}") from None
    with closing(connection):
        lock = PostgresLock(connection, name, where)
        try:
            lock.acquire()
        except psycopg2.Error as error:
            raise TransientLoadError(f"{where}: {str(error).strip()}") from None
        yield lock


def _connect(url: str, purpose: str) -> Any:
    import psycopg2
    from psycopg2.extensions import parse_dsn

    given = parse_dsn(url)
    connection = psycopg2.connect(**{"connect_timeout": CONNECT_TIMEOUT, **ALIVE_HERE, **given})
    connection.autocommit = True
    name = f"process {os.getpid()} ({purpose}) on {platform.node()}"[:LONGEST_NAME]
    with connection.cursor() as cursor:
        wanted = {"application_name": name, **ALIVE, **dict.fromkeys(NEVER_IDLE, "0")}
        for setting, value in wanted.items():
            cursor.execute(SET, (value, setting))
    return connection

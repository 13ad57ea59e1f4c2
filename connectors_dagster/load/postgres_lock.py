"""A lock in Postgres that keeps other machines from the tables of a family."""

import os
import platform
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import dlt
from dlt.destinations.exceptions import DatabaseException

from connectors_dagster.config.locks import SAY_AFTER, Waiting
from connectors_dagster.config.timeouts import siblings_timeout
from connectors_dagster.errors import DestinationBusyError, TransientLoadError

POLL = 0.5
LONGEST_NAME = 63
"""Bytes that Postgres keeps of the name of a session."""
LOCK = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
HOLDER = """
SELECT concat(
    coalesce(nullif(application_name, ''), 'a session without a name'), ' (session ', pid,
    ' from ', coalesce(host(client_addr), 'its own machine'),
    ', connected at ', to_char(backend_start, 'HH24:MI:SS'), ')'
)
FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND (classid::bigint << 32) | objid::bigint = hashtextextended(%s, 0)
"""


@contextmanager
def only_merger(pipeline: dlt.Pipeline) -> Iterator[None]:
    """Keep other machines from the tables of a family: two concurrent merges into a table lose rows.

    Raises:
        DestinationBusyError: another process still holds the lock; names it.
        TransientLoadError: the database cannot be reached.
    """
    with only_session(pipeline.sql_client(), f"{pipeline.dataset_name}.{pipeline.pipeline_name}"):
        yield


@contextmanager
def only_session(client: Any, family: str) -> Iterator[None]:
    """Hold the lock of a family through a client of a Postgres database.

    Raises:
        DestinationBusyError: another process still holds the lock; names it.
        TransientLoadError: the database cannot be reached.
    """
    with ExitStack() as connection:
        try:
            connection.enter_context(client)
            _acquire(client, family)
        except (client.dbapi.Error, DatabaseException) as error:
            raise TransientLoadError(f"postgres: {error}") from None
        yield


def _acquire(client: Any, family: str) -> None:
    name = f"process {os.getpid()} on {platform.node()}"[:LONGEST_NAME]
    client.execute_sql("SELECT set_config('application_name', %s, false)", name)
    timeout, waiting = siblings_timeout(), Waiting()
    while client.execute_sql(LOCK, family) != [(True,)]:
        if waiting.seconds >= timeout:
            raise DestinationBusyError(
                f"postgres: {_holder(client, family)} is still loading {family} after {timeout:.0f} s: wait for it or "
                "end it, then run again"
            )
        if waiting.seconds >= SAY_AFTER and waiting.is_due():
            waiting.say(f"the tables of {family}, which {_holder(client, family)} is loading")
        time.sleep(POLL)


def _holder(client: Any, family: str) -> str:
    return next((str(row[0]) for row in client.execute_sql(HOLDER, family)), "another process")

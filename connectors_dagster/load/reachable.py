"""Whether the servers of a load accept connections, asked before the load: it tries each family for a minute."""

from collections.abc import Callable, Iterator
from functools import partial
from time import sleep
from typing import Any
from uuid import uuid4

from connectors_dagster.config.dlt_defaults import use_defaults
from connectors_dagster.config.locks import Waiting
from connectors_dagster.config.settings import destination_name
from connectors_dagster.config.shared_servers import (
    LOCKS,
    REQUEST_LIMITS,
    described,
    locks_server,
    request_limits_server,
)
from connectors_dagster.config.values import environment
from connectors_dagster.errors import TransientLoadError, UnreachableError
from connectors_dagster.http.redis_limits import RedisLimits
from connectors_dagster.load import ducklake
from connectors_dagster.load.destination import build_destination
from connectors_dagster.load.postgres_lock import postgres_lock
from connectors_dagster.load.traits import destination_traits

PATIENCE = 10.0
"""Seconds in which a server that is being restarted may come back."""
POLL = 1.0
HINT = "start it or correct the setting, then run again"


def wait_for_servers() -> None:
    """Connect to each Postgres that keeps rows, locks or the catalog of a lake, and to the Redis that counts requests.

    Nothing is written.

    Raises:
        TransientLoadError, UnreachableError: one of them accepts no connection; says which, why, and what to do.
        LoadError, SettingError: the package for it is not installed.
    """
    for url, where in _databases():
        _wait_for(partial(try_database, url, where))
    if redis := request_limits_server():
        _wait_for(RedisLimits(redis, "", described(REQUEST_LIMITS, redis)).ask)


def try_database(url: str, where: str) -> None:
    """Take a lock in a Postgres, and give it back.

    Raises:
        TransientLoadError: it accepts no connection.
        LoadError: psycopg2 is not installed.
    """
    with postgres_lock(url, f"a check {uuid4()}", purpose="checking", where=where):
        pass


def _databases() -> Iterator[tuple[str, str]]:
    if url := locks_server():
        yield url, described(LOCKS, url)
    lock = destination_traits().writer_lock
    if lock == "advisory" and (own := _url_of_destination()):
        yield own, environment(f"destination.{destination_name()}.credentials")
    elif lock == "catalog" and (catalog := ducklake.catalog_server()):
        yield catalog, ducklake.WHERE


def _url_of_destination() -> str | None:
    use_defaults()
    destination: Any = build_destination()
    credentials = destination.configuration(destination.spec(), accept_partial=True).credentials
    # What is missing is named by the load, which does not try again for it.
    return str(credentials.to_native_representation()) if credentials.is_resolved() else None


def _wait_for(ask: Callable[[], None]) -> None:
    waiting = Waiting()
    while True:
        try:
            return ask()
        except (TransientLoadError, UnreachableError) as error:
            said = " ".join(str(error).split()).rstrip("?.")
            if waiting.seconds >= PATIENCE:
                raise type(error)(said if HINT in said else f"{said}: {HINT}") from None
            if waiting.is_due():
                waiting.say(said)
        sleep(POLL)

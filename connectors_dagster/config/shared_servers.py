"""Servers that all machines share: for the locks of families, and for the limits of requests."""

from urllib.parse import urlsplit

from connectors_dagster.config.look_up import look_up
from connectors_dagster.config.server_url import server_url
from connectors_dagster.config.values import environment

POSTGRES = ("postgresql", "postgres")
REDIS = ("redis", "rediss", "unix")
LOCKS, REQUEST_LIMITS = "connectors.locks", "connectors.request_limits"
EXAMPLE = "{scheme}://user:password@host:port/database, its password percent-encoded"


def locks_server() -> str | None:
    """Read the URL of the Postgres that keeps a family to one run on all machines; its password is masked from now on.

    None means that the destination or this machine does it.

    Raises:
        SettingError: it is not the URL of a Postgres.
    """
    return server_url(LOCKS, look_up("connectors.locks"), POSTGRES, EXAMPLE.format(scheme=POSTGRES[0]))


def request_limits_server() -> str | None:
    """Read the URL of the Redis that counts the requests of all machines; its password is masked from now on.

    None means that each machine counts its own.

    Raises:
        SettingError: it is not the URL of a Redis.
    """
    return server_url(REQUEST_LIMITS, look_up("connectors.request_limits"), REDIS, EXAMPLE.format(scheme=REDIS[0]))


def described(path: str, url: str) -> str:
    """Name a setting with the host, port and database of its URL, for people."""
    found = urlsplit(url)
    server = f"{found.hostname or 'localhost'}{f':{found.port}' if found.port else ''}{found.path}"
    return f"{environment(path)} ({server})"

"""Servers that all machines share: for the locks of families, and for the limits of requests."""

from typing import Any
from urllib.parse import urlsplit

from connectors_dagster.config.destination_secrets import passwords_in
from connectors_dagster.config.look_up import look_up
from connectors_dagster.config.values import environment
from connectors_dagster.errors import SettingError
from connectors_dagster.secrets.redaction import remember

POSTGRES = ("postgresql", "postgres")
REDIS = ("redis", "rediss", "unix")
LOCKS, REQUEST_LIMITS = "connectors.locks", "connectors.request_limits"


def locks_server() -> str | None:
    """Read the URL of the Postgres that keeps a family to one run on all machines; its password is masked from now on.

    None means that the destination or this machine does it.

    Raises:
        SettingError: it is not the URL of a Postgres.
    """
    return _checked(LOCKS, look_up("connectors.locks"), POSTGRES)


def request_limits_server() -> str | None:
    """Read the URL of the Redis that counts the requests of all machines; its password is masked from now on.

    None means that each machine counts its own.

    Raises:
        SettingError: it is not the URL of a Redis.
    """
    return _checked(REQUEST_LIMITS, look_up("connectors.request_limits"), REDIS)


def described(path: str, url: str) -> str:
    """Name a setting with the host, port and database of its URL, for people."""
    found = urlsplit(url)
    server = f"{found.hostname or 'localhost'}{f':{found.port}' if found.port else ''}{found.path}"
    return f"{environment(path)} ({server})"


def _checked(path: str, configured: Any, schemes: tuple[str, ...]) -> str | None:
    url = str(configured or "").strip()
    if not url:
        return None
    remember(passwords_in(url))
    try:
        found = urlsplit(url)
        usable = found.scheme in schemes and (found.port or 1) > 0 and found.netloc.count("@") <= 1
    except ValueError:
        usable = False
    if not usable:
        raise SettingError(
            f"{environment(path)} cannot be used: it must be a URL such as {schemes[0]}://user:password@host:port/database"
            ", its password percent-encoded"
        )
    return url

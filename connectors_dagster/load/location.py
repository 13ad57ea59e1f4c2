"""Where the destination is, for people and for records of what it holds."""

from functools import lru_cache
from typing import Any

import dlt
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from connectors_dagster.config.settings import destination_name
from connectors_dagster.load import ducklake
from connectors_dagster.load.destination import build_destination, duckdb_file
from connectors_dagster.load.lake import lake_location
from connectors_dagster.load.traits import destination_traits
from connectors_dagster.secrets.redaction import redact

SERVER = ("", ".host", ".port", ".database", ".project_id", ".server_hostname", ".drivername")
"""Fields of credentials, or their text as a whole, that say where a server is."""


def location() -> str:
    """Describe the destination: another database of the same kind is another place. It has no credentials."""
    name, traits = destination_name(), destination_traits()
    if traits.writer_lock == "catalog":
        return f"{name} {ducklake.location()}"
    if traits.table_format:
        return lake_location()
    if traits.in_file:
        return f"{name} {duckdb_file()}"
    configured: list[Any] = [dlt.secrets.get(f"destination.{name}.credentials{field}") for field in SERVER]
    return _server(name, *map(str, configured)) if any(configured) else name


@lru_cache(maxsize=100)
def _server(name: str, *_: str) -> str:
    """Describe a server as dlt does, without user and password, for settings that say where it is.

    dlt takes too long to resolve them for every record.
    """
    destination = build_destination()
    found = str(destination.configuration(destination.spec(), accept_partial=True))
    try:
        url = make_url(found)
        found = URL.create(url.drivername, host=url.host, port=url.port, database=url.database).render_as_string()
    except ArgumentError:
        found = redact(found)
    return f"{name} {found}".strip()

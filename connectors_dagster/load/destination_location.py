"""Where the destination is, for people and for records of what it holds."""

from functools import lru_cache
from typing import Any

import dlt

from connectors_dagster.compat.dlt_internals import DltException
from connectors_dagster.config.settings import destination_name
from connectors_dagster.config.workdir import project_folder
from connectors_dagster.load import ducklake
from connectors_dagster.load.destination import build_destination, duckdb_file
from connectors_dagster.load.lake import lake_location
from connectors_dagster.load.traits import destination_traits
from connectors_dagster.secrets.redaction import redact

SERVER = ("", ".host", ".port", ".database", ".project_id", ".server_hostname", ".drivername")
"""Fields of credentials, or their text as a whole, that say where a server is."""


PLACES = ("host", "service", "unix_socket")
"""Parameters of URLs that say where a server is."""


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
    try:
        found = str(destination.configuration(destination.spec(), accept_partial=True))
    except (DltException, ImportError, ValueError):  # a load will say what is wrong with the credentials
        return name
    return f"{name} {redact(_without_user(found))}".strip()


def _without_user(text: str) -> str:
    """Return the parts of a URL, or of another text, that say where a server is."""
    from sqlalchemy import URL, make_url  # large, and a file needs none of it
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(text)
    except ArgumentError:
        return text.rpartition("@")[2]
    if "@" in f"{url.host}{url.database}":
        return ""  # the password is not encoded, so that a part of it is taken for something else
    database = url.database
    if url.drivername.startswith("sqlite") and database:
        database = str((project_folder() / database).resolve())
    place = {key: value for key, value in url.query.items() if key in PLACES}
    return URL.create(url.drivername, host=url.host, port=url.port, database=database, query=place).render_as_string()

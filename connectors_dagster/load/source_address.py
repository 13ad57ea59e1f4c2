"""Which API the rows of a table came from: rows of another shop must not be mixed with them."""

from collections.abc import Iterable
from urllib.parse import urlsplit

import dlt

from connectors_dagster.config import placeholders, settings
from connectors_dagster.errors import LoadError
from connectors_dagster.http.origin import is_loopback
from connectors_dagster.load.inventory import count_rows
from connectors_dagster.load.lake import tables_of
from connectors_dagster.load.traits import destination_traits
from connectors_dagster.secrets.redaction import redact
from connectors_dagster.spec.placeholders import find_placeholders
from connectors_dagster.spec.resource import Resource

SOURCE = "x-source"
"""The hint of a table that has the address; dlt stores it at the destination with the columns."""


def read_from(resource: Resource) -> str:
    """Return the address of the API that is read. Windows read from one shop do not count for another."""
    return redact(str(placeholders.base_url(resource.connector, resource)))


def source_address(resource: Resource) -> str | None:
    """Return the address of the API; None if no setting decides which one that is."""
    return read_from(resource) if any(find_placeholders(resource.base_url)) else None


def refuse_other_source(pipeline: dlt.Pipeline, resources: Iterable[Resource]) -> None:
    """Refuse to load rows of another API into a table than the one whose rows it holds.

    Args:
        pipeline: knows the tables of the family according to its last load.
        resources: what is to be loaded.

    Raises:
        LoadError: names both addresses and says what to do.
    """
    for resource in resources:
        before = _stored(pipeline, resource)
        now, moved_from = source_address(resource), settings.moved_from(resource.connector)
        if before is None or now is None or any(same_source(before, one) for one in (now, moved_from) if one):
            continue
        if not _has_rows(pipeline, resource):
            continue
        name = resource.connector.name
        raise LoadError(
            f"{resource}: the table has rows of {before}, and the address is {now} now: nothing was read, because rows "
            f"of two shops would replace each other. If this is another shop, load it under a name of its own, or "
            f"delete the rows with 'connectors reset {name} --drop-rows'. If the shop has only moved, set "
            f"{settings.environment_name(resource.connector, 'moved_from')} to {before}"
        )


def _stored(pipeline: dlt.Pipeline, resource: Resource) -> str | None:
    """Return the address that was stored with the table; None if there was none."""
    name = resource.pipeline_name
    tables = pipeline.schemas[name].tables if name in pipeline.schemas else {}
    found = tables.get(resource.name, {}).get(SOURCE)
    return found if isinstance(found, str) else None


def _has_rows(pipeline: dlt.Pipeline, resource: Resource) -> bool:
    """Return whether a table has rows, or may have some."""
    if not destination_traits().describes_tables:
        return True
    with tables_of(pipeline) as client:
        return bool(count_rows(client, resource.name))


def same_source(one: str, other: str) -> bool:
    """Return whether two addresses are those of one API; ports of this machine change, and http may become https."""
    return _place(one) == _place(other)


def _place(address: str) -> tuple[str, ...]:
    """Return host and port, path and query; an address that is none stands for itself."""
    address = address.strip()
    try:
        parts = urlsplit(address if "//" in address else f"//{address}")
        port = "" if parts.port in (None, 80, 443) else f":{parts.port}"
        host = "localhost" if is_loopback(address) else f"{parts.hostname}{port}"
    except ValueError:
        return (address,)
    return host, parts.path.rstrip("/"), parts.query

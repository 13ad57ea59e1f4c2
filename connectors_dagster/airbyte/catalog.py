"""A configured catalog of Airbyte: which streams a connection syncs, and how."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors_dagster.airbyte.errors import ManifestError
from connectors_dagster.airbyte.json_file import field, read_object


@dataclass(frozen=True, kw_only=True)
class ConfiguredStream:
    """How a connection syncs a stream.

    Args:
        name: of the stream in the manifest.
        incremental: whether it is synced by its cursor; else everything is read each time.
        cursor: the field of the cursor; empty if it is that of the manifest.
        key: the fields of the primary key, each with its path; empty if it is that of the manifest.
    """

    name: str
    incremental: bool
    cursor: str
    key: tuple[tuple[str, ...], ...]


def read_catalog(file: Path) -> list[ConfiguredStream]:
    """Read the streams that a connection syncs: of `configured_catalog.json`, or of a connection of Airbyte's API.

    Raises:
        ManifestError: the file is no configured catalog.
    """
    document = read_object(file, what="a configured catalog")
    catalog = field(document, "sync_catalog") or document
    try:
        return list(_streams(field(catalog, "streams") or ()))
    except (AttributeError, TypeError):
        raise ManifestError(f"{file}: is not a configured catalog: a stream in it is not written as one") from None


def _streams(written: Sequence[Any]) -> Iterator[ConfiguredStream]:
    for one in written:
        chosen: Mapping[str, Any] = field(one, "config") or one  # Airbyte's API has an object for what is chosen
        if field(chosen, "selected") is False:
            continue
        mode = str(field(chosen, "sync_mode") or "")
        yield ConfiguredStream(
            name=str(field(one.get("stream") or {}, "name")),
            incremental=mode == "incremental",
            cursor=".".join(field(chosen, "cursor_field") or ()),
            key=tuple(tuple(path) for path in field(chosen, "primary_key") or ()),
        )

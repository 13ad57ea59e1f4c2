"""Reads streams with this project."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors_dagster.airbyte.manifest import Manifest, read_manifest
from connectors_dagster.airbyte.names import identifier
from connectors_dagster.airbyte.settings import Settings
from connectors_dagster.airbyte.translation import Translated
from connectors_dagster.cdk.stream import CdkStream
from connectors_dagster.cdk.translation import EngineOption, translate_with
from connectors_dagster.read.connection import Connection, connect
from connectors_dagster.read.reader import ResourceReader
from connectors_dagster.rows.raw_json import decode_row
from connectors_dagster.spec.added_columns import added_columns
from connectors_dagster.spec.connector import Connector
from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.windows import Slice

NAME = "parity"


def translated(
    document: Mapping[str, Any], folder: Path, engine: EngineOption = "native"
) -> tuple[Manifest, Translated]:
    """Translate a manifest."""
    (folder / "manifest.yaml").write_text(json.dumps(document), encoding="utf-8")  # JSON is YAML
    manifest = read_manifest(folder)
    return manifest, translate_with(manifest, name=NAME, engine=engine)


@contextmanager
def configured(manifest: Manifest, config: Mapping[str, Any], start: datetime) -> Iterator[None]:
    """Give a connector the settings that a configuration has."""
    settings, before = Settings(manifest.spec), dict(os.environ)
    os.environ[f"SOURCES__{NAME}__START_DATE".upper()] = start.date().isoformat()
    names = settings.names or {path: identifier("_".join(path)) for path in _leaves(config, ())}
    for path, name in names.items():
        value: Any = config
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        if value is not None:
            written = json.dumps(value) if isinstance(value, list | dict | bool) else str(value)
            os.environ[f"SOURCES__{NAME}__{name}".upper()] = written
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _leaves(config: Mapping[str, Any], at: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name, value in config.items():
        yield from _leaves(value, (*at, name)) if isinstance(value, Mapping) else [(*at, name)]


def connected(connector: Connector) -> Connection:
    """Return a connection that does not wait between retries."""
    found = connect(connector)
    others = {name: replace(policy, sleep=_no_sleep) for name, policy in found.of_resources.items()}
    limiter = found.policy.rate_limiter
    return replace(found, policy=replace(found.policy, sleep=_no_sleep, rate_limiter=limiter), of_resources=others)


def _no_sleep(seconds: float) -> None:
    """Wait no time."""


def read(resource: Resource, connection: Connection, slices: Sequence[Slice], span: Slice) -> list[dict[str, Any]]:
    """Return the rows of a resource as they are loaded, without the columns that are added to them.

    Raises:
        ApiError: not everything could be read.
    """
    rows, _ = _read(resource, connection, slices if resource.windowed else [], span)
    return rows


def _read(
    resource: Resource, connection: Connection, slices: Sequence[Slice], span: Slice, own: Slice | None = None
) -> tuple[list[dict[str, Any]], ResourceReader]:
    above = resource.parent
    if above and above.family != resource.family:
        slices_above: Sequence[Slice] = []  # a parent from another family is read whole
        whole = span if above.options.filter_for_children else None
    else:
        slices_above, whole = slices if above and above.windowed else [], None
    parents = _read(above, connection, slices_above, span, whole)[1].rows_of_children if above else {}
    reader = ResourceReader(
        resource=resource,
        connection=connection,
        slices=slices,
        parents=parents,
        span=own,
    )
    rows = [decode_row(row) for page, _ in reader.pages() for row in page]
    for error in reader.failed.errors.values():
        raise error
    return rows, reader


def stripped(resource: Resource, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row without what was added to it."""
    added, program = set(added_columns(resource)), resource.program
    if isinstance(program, CdkStream):
        added |= {*program.partitions, *program.copies}
    return {name: value for name, value in row.items() if name not in added}


def key_of(resource: Resource, row: Mapping[str, Any]) -> str:
    """Return the key of a row."""
    return json.dumps([row.get(name) for name in resource.primary_key], default=str)

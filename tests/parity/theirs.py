"""Reads streams with airbyte-cdk: jobs come as JSON lines, results go as JSON lines.

This file runs in the environment of airbyte-cdk, where nothing of this project is installed.
"""

import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any

from airbyte_cdk.models import (
    AirbyteStream,
    ConfiguredAirbyteCatalog,
    ConfiguredAirbyteStream,
    DestinationSyncMode,
    SyncMode,
    Type,
)
from airbyte_cdk.sources.declarative import concurrent_declarative_source
from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource
from airbyte_cdk.sources.declarative.datetime.datetime_parser import DatetimeParser
from airbyte_cdk.sources.declarative.interpolation import macros
from airbyte_cdk.sources.declarative.interpolation.interpolated_boolean import InterpolatedBoolean
from airbyte_cdk.sources.declarative.interpolation.interpolated_string import InterpolatedString
from airbyte_cdk.sources.declarative.interpolation.jinja import JinjaInterpolation
from airbyte_cdk.sources.declarative.parsers.manifest_component_transformer import ManifestComponentTransformer
from airbyte_cdk.sources.declarative.parsers.manifest_reference_resolver import ManifestReferenceResolver
from airbyte_cdk.sources.streams.http.http_client import HttpClient
from airbyte_cdk.utils.datetime_helpers import ab_datetime_parse

LONGEST_WAIT = 0.01
BY_SECOND = "%Y-%m-%dT%H:%M:%SZ"
really_sleep = time.sleep
real_datetime = datetime


def resolve(job: Mapping[str, Any]) -> Any:
    """Return the manifest with its references and parameters resolved."""
    written = {"type": "DeclarativeSource", **job["manifest"]}
    resolved = ManifestReferenceResolver().preprocess_manifest(written)
    return ManifestComponentTransformer().propagate_types_and_parameters("", resolved, {})


def read(job: Mapping[str, Any]) -> Any:
    """Return the records of a stream, each with the time of its cursor."""
    name, config = job["stream"], job["config"]
    stream = AirbyteStream(name=name, json_schema={}, supported_sync_modes=[SyncMode.full_refresh])
    asked = ConfiguredAirbyteStream(
        stream=stream, sync_mode=SyncMode.full_refresh, destination_sync_mode=DestinationSyncMode.append
    )
    catalog = ConfiguredAirbyteCatalog(streams=[asked])
    source = ConcurrentDeclarativeSource(catalog=catalog, config=config, state=[], source_config=job["manifest"])
    rows, errors = [], []
    try:
        for message in source.read(logging.getLogger("parity"), config, catalog, []):
            if message.type == Type.RECORD:
                rows.append([_cursor(message.record.data, job.get("cursor")), message.record.data])
            elif message.type == Type.TRACE and message.trace.error:
                errors.append(message.trace.error.internal_message or message.trace.error.message)
    except Exception as error:
        raise RuntimeError("; ".join(errors) or str(error)) from error
    return rows


def _cursor(row: Mapping[str, Any], cursor: Mapping[str, Any] | None) -> str | None:
    """Return the time in the cursor's field, read in the formats of the manifest."""
    if not cursor or row.get(cursor["field"]) in (None, ""):
        return None
    for form in cursor["formats"]:
        try:
            return DatetimeParser().parse(row[cursor["field"]], form).isoformat()
        except ValueError:
            continue
    return ab_datetime_parse(row[cursor["field"]]).isoformat()


def render(job: Mapping[str, Any]) -> Any:
    """Return the values of an expression in several scopes, each in all the ways in which it is used."""
    _stop_clock(real_datetime.fromisoformat(job["now"]))
    return [dict(_rendered(job["text"], scope)) for scope in job["scopes"]]


def _rendered(text: str, scope: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    def given() -> dict[str, Any]:
        return json.loads(json.dumps(scope))

    def rest() -> dict[str, Any]:
        return {name: value for name, value in given().items() if name not in ("config", "parameters")}

    config, parameters, jinja = given()["config"], given()["parameters"], JinjaInterpolation()
    ways: dict[str, Callable[[], Any]] = {
        "value": lambda: jinja.eval(text, config, parameters=parameters, **rest()),
        "param": lambda: jinja.eval(text, config, valid_types=(str, list), parameters=parameters, **rest()),
        "text": lambda: InterpolatedString(text, parameters=parameters).eval(config, **rest()),
        "condition": lambda: InterpolatedBoolean(text, parameters=parameters).eval(config, **rest()),
    }
    for way, value in ways.items():
        try:
            yield way, repr(value())
        except Exception:  # noqa: BLE001  # any failure counts
            yield way, None


def _stop_clock(now: datetime) -> None:
    """Let the macros see this time."""

    class IsTime(type):
        def __instancecheck__(cls, other: object) -> bool:
            return isinstance(other, real_datetime)

    class Stopped(real_datetime, metaclass=IsTime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return now.astimezone(tz)

    class Module:
        datetime, date = Stopped, Stopped.date
        timezone, timedelta = timezone, timedelta

    macros.datetime = Module


def _never_cache() -> None:
    """Let each read make its own requests; else those for parents are made once for all streams."""
    make = HttpClient.__init__

    def made(self: Any, *arguments: Any, **named: Any) -> None:
        make(self, *arguments, **{**named, "use_cache": False})

    HttpClient.__init__ = made


OPERATIONS = {"resolve": resolve, "read": read, "render": render}


def main() -> None:
    """Do jobs until there are no more."""
    results = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # the cdk prints
    logging.disable(logging.CRITICAL)
    concurrent_declarative_source.get_declarative_component_schema = cache(
        concurrent_declarative_source.get_declarative_component_schema
    )  # to read it takes longer than a stream
    _never_cache()
    time.sleep = lambda seconds: really_sleep(min(seconds, LONGEST_WAIT))  # waits between retries
    for line in sys.stdin:
        job = json.loads(line)
        try:
            result = {"result": OPERATIONS[job["operation"]](job)}
        except BaseException as error:  # noqa: BLE001  # the next job goes on
            said = getattr(error, "internal_message", None) or str(error)
            result = {"error": f"{type(error).__name__}: {said}"[:2000], "trace": traceback.format_exc()[-3000:]}
        results.write(json.dumps(result, default=str) + "\n")
        results.flush()


if __name__ == "__main__":
    main()

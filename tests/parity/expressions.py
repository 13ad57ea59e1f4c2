"""Compares expressions with airbyte-cdk's interpolation, in scopes with many kinds of values."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any

import yaml

from connectors_dagster.expressions.expression import Expression, ExpressionError
from connectors_dagster.expressions.macros import NOW
from tests.parity.cdk import Cdk, TheirError
from tests.parity.templates import is_template, lookups, parsed

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
PRESENT = datetime(2026, 3, 4, 5, 6, 7, 891011, tzinfo=UTC)
SCOPES = 12
ALIASES = {"stream_interval": "stream_slice", "stream_partition": "stream_slice"}
NAMES = (
    "config parameters record response headers stream_slice next_page_token last_record components_values raw_schema "
    "download_target stream_template_config login_response creation_response polling_response api_token".split()
)
VALUES: Sequence[Any] = (
    *("", "abc", "7", "007", "0", "0.0", "1.5", "False", "false", "true", "None", "null", "'x'", " 5", "a\nb", "1,2"),
    *("2024-01-02T03:04:05Z", "2024-01-02", "2024-01-02 03:04:05", "[]", "{}", "[1,2]", "https://x.example/a?page=3&b=1"),
    *(0, 1, 7, 10**12, 1.5, 0.0, True, False, None, [], {}, ["a", "b"], {"a": 1}, {"id": "x", "name": "y"}),
    *([{"id": 1, "rel": "next", "href": "h"}], "user@x.example"),
)  # fmt: skip
ADDRESS = re.compile(r" at 0x[0-9a-f]+")
NOT_READ = ("error_message", "description", "spec", "metadata", "schemas", "schema")


def expressions_of(folder: Path) -> list[str]:
    """Return the expressions in all manifests of a folder."""
    found = dict[str, None]()
    for file in sorted(folder.glob("*/manifest.yaml")):
        found |= dict.fromkeys(_templates(yaml.load(file.read_text(encoding="utf-8"), LOADER)))
    return list(found)


def _templates(value: Any) -> Iterator[str]:
    if is_template(value):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if key not in NOT_READ:
                yield from chain(_templates(key), _templates(item))
    elif isinstance(value, list):
        for item in value:
            yield from _templates(item)


def differences(cdk: Cdk, texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the expressions that have other values than in the cdk, and those that it cannot render in time."""
    for number, text in enumerate(texts):
        if "generate_uuid" in text:
            continue  # another value each time
        scopes = [_scope(text, Random(f"{number} {one}")) for one in range(SCOPES)]
        try:
            theirs = cdk.render(text=text, scopes=scopes, now=PRESENT.isoformat())
        except TheirError as error:
            yield "not compared", f"{text!r}: {error}"
            continue
        for scope, expected in zip(scopes, theirs, strict=True):
            own = _rendered(text, scope)
            if _comparable(own) != _comparable(expected):
                if _is_read(text):
                    yield "different", f"{text!r} is {own}, and {expected} in airbyte-cdk, with {scope}"
                else:
                    yield "not compared", f"{text!r}: is not read here, so that its stream is not native"
                break


def _is_read(text: str) -> bool:
    try:
        Expression(text)
    except ExpressionError:
        return False
    return True


def _comparable(values: Mapping[str, str | None]) -> dict[str, str | None]:
    """Return values without the addresses in memory that methods show."""
    return {way: value and ADDRESS.sub("", value) for way, value in values.items()}


def _rendered(text: str, scope: Mapping[str, Any]) -> dict[str, str | None]:
    ways: Mapping[str, Callable[[], Expression]] = {
        "value": lambda: Expression(text),
        "param": lambda: Expression(text, types=(str, list)),
        "text": lambda: Expression(text, kind="text"),
        "condition": lambda: Expression(text, kind="condition"),
    }
    found: dict[str, str | None] = {}
    for way, make in ways.items():
        try:
            found[way] = repr(make().render(**{**deepcopy(dict(scope)), NOW: PRESENT}))
        except ExpressionError:
            found[way] = None
    return found


def _scope(text: str, random: Random) -> dict[str, Any]:
    """Return a scope in which most of what an expression looks up is there."""
    scope: dict[str, Any] = {name: {} for name in NAMES}
    scope |= {"last_page_size": random.choice([0, 1, 50, 100, 200]), "headers": {"link": {}}}
    for path in sorted(lookups(text) if parsed(text) else (), key=lambda path: (len(path), str(path))):
        name = ALIASES.get(path[0], path[0])
        if len(path) > 1 and isinstance(scope.get(name), dict) and random.random() > 0.15:
            _put(scope[name], path[1:], deepcopy(random.choice(VALUES)))
    return scope


def _put(inside: Any, path: Sequence[Any], value: Any) -> None:
    """Put a value into objects and lists, which are made on the way; a larger value stays."""
    key, *rest = path
    if isinstance(key, int) and isinstance(inside, list):
        inside += [{} for _ in range(len(inside), abs(key) + 1)]
    elif isinstance(key, int) or not isinstance(inside, dict):
        return
    if not rest:
        inside[key] = value
        return
    kind: type[Any] = list if isinstance(rest[0], int) else dict
    if isinstance(inside, dict) and not isinstance(inside.get(key), kind):
        inside[key] = kind()
    _put(inside[key], rest, value)

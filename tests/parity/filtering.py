"""The times by which a request filters, wherever it has them, and the rows that lie between."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from tests.parity.asked import Asked
from tests.parity.described import Described
from tests.parity.made_up import Row
from tests.parity.moments import precision, read, truncated
from tests.parity.templates import is_template, pattern

OPTIONS = (("start_time_option", "start"), ("end_time_option", "end"))
QUOTES = ("'", '"')
PLACES = (
    ("request_parameters", "query"),
    ("request_headers", "headers"),
    ("request_body_json", "body"),
    ("request_body_data", "body"),
    ("request_body", "body"),
)


def bounds_of(stream: Described, asked: Asked) -> dict[str, Any]:
    """Return the bounds of a request as times, and as `raw` texts.

    Raises:
        ValueError: one is not in the format of the manifest.
    """
    if not stream.cursor:
        return {}
    raw = {bound: value for bound, value in _raw(stream, asked) if value not in (None, "")}
    form = str(stream.cursor.get("datetime_format"))
    times = {bound: read(value, form) for bound, value in raw.items()}
    return {**times, "raw": {bound: str(value) for bound, value in raw.items()}} if raw else {}


def _raw(stream: Described, asked: Asked) -> Iterator[tuple[str, Any]]:
    for name, bound in OPTIONS:
        yield bound, asked.at(stream.cursor.get(name))
    path = str(stream.requester.get("path") or "")
    yield from _found(path.strip("/"), asked.path.strip("/"), end_only=True)
    for part, place in PLACES:
        written = stream.requester.get(part)
        if part == "request_body" and isinstance(written, Mapping):
            written = written.get("value")
        yield from _inside(written, getattr(asked, place))


def _inside(written: Any, sent: Any) -> Iterator[tuple[str, Any]]:
    """Yield the bounds in a text of a request, whose template is at the same place in the manifest."""
    if isinstance(written, Mapping) and isinstance(sent, Mapping):
        for key, value in written.items():
            yield from _inside(value, sent.get(str(key), sent.get(str(key).lower())))
    elif isinstance(written, list) and isinstance(sent, list):
        for one, other in zip(written, sent, strict=False):
            yield from _inside(one, other)
    elif is_template(written) and sent is not None and not isinstance(sent, Mapping | list):
        yield from _found(str(written), str(sent))
    elif is_template(written) and isinstance(sent, list):
        yield from _found(str(written), "&".join(map(str, sent)))


def _found(template: str, sent: str, *, end_only: bool = False) -> Iterator[tuple[str, str]]:
    template = template.strip()
    if len(template) > 1 and template[0] == template[-1] in QUOTES and not sent.startswith(template[0]):
        template = template[1:-1]  # it is read as a value of Python, which is the text between
    shape, groups, _ = pattern(template)
    if not any(groups):
        return
    for at in range(len(sent)) if end_only else (0,):
        if found := shape.fullmatch(sent[at:]):
            yield from ((bound, value) for bound, value in zip(groups, found.groups(), strict=True) if bound)
            return


def within(stream: Described, rows: Sequence[Row], bounds: Mapping[str, Any]) -> list[Row]:
    """Return the rows between the bounds, both of which are inclusive, as exactly as their format can say."""
    if not bounds:
        return list(rows)
    tick: timedelta = precision(str(stream.cursor.get("datetime_format")))
    low, high = bounds.get("start"), bounds.get("end")
    return [
        row
        for row in rows
        if row.at is None
        or ((low is None or truncated(row.at, tick) >= low) and (high is None or truncated(row.at, tick) <= high))
    ]

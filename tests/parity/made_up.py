"""The rows of a made-up API: keys, times, and values that a stream reads, many of them odd."""

import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from tests.parity.described import Described
from tests.parity.moments import precision, write
from tests.parity.templates import below, constants

MOST_FIELDS = 14
ODD_IDS = ("", "/of b", " é")
"""What ids of parents end with."""
TEXTS = (" a  b ", "[1, 2]", "\"q\" 'r'")
ODD: Mapping[str, Sequence[Any]] = {
    "string": ("plain", "Ünï ☃ 漢", "007", "", None, "null", "1e5", "2024-02-03T04:05:06Z", "True", *TEXTS),
    "integer": (1, 0, -5, 2**53 + 1, None, 17),
    "number": (1.5, 0, -0.1, 1e21, None, 12345678.9),
    "boolean": (True, False, None),
    "object": ({"a": 1, "b": {"c": [1, None]}}, {}, None),
    "array": ([], [1, "a"], [{"x": 1.5}], None),
}  # fmt: skip
MAP = re.compile(r"\|\s*map\(")
READ: Sequence[Any] = (
    True,
    False,
    None,
    "active",
    0,
    7,
    "2024-02-03T04:05:06Z",
    "007",
    {"id": "x1", "name": "N"},
    [{"id": 3}],
    1.5,
)
"""Values of fields that templates read."""
TIME = re.compile(r"datetime|timestamp|strptime|strftime|fromisoformat")
TIMES = (datetime(2024, 2, 3, 4, 5, 6, tzinfo=UTC), datetime(2023, 12, 31, 23, 59, 59, tzinfo=UTC))
ISO = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Row:
    """A row, with the time of its cursor and the token by which the requests for its children name it."""

    at: datetime | None
    token: str
    value: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class MadeUp:
    """Rows of one stream.

    Args:
        stream: the stream.
        edges: of the windows, the last of which is the present.
        last: whether it is the stream that is read, and no parent of it.
    """

    stream: Described
    edges: Sequence[datetime]
    last: bool

    def rows(self, parent: int | None, each: str) -> list[Row]:
        """Return the rows for a row of the parent, by its number."""
        count = self._count(parent)
        moments = self._moments(count) if self.stream.cursor else [None] * count
        rows = [self._row(number, at, parent, each) for number, at in enumerate(moments)]
        return rows[::-1] if self.stream.cursor.get("is_data_feed") else rows  # which has the newest first

    def _count(self, parent: int | None) -> int:
        size = self.stream.size
        if not self.last:
            return 3 if parent is None else 2
        if self.stream.key and all(
            name in self._added and not below(self._added[name], "record") for name in self.stream.key
        ):
            return 1  # the key is the same for all rows of a request
        if parent is not None and parent % 3:
            return 2 if parent % 3 == 1 else 0
        return 2 * size + 1 if size <= 50 else min(size + 1, 5001)

    def _moments(self, count: int) -> Iterator[datetime]:
        """Yield times at and around the edges of windows, and in them; most are in the first window."""
        tick = max(precision(form) for form in self.stream.formats)
        for number, (start, end) in enumerate(zip(self.edges, self.edges[1:], strict=False)):
            if not self.last:
                yield start + timedelta(hours=25)
                if number == count - 1:
                    return
                continue
            inside = count - 2 if not number else 1
            pace = min(timedelta(minutes=37, milliseconds=123), timedelta(days=12) / max(inside, 1))
            yield start
            yield from (start + pace * (k + 1) for k in range(inside))
            if number < len(self.edges) - 2:
                yield end - max(tick, timedelta(microseconds=1000))

    def _row(self, number: int, at: datetime | None, parent: int | None, each: str) -> Row:
        """Make a row; keys of children are the same under each parent."""
        stream, row = self.stream, {}
        for place, (name, hints) in enumerate(list(stream.schema.items())[:MOST_FIELDS]):
            row[name] = _odd(hints, number + place)
        for place, (path, values) in enumerate(self._read.items()):
            _put(row, path, deepcopy(values[(number + place) % len(values)]))
        row["made_up"] = f"{stream.name} {parent if parent is not None else ''} {each} {number}"
        for name in stream.key:
            for path in self._sources(name):
                _put(row, path, 1000 + number if self._is_number(str(path[-1])) else f"k{number}")
        if at is not None:
            form = stream.formats[number % len(stream.formats)]
            for path in self._sources(stream.cursor_field):
                read_in = time_format(self._added.get(stream.cursor_field, ""))
                _put(row, path, write(at, read_in or form, odd=number % 2 == 1))
        for path in below(stream.strategy.get("cursor_value"), "last_record"):
            if path[0] not in stream.key and path[0] != stream.cursor_field:
                _put(row, path, f"last{number:05}")
        token = ""
        if stream.parent_key:
            line = number if parent is None else parent * 10 + number
            token = f"8{stream.level}{line:05}" if self._is_number(stream.parent_key) else f"p{stream.level}r{line}"
            odd = "" if token.isdigit() else ODD_IDS[line % len(ODD_IDS)]
            for path in self._sources(stream.parent_key):
                _put(row, path, int(token) if token.isdigit() else token + odd)
        return Row(at, token, row)

    def _is_number(self, name: str) -> bool:
        kinds = (self.stream.schema.get(name) or {}).get("type")
        return "integer" in (kinds if isinstance(kinds, list) else [kinds])

    def _sources(self, name: str) -> list[tuple[Any, ...]]:
        """Return the field itself, or those from which a field is made that is added to rows."""
        return below(self._added.get(name, ""), "record") or [(name,)]

    @cached_property
    def _added(self) -> Mapping[str, str]:
        return {
            str(field["path"][0]): str(field.get("value"))
            for change in self.stream.definition.get("transformations") or []
            for field in change.get("fields") or []
            if isinstance(field, Mapping) and len(field.get("path") or ()) == 1
        }

    @cached_property
    def _read(self) -> dict[tuple[Any, ...], list[Any]]:
        """The fields that templates of the stream read, with the values that they have."""
        found: dict[tuple[Any, ...], list[Any]] = {}
        for text in self._templates:
            for path in below(text, "record"):
                if all(isinstance(key, str) for key in path):
                    own = [value for value in (*constants(text), *self._configured(text)) if value not in path]
                    found[path] = [*found.get(path, []), *(_times(text) or _lists(text) or [*own, *READ])]
        return dict(sorted(found.items(), key=lambda item: len(item[0])))

    def _configured(self, text: str) -> Iterator[Any]:
        """Yield values of the configuration with which a template may compare a field; of a list, the items."""
        for path in below(text, "config"):
            value: Any = self.stream.config
            for key in path:
                value = value.get(key) if isinstance(value, Mapping) else None
            yield from value if isinstance(value, list) else [value]

    @property
    def _templates(self) -> Iterator[str]:
        condition = (self.stream.selector.get("record_filter") or {}).get("condition")
        if condition:
            yield str(condition)
        for change in self.stream.definition.get("transformations") or []:
            yield from (str(field.get("value")) for field in change.get("fields") or [] if isinstance(field, Mapping))


def time_format(text: str) -> str | None:
    """Return the format of the times that a template reads; None if it does not read times."""
    if not TIME.search(text):
        return None
    formats = [str(value) for value in constants(text) if "%" in str(value)]
    return formats[-1] if len(formats) > 1 else ISO  # the first is the one that it writes


def _times(text: str) -> list[Any]:
    """Return values of a field of which a template makes times: any other value is an error."""
    form = time_format(text)
    return [write(moment, form) for moment in TIMES] if form else []


def _lists(text: str) -> list[Any]:
    """Return values of a field of which a template reads the items.

    Airbyte takes a template for plain text from the first row on whose value is of a type that does not fit.
    """
    return [[{"id": 3, "name": "a"}, {"id": "b"}], [], None] if MAP.search(text) else []


def _odd(hints: Mapping[str, Any], number: int) -> Any:
    kinds = hints.get("type")
    kinds = [kind for kind in (kinds if isinstance(kinds, list) else [kinds]) if kind in ODD]
    values = ODD[kinds[0]] if kinds else ODD["string"]
    return deepcopy(values[number % len(values)])


def _put(row: dict[str, Any], path: Sequence[Any], value: Any) -> None:
    for key in path[:-1]:
        inside = row.get(key)
        if not isinstance(inside, dict):
            inside = row[key] = {}
        row = inside
    row[path[-1]] = value

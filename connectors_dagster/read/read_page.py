"""One page as it was read, and what the sequence of requests is called that it belongs to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors_dagster.http.rereading import ListScope
from connectors_dagster.http.session import ApiSession
from connectors_dagster.rows.raw_json import RawRow
from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.windows import Slice


@dataclass
class ReadPage:
    """The kept rows of one page by slice, with the size of what was received for it, and its number.

    `reread` is true if it was read again on purpose.
    """

    rows: Mapping[Slice | None, list[RawRow]]
    bytes: int
    reread: bool
    number: int

    @classmethod
    def of(cls, rows: Mapping[Any, list[RawRow]], session: ApiSession) -> "ReadPage":
        """Count a page of a session."""
        session.stats.pages += 1
        return cls(rows, session.stats.bytes // session.stats.pages, session.reread, session.stats.pages)


def label_of(resource: Resource, parts: Mapping[Slice, Slice]) -> str:
    """Name what is read: a window, the first of several, or a part of one."""
    part, slice_ = next(iter(parts.items()))
    label = f"{resource} window {slice_.window.key}{' …' if len(parts) > 1 else ''}"
    return label if part.window == slice_.window else f"{label} part {part.window.key}"


def scope_of(slices: Sequence[Slice], *, filtered: bool) -> ListScope:
    """Return which rows the list has that windows are read from; not all of them may have ended."""
    ended = [slice_.complete for slice_ in slices]
    if filtered:
        return "ended window" if all(ended) else "open window"
    return "open window" if any(ended) else "scan"

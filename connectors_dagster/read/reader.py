"""Reads one resource over windows: concurrent requests, rows assigned to their windows, Arrow batches out."""

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from connectors_dagster.http.endpoint import Endpoint
from connectors_dagster.http.read_stats import ReadStats
from connectors_dagster.http.request_parts import Bounds
from connectors_dagster.read.bounds import exact_bounds, unfiltered, window_bounds
from connectors_dagster.read.concurrency import Interleaved
from connectors_dagster.read.connection import Connection
from connectors_dagster.read.endpoints import open_endpoint
from connectors_dagster.read.parent_rows import ParentRows
from connectors_dagster.read.progress_log import ProgressLog
from connectors_dagster.read.read_page import ReadPage, label_of, scope_of
from connectors_dagster.read.reading import Reading
from connectors_dagster.read.row_reader import RowReader
from connectors_dagster.read.shared_rows import SharedRows, find_shared_rows
from connectors_dagster.read.window_filter import WindowFilter
from connectors_dagster.rows.raw_json import RawRow, encode
from connectors_dagster.spec.added_columns import WINDOW
from connectors_dagster.spec.for_each import Each, describe
from connectors_dagster.spec.plural import noun
from connectors_dagster.spec.timestamps import DAY
from connectors_dagster.spec.windows import END_OF_TIME, Slice

logger = logging.getLogger(__name__)
S = TypeVar("S", bound=Slice | None)
PARENTS_AT_ONCE = 16


@dataclass(kw_only=True)
class ResourceReader(RowReader):
    """One resource read once, with requests.

    Args:
        connection: the settings of the connector, and how requests are made.
        parents: rows of the parent, by slice, when there is one.
        page_limit: maximum pages of each sequence, for a trial run; unlimited by default.
        span: all windows, of a resource that is read for its children alone and whose requests filter by time.
    """

    connection: Connection
    parents: Mapping[Slice | None, ParentRows] = field(default_factory=dict)
    page_limit: int | None = None
    span: Slice | None = None

    def __post_init__(self) -> None:
        """Prepare the requests."""
        super().__post_init__()
        self.endpoint = open_endpoint(self.resource, self.connection, page_limit=self.page_limit)
        self._lock = threading.Lock()
        children = self.resource.requested_children
        self._wanted = tuple(dict.fromkeys(name for child in children for name in child.parent_fields))

    def pages(self) -> Iterator[tuple[list[RawRow], int]]:
        """Yield the kept rows of each page with the size of what was received for it, in bytes."""
        try:
            yield from self._pages()
        finally:
            self.endpoint.close()

    def _pages(self) -> Iterator[tuple[list[RawRow], int]]:
        progress, count = ProgressLog(str(self.resource), self.connection.policy.clock), 0
        for page in Interleaved(self._sequences(), workers=self.connection.max_parallel_requests):
            progress.note(rows=sum(map(len, page.rows.values())))
            for slice_, rows in page.rows.items():
                self.previews[slice_].add(rows)
                if self._wanted:
                    self.rows_of_children.setdefault(slice_, ParentRows(self._wanted)).extend(rows, page=page.number)
                self.finer_cursors.add(rows, count)
                count += len(rows)
                if rows:
                    self._end_slice(count, slice_)
                    yield rows, page.bytes
            if page.reread:
                self.reread_pages.add(len(self.page_ends))
            self.page_ends.append(count)
        self.endpoint.envelope.check()
        self.failed.close()
        for slice_ in self.failed.errors:
            self.rows_of_children.pop(slice_, None)

    def _end_slice(self, count: int, slice_: Slice | None) -> None:
        """Note which slice the last rows belong to, if somebody reads the lists in them."""
        if not self.resource.options.children:
            return
        if self.slice_ends and self.slice_ends[-1][1] == slice_:
            self.slice_ends.pop()
        self.slice_ends.append((count, slice_))

    def _sequences(self) -> Iterator[Iterator[ReadPage]]:
        if self.resource.parent and not self.resource.cursor:
            shared = find_shared_rows(
                self.resource, self.connection, self.parents, self.stats_by_slice, self.page_limit
            )
            for slice_, parents in self.parents.items():
                for numbers in shared.batches(parents) if shared else self._batches_of(parents):
                    yield self.failed.guard([slice_], self._children(slice_, parents, numbers, shared))
            return
        if not self.slices:
            yield from (self._whole(each, bounds) for bounds in self._bounds() for each in self.endpoint.each)
            return
        for parts in self._requested_parts():
            for read in self._readings():
                yield self.failed.guard(list(parts.values()), self._windows(parts, read))

    def _batches_of(self, parents: ParentRows) -> Iterator[range]:
        """Yield the numbers of parents whose children are read with one session.

        Many share one, so that there are few, but every worker must get some.
        """
        most = sum(map(len, self.parents.values())) // (2 * self.connection.max_parallel_requests)
        size = min(PARENTS_AT_ONCE, max(most, 1))
        yield from (range(len(parents))[at : at + size] for at in range(0, len(parents), size))

    def _readings(self) -> Iterator[Reading]:
        """Yield what each part of the windows is read for: combinations of values, and for a child also its parents."""
        for each in self.endpoint.each:
            if not self.resource.parent:
                yield Reading(each)
            for parents in self.parents.values():
                yield from (Reading(each, parents, numbers) for numbers in self._batches_of(parents))

    def _requested_parts(self) -> Iterator[Mapping[Slice, Slice]]:
        """Yield what is requested at a time: slices, or parts of one, each with the slice that it belongs to."""
        # A window that was already read to its end needs no request, and some APIs reject such an empty range.
        slices = sorted(slice_ for slice_ in self.slices if slice_.since < slice_.window.end)
        at_once = not self.resource.bounded or unfiltered(self.resource, slices)
        groups = [slices] if at_once else [[slice_] for slice_ in slices]
        for group in groups:
            yield from self._parts(group) if group else ()

    def _parts(self, slices: Sequence[Slice]) -> Iterator[Mapping[Slice, Slice]]:
        """Yield what is requested at a time: slices, or parts of one, each with the slice that it belongs to."""
        step = self.resource.cursor and self.resource.cursor.request_step
        if not step or unfiltered(self.resource, slices):
            yield {slice_: slice_ for slice_ in slices}
            return
        now = self.connection.policy.now
        latest = now() + DAY if now else END_OF_TIME  # local dates may be a day ahead
        yield from ({part: slice_} for slice_ in slices for part in slice_.parts(step) if part.since <= latest)

    def _bounds(self) -> Iterator[Bounds]:
        """Yield the bounds of the requests for everything; none at all unless there is a span."""
        if not self.span:
            yield {}
            return
        for parts in self._parts([self.span]):
            yield from (exact_bounds(self.resource, part) for part in parts)

    def _whole(self, each: Each, bounds: Bounds) -> Iterator[ReadPage]:
        label = f"{self.resource}{describe(each)}"
        with self._counting({None: None}) as counted:
            session = self._session(counted[None], label)
            for rows in self.endpoint.pages(session, bounds, each=each):
                yield ReadPage.of({None: self.bad_rows.keep_good(None, rows, counted[None])}, session)
            _report(label, counted[None])

    def _windows(self, parts: Mapping[Slice, Slice], read: Reading) -> Iterator[ReadPage]:
        """Read slices, or a part of one, with one sequence of requests and assign the rows to them."""
        asked, each = list(parts), read.each
        with self._counting(parts) as counted:
            shared, alone = ReadStats(), parts[asked[0]] if len(asked) == 1 else None
            window_filter = WindowFilter(
                self.resource,
                counted,
                shared,
                lambda bad: self.bad_rows.refuse(bad, alone, counted[asked[0]]),
            )
            session = self._session(shared, f"{label_of(self.resource, parts)}{describe(each)}")
            bounds, scope = window_bounds(self.resource, asked), scope_of(asked, filtered=self.resource.filtered)
            for rows in read.pages(self.endpoint, session, bounds, scope):
                good = {
                    parts[part]: self.bad_rows.keep_good(parts[part], self._labelled(found, parts[part]), counted[part])
                    for part, found in window_filter.split(rows).items()
                }
                yield ReadPage.of(good, session)
                if all(slice_ in self.failed for slice_ in parts.values()):
                    return
            for part, stats in counted.items():
                stats.add(shared)
                _report(f"{label_of(self.resource, {part: parts[part]})}{describe(each)}", stats)

    def _labelled(self, rows: list[RawRow], slice_: Slice) -> list[RawRow]:
        """Return rows that say which window they were read in, if they must; the paginator compares the old ones."""
        if not self.resource.labels_windows:
            return rows
        label = {WINDOW: encode(slice_.window.key)}
        return [row | label for row in rows]

    def _children(
        self, slice_: Slice | None, parents: ParentRows, numbers: Sequence[int], shared: SharedRows | None
    ) -> Iterator[ReadPage]:
        endpoint = self.endpoint
        assert isinstance(endpoint, Endpoint)  # a program reads parents itself
        with self._counting({slice_: slice_}) as counted:
            part = counted[slice_]
            label = f"{self.resource} window {slice_.window.key}" if slice_ else str(self.resource)
            key = next(iter(self.resource.included))
            if shared:
                (together, numbers), received = shared.divide(parents, numbers), set[str]()
                for rows, session in shared.pages(parents, together, part, label):
                    received |= shared.ids_in(rows)
                    yield ReadPage.of({slice_: self.bad_rows.keep_good(slice_, rows, part)}, session)
                lacking = shared.lacking(parents, together, received)
                numbers = sorted({*numbers, *lacking})
                if part.rejected == 0 and slice_ not in self.failed:
                    self.parents_read.extend(parents[number][key] for number in together if number not in lacking)
            sessions = [(each, self._session(part, f"{label}{describe(each)}")) for each in endpoint.each]
            for number in numbers:
                if slice_ in self.failed:
                    return
                parent, left_out = parents[number], part.ignored + part.rejected
                if self.resource.lacks_key(parent):
                    part.parents_without_key += 1
                    continue
                for each, session in sessions if self.resource.may_have_rows(parent) else ():
                    pages = endpoint.child_pages(
                        session,
                        parent,
                        parents_page=parents.page_of(number),
                        each=each,
                        scope="open window" if slice_ else "whole",
                    )
                    for rows in pages:
                        yield ReadPage.of({slice_: self.bad_rows.keep_good(slice_, rows, part)}, session)
                if part.ignored + part.rejected == left_out and slice_ not in self.failed:
                    self.parents_read.append(parent[key])

    @contextmanager
    def _counting(self, parts: Mapping[S, S]) -> Iterator[dict[S, ReadStats]]:
        """Count apart what one sequence reads, because others may read parts of the same slices at the same time."""
        counted = {part: ReadStats() for part in parts}
        try:
            yield counted
        finally:
            with self._lock:
                for part, stats in counted.items():
                    self.stats_by_slice[parts[part]].add(stats)

    def _session(self, stats: ReadStats, label: str) -> Any:
        return self.endpoint.open_session(self.connection.policy_of(self.resource), stats, label)


def _report(label: str, stats: ReadStats) -> None:
    rows, pages, retries = noun(stats.rows, "row"), noun(stats.pages, "page"), noun(stats.retries, "retry", "retries")
    logger.info("%s: %d %s on %d %s, %d %s", label, stats.rows, rows, stats.pages, pages, stats.retries, retries)

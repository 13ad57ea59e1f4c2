"""Reads the streams of a manifest from the made-up API with both, and says what differs."""

import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from connectors_dagster.airbyte.cursor import granularity_of
from connectors_dagster.airbyte.errors import ManifestError
from connectors_dagster.airbyte.translation import TranslatedStream
from connectors_dagster.cdk.translation import EngineOption
from connectors_dagster.spec.connector import Connector
from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.windows import Slice, WindowGrid
from tests.parity import ours
from tests.parity.asked import Asked
from tests.parity.cdk import Cdk, TheirError
from tests.parity.configured import alone, configuration, led_to, with_small_pages
from tests.parity.described import Described, describe
from tests.parity.moments import precision, with_bounds, without_clock
from tests.parity.vendor import Trouble, Vendor

Verdict = Literal["equal", "different", "not compared"]
Reader = Literal["native", "airbyte"]
"""What reads for this project."""
GRID = "P30D"
DAYS = 75
DAY = timedelta(days=1)
OUTSIDE = "was requested, but the API returned a row"
"""Says that an API does not filter."""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What came of the comparison of a stream.

    Args:
        name: of the stream, in the manifest.
        verdict: whether both read the same.
        why: what differs, or why it was not compared.
        rows: how many rows both read.
        pages: how many requests had rows of the stream.
        windows: how many windows were compared.
    """

    name: str
    verdict: Verdict
    why: str = ""
    rows: int = 0
    pages: int = 0
    windows: int = 0


@dataclass(frozen=True, kw_only=True)
class Side:
    """What one of the two read: its rows as text, and its requests."""

    rows: Counter[str]
    asked: Sequence[Asked]
    keys: Counter[str] | None = None


@dataclass(frozen=True, kw_only=True)
class Job:
    """A stream to read, in all the forms in which it is needed."""

    stream: Described
    resource: Resource
    resolved: Mapping[str, Any]
    definition: Mapping[str, Any]
    config: Mapping[str, Any]


@dataclass(kw_only=True)
class Comparison:
    """Compares manifests.

    Args:
        cdk: reads as Airbyte does.
        vendor: the made-up API.
        now: the present.
        engine: which streams are compared: the native ones, or those that airbyte-cdk reads.
        chosen: the engine of the component: with ``airbyte``, airbyte-cdk reads all of them.
    """

    cdk: Cdk
    vendor: Vendor
    now: datetime
    engine: Reader = "native"
    chosen: EngineOption = "native"

    @property
    def grid(self) -> WindowGrid:
        return WindowGrid(GRID, (self.now - timedelta(days=DAYS)).date().isoformat())

    def compare(self, document: Mapping[str, Any], only: Sequence[str] = ()) -> Iterator[Compared]:
        """Compare the streams of a manifest that its engine reads."""
        written = with_small_pages(led_to(document, self.vendor.base))
        with tempfile.TemporaryDirectory() as folder:
            try:
                manifest, found = ours.translated(written, Path(folder), self.chosen)
            except ManifestError as error:
                yield Compared(name="", verdict="not compared", why=str(error))
                return
        read = [one for one in found.streams if one.engine == self.engine and (not only or one.vendor_name in only)]
        if not read or not found.connector:
            return
        try:
            resolved = self.cdk.resolve(written)
        except TheirError as error:
            yield from (
                Compared(name=one.vendor_name, verdict="not compared", why=f"airbyte-cdk: {error}") for one in read
            )
            return
        start = self.grid.opened(self.now)[0].start
        config = configuration(resolved, self.vendor.base, start)
        plain = [inner for one in resolved["streams"] for inner in one.get("streams", [one])]  # conditional ones, too
        definitions = {one["name"]: one for one in reversed(plain) if "name" in one}
        with ours.configured(manifest, config, start):
            for one in read:
                yield self._stream(one, found.connector, resolved, definitions[one.vendor_name], config)

    def _stream(
        self,
        one: TranslatedStream,
        connector: Connector,
        resolved: Mapping[str, Any],
        definition: Mapping[str, Any],
        config: Mapping[str, Any],
    ) -> Compared:
        resource, stream = connector.graph[one.name], describe(definition, config)
        windows = self.grid.opened(self.now)
        edges = [*(window.start for window in windows), self.now]
        slices = self.grid.slices(windows, now=self.now, lookback=connector.lookback)
        chosen: Sequence[Slice | None] = [slices[0], slices[-1]] if resource.windowed else [None]
        rows = pages = 0
        problems: list[str] = []
        job = Job(stream=stream, resource=resource, resolved=resolved, definition=definition, config=config)
        at_first = (
            Trouble(status=(stream.statuses("RETRY", "RATE_LIMITED") or [503])[0]) if stream.variant % 3 == 0 else None
        )
        always = [Trouble(status=status, always=True) for status in _refusals(stream)]
        rounds = [(slice_, at_first) for slice_ in chosen] + [(chosen[0], trouble) for trouble in always]
        for slice_, trouble in rounds:
            try:
                self.vendor.begin(stream, edges, trouble)
                theirs: Side | str = self._theirs(job, slice_, may_fail=trouble is not None and trouble.always)
            except TheirError as error:
                theirs = f"airbyte-cdk: {error}"
                if not trouble or not trouble.always:
                    return Compared(name=one.vendor_name, verdict="not compared", why=theirs)
            self.vendor.begin(stream, edges, trouble)
            try:
                mine: Side | str = self._ours(connector, job, slice_)
            except Exception as error:  # noqa: BLE001  # whatever it is, it is the result
                mine = f"this project: {type(error).__name__}: {error}"
            if isinstance(mine, Side) and isinstance(theirs, Side):
                problems += _differences(stream, mine, theirs, slice_)
                rows += theirs.rows.total()
                pages += sum(1 for asked in theirs.asked if asked.rows and asked.stream == stream.name)
            elif isinstance(mine, str) and OUTSIDE in mine and not any(asked.bounds for asked in self.vendor.asked):
                why = "the made-up API does not see by which time the requests filter"
                return Compared(name=one.vendor_name, verdict="not compared", why=why)
            elif isinstance(mine, Side) or isinstance(theirs, Side):
                problems.append(
                    f"status {trouble.status if trouble else 200}: {mine if isinstance(mine, str) else theirs}"
                )
        if not problems and not rows:
            return Compared(name=one.vendor_name, verdict="not compared", why="the made-up API has no row of it")
        return Compared(
            name=one.vendor_name,
            verdict="different" if problems else "equal",
            why="; ".join(problems)[:1500],
            rows=rows,
            pages=pages,
            windows=len(chosen),
        )

    def _theirs(self, job: "Job", slice_: Slice | None, *, may_fail: bool) -> Side:
        stream = job.stream
        window = None
        if slice_ and stream.cursor:
            step = precision(str(stream.cursor.get("datetime_format")))
            end = slice_.window.end - (step if stream.cursor.get("cursor_granularity") else timedelta(0))
            if stream.cursor.get("is_data_feed"):
                end = self.now  # the toolkit stops at a row outside of what it reads, and the first rows are the newest
            window = tuple(
                moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ") for moment in (slice_.window.start, min(end, self.now))
            )
        cursor = {"field": stream.cursor_field, "formats": stream.formats} if stream.cursor else None
        manifest = alone(job.resolved, job.definition, window)
        found = self.cdk.read(
            may_fail=may_fail, manifest=manifest, config=job.config, stream=stream.name, cursor=cursor
        )
        kept = [row for at, row in found if slice_ is None or self._is_in(at, slice_, filtered=job.resource.filtered)]
        texts = Counter(self._text(stream, row) for row in kept)
        return Side(rows=Counter(texts.keys()) if slice_ else texts, asked=self.vendor.asked)

    def _ours(self, connector: Connector, job: "Job", slice_: Slice | None) -> Side:
        resource, span = job.resource, self.grid.whole(self.now)
        found = ours.read(resource, ours.connected(connector), [slice_] if slice_ else [], span)
        texts = Counter(self._text(job.stream, ours.stripped(resource, row)) for row in found)
        keys = Counter(ours.key_of(resource, row) for row in found)
        return Side(rows=Counter(texts.keys()) if slice_ else texts, asked=self.vendor.asked, keys=keys)

    def _text(self, stream: Described, row: Mapping[str, Any]) -> str:
        """Write a row as text, without what differs between two reads."""
        row = {name: value for name, value in row.items() if name not in stream.varying}
        return without_clock(json.dumps(row, sort_keys=True, ensure_ascii=False, default=str), since=self.now)

    def _is_in(self, at: str | None, slice_: Slice, *, filtered: bool) -> bool:
        """Tell whether a row of theirs lies in a window; older ones lie in the first window if nothing filters."""
        if at is None:
            return True
        moment = datetime.fromisoformat(at)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        older = slice_.first and not filtered and moment < slice_.window.end
        return older or slice_.window.start <= moment < slice_.window.end


def _refusals(stream: Described) -> Iterator[int]:
    """Yield statuses that requests for a stream may always get: one that is ignored, and one that is an error."""
    if stream.parent is None:
        yield from stream.statuses("IGNORE")[:1]
        if any(one.get("predicate") or one.get("error_message_contains") for one in stream.filters):
            yield 400
        yield from stream.statuses("FAIL")[:1] or [404] * (not list(stream.filters))


def _differences(stream: Described, mine: Side, theirs: Side, slice_: Slice | None) -> Iterator[str]:
    where = f"window {slice_.window.key}: " if slice_ else ""
    if missing := theirs.rows - mine.rows:
        yield f"{where}{missing.total()} of {theirs.rows.total()} rows are missing, such as {next(iter(missing))[:300]}"
    if more := mine.rows - theirs.rows:
        yield f"{where}{more.total()} rows are more than {theirs.rows.total()}, such as {next(iter(more))[:300]}"
    if mine.keys and len(mine.keys) < len(mine.rows):
        yield f"{where}{len(mine.rows)} different rows have only {len(mine.keys)} keys"
    yield from (f"{where}{text}" for text in _other_requests(stream, mine, theirs, slice_))


def _other_requests(stream: Described, mine: Side, theirs: Side, slice_: Slice | None) -> Iterator[str]:
    """Yield requests of one side only; what both ask for may be asked again, as proof that there is no more."""
    tick = max(precision(str(stream.cursor.get("datetime_format"))), granularity_of(stream.cursor) or timedelta(0))
    margin = tick + (DAY if tick >= DAY else timedelta(0)) + timedelta(seconds=1)
    bounds = {"start": slice_.window.start, "end": slice_.window.end} if slice_ else {}
    own, their = (
        {with_bounds(asked.known, bounds, margin) for asked in side.asked if asked.status < 400}
        for side in (mine, theirs)
    )
    if lacking := their - own:
        yield f"a request is not made: {next(iter(lacking))[:300]}; but {next(iter(own - their), '')[:300]}"
    elif extra := own - their:
        yield f"a request is made that Airbyte does not make: {next(iter(extra))[:300]}"
    if not stream.cursor:
        return
    for bound, outermost in (("start", min), ("end", max)):
        found = [
            outermost(times) if times else None
            for side in (mine, theirs)
            for times in [
                [one.bounds[bound] for one in side.asked if one.stream == stream.name and bound in one.bounds]
            ]
        ]
        if None in found and found != [None, None]:
            yield f"{bound} of a window: {found[0]} is asked for, and {found[1]} by Airbyte"
        elif found[0] and found[1]:
            wider = found[1] - found[0] if bound == "start" else found[0] - found[1]
            if not timedelta(0) <= wider <= margin and not (bound == "end" and timedelta(0) <= wider):
                yield f"{bound} of a window: {found[0]} is asked for, and {found[1]} by Airbyte"

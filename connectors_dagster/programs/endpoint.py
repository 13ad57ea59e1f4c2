"""Rows of a resource that a program reads: it takes the place of the requests of an endpoint."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from types import MappingProxyType
from typing import Any, NoReturn

from connectors_dagster.errors import ApiError, ForeignOriginError, RowError, TransientApiError
from connectors_dagster.http.envelope import Envelope
from connectors_dagster.http.origin import home_origin, same_origin
from connectors_dagster.http.read_stats import ReadStats
from connectors_dagster.http.request_parts import Bounds
from connectors_dagster.http.request_policy import RequestPolicy
from connectors_dagster.http.rereading import ListScope
from connectors_dagster.programs.process import Process
from connectors_dagster.rows.raw_json import RawRow, decode_fields
from connectors_dagster.rows.row_hash import with_hash
from connectors_dagster.secrets.redaction import remember
from connectors_dagster.spec.for_each import Each
from connectors_dagster.spec.placeholders import Setting
from connectors_dagster.spec.program import Program
from connectors_dagster.spec.resource import Resource

PAGE_ROWS, PAGE_BYTES = 1_000, 4 * 1024 * 1024
LIMITED_ROWS = 100
"""Rows of what counts as a page if pages are limited: a program does not say which rows are of one page."""
WAIT = 0.05
FIRST_ERROR = 400


class ProgramSession:
    """One window that a program reads, with the counts of it."""

    reread = False

    def __init__(self, policy: RequestPolicy, stats: ReadStats, label: str) -> None:
        """Start before the first row."""
        self.policy, self.stats, self.label = policy, stats, label
        self.request, self.statuses = ExitStack(), dict[str, int]()

    def count_ignored(self) -> None:
        """Count what was requested and got no other response than an error, which the program has ignored."""
        self.stats.ignored += sum(status >= FIRST_ERROR for status in self.statuses.values())

    def allow(self, url: str, origins: list[str], tokens: list[str]) -> None:
        """Wait until a request may be made, and hold its slot.

        Raises:
            ForeignOriginError: it would go to an origin that the connector does not declare.
        """
        remember(tokens)
        if not any(same_origin(url, origin) for origin in origins):
            declared = ", ".join(origins) or "none"
            raise ForeignOriginError(f"{self.label}: {url} is not requested, because its origin is none of {declared}")
        self.stats.requests += 1
        if self.policy.rate_limiter:
            self.stats.waited += self.request.enter_context(self.policy.rate_limiter.request(self.policy.sleep))


class ProgramEndpoint:
    """The rows of one resource, read by a program.

    One process reads all windows, one after the other, so that what they share is read once.

    Args:
        resource: what to read.
        program: reads it.
        values: the values of the connector's placeholders.
        page_limit: how many pages to read of each window; None for all.
    """

    each: tuple[Each, ...] = (MappingProxyType({}),)

    def __init__(
        self,
        resource: Resource,
        program: Program,
        values: Mapping[Setting, Any],
        *,
        page_limit: int | None = None,
    ) -> None:
        """Start nothing yet."""
        self.resource, self.program, self.values = resource, program, values
        self.most = None if page_limit is None else page_limit * LIMITED_ROWS
        self.envelope = Envelope()
        self._one = threading.Lock()
        self.process: Process | None = None
        self._lines: Iterator[bytes] = iter(())
        self._origins: list[str] = []
        self._running = ExitStack()

    def open_session(self, policy: RequestPolicy, stats: ReadStats, label: str) -> ProgramSession:
        """Return what counts one window; `label` names it in messages."""
        return ProgramSession(policy, stats, label)

    def pages(
        self,
        session: ProgramSession,
        bounds: Bounds = MappingProxyType({}),
        *,
        each: Each = MappingProxyType({}),  # noqa: ARG002  # as other endpoints
        scope: ListScope = "whole",  # noqa: ARG002  # as other endpoints
    ) -> Iterator[list[RawRow]]:
        """Yield the rows of a window, or all rows.

        Raises:
            ApiError: the program has failed, or has ended in the middle.
        """
        while not self._one.acquire(blocking=False):
            session.policy.sleep(WAIT)
        try:
            process = self.process or self._start(session)
            process.write("read", bounds.get("start_value"), bounds.get("end_value"), self.most)
            yield from self._read(process, session)
        except GeneratorExit:
            self.close()
            raise
        finally:
            session.request.close()
            self._one.release()

    def close(self) -> None:
        """End the program."""
        process, self.process = self.process, None
        if process:
            process.stop()
        self._running.close()

    def _start(self, session: ProgramSession) -> Process:
        allow_http = session.policy.allow_http
        addresses = self.program.addresses(self.values)
        self._origins = [home_origin(address, allow_http=allow_http) for address in addresses]
        self._running.enter_context(self.program.running(self.values))
        process = self.process = Process(
            self.program.command(), str(self.resource), session.policy.sleep, forks=self.program.forks
        )
        self._lines = process.lines()
        process.write("job", self.program.job(self.values))
        for _ in self._messages(process, session, until="ready"):
            continue
        return process

    def _read(self, process: Process, session: ProgramSession) -> Iterator[list[RawRow]]:
        rows: list[RawRow] = []
        size = count = 0
        for line in self._messages(process, session, until="end"):
            if isinstance(line, list):
                if line[1] != count:
                    raise ApiError(f"{session.label}: the program wrote {line[1]} rows, of which {count} arrived")
                continue
            rows.append(self._row(line, session))
            count, size, session.stats.bytes = count + 1, size + len(line), session.stats.bytes + len(line)
            if len(rows) >= PAGE_ROWS or size >= PAGE_BYTES:
                yield rows
                rows, size = [], 0
        session.stats.keys += count
        session.count_ignored()
        yield rows

    def _messages(self, process: Process, session: ProgramSession, *, until: str) -> Iterator[bytes | list[Any]]:
        """Answer what the program asks, and yield its rows and its last word.

        Raises:
            ApiError: it has failed, or has ended.
        """
        refused: ForeignOriginError | None = None
        url = ""
        for line in self._lines:
            if line.startswith(b"{"):
                yield line
                continue
            word, *said = json.loads(line)
            if word == "request":
                _, url, tokens = said
                session.statuses[url] = 0
                try:
                    session.allow(url, self._origins, tokens)
                    process.write("go")
                except ForeignOriginError as error:
                    refused = error
                    process.write("no", str(error))
            elif word == "response":
                session.request.close()
                session.statuses[url] = said[0]
            elif word == "keep":
                remember(str(value) for _, value in said[0])
                self.program.keep(self.values, said[0])
                process.write("kept")
            elif word == until:
                yield [word, *said]
                return
            else:
                self._fail(word, said, session, refused)
        status = process.status()
        self.close()
        raise TransientApiError(f"{session.label}: the program that reads it ended {status}")

    def _fail(self, word: str, said: list[Any], session: ProgramSession, refused: ApiError | None) -> NoReturn:
        """Raise the error of the program; one that could not begin is ended."""
        if word == "broken":
            self.close()
        if refused:
            raise refused
        kind = TransientApiError if said[1] else ApiError
        raise kind(f"{session.label}: {said[0]}")

    def _row(self, line: bytes, session: ProgramSession) -> RawRow:
        try:
            row = decode_fields(line)
        except ValueError:
            raise RowError(f"{session.label}: the program wrote a row that is not JSON") from None
        options = self.resource.options
        return with_hash(row, options.unhashed_fields) if options.key else row

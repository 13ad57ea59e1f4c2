"""The API of an episode: one list whose rows change as its requests come in."""

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.soak.episode import Edit, Episode

Row = dict[str, Any]
Query = Mapping[str, str]
START = datetime(2024, 3, 1, tzinfo=UTC)
NOW = datetime(2024, 4, 10, 12, tzinfo=UTC)
OLDEST = timedelta(days=40)


@dataclass
class Reply:
    """A response of the API."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Shop:
    """Serves the rows of an episode. Each request takes a second of its time, and may come after edits.

    `gone` has the ids of deleted rows, `parts` the children by row, `log` the requests, and `quiet` ends all edits.
    """

    episode: Episode
    now: datetime = NOW
    quiet: bool = False
    url: str = ""
    rows: list[Row] = field(default_factory=list)
    gone: set[int] = field(default_factory=set)
    parts: dict[int, list[Row]] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make the first rows, spread over the windows."""
        self._last_part = 0
        count = self.episode.rows
        for id in range(count):
            at = NOW - timedelta(minutes=1) - OLDEST * ((id * 7919) % max(count, 1) / max(count, 1))
            self.rows.append({"id": id * 10, "at": _spell(at), "state": 0})

    def visible(self) -> list[Row]:
        """Return the rows that a reader can get."""
        return [row for row in self.rows if not self._is_hidden(row)]

    def respond(self, path: str) -> Reply:
        """Respond to a request, after the edits that come before it."""
        query = {name: values[-1] for name, values in parse_qs(urlsplit(path).query).items()}
        self.now += timedelta(seconds=1)
        number = len(self.log)
        self.log.append(path)
        if not self.quiet and number < len(self.episode.edits):
            for edit in self.episode.edits[number]:
                self.edit(edit)
        parts = re.match(r"/things/(-?\d+)/parts", path)
        reply = self._list_parts(int(parts[1])) if parts else self._page(query)
        reply.headers["Date"] = format_datetime(self._clock(), usegmt=True)
        return reply

    def _clock(self) -> datetime:
        return self.now - timedelta(seconds=self.episode.behind)

    def edit(self, edit: Edit) -> None:
        """Insert, update or delete a row, or a child of a row, which counts as an update of the row."""
        at = _spell(self._clock())
        number = min(int(edit.place * len(self.rows)), len(self.rows) - 1)
        if edit.what == "insert":
            ids = sorted(row["id"] for row in self.rows) or [0]
            taken = self.gone | set(ids)
            near = ids[min(int(edit.place * len(ids)), len(ids) - 1)]
            id = next(id for id in range(near + (10 if edit.place == 1.0 else -9), 10**6) if id not in taken)
            self.rows.append({"id": id, "at": at, "state": 0})
        elif not self.rows:
            return
        elif edit.what == "delete":
            self.gone.add(self._sorted().pop(number)["id"])
            self.rows = [row for row in self.rows if row["id"] not in self.gone]
        else:
            row = self._sorted()[number]
            row.update(at=at, state=row["state"] + 1)
            if edit.what == "child":
                self._edit_parts(self.parts.setdefault(row["id"], []), row)

    def _edit_parts(self, parts: list[Row], row: Row) -> None:
        """Replace the oldest of more than two children, and change the others."""
        for part in parts:
            part["state"] += 1
        if len(parts) > 2:
            del parts[0]
        self._last_part += 1
        parts.append({"id": self._last_part, "state": row["state"]})

    def _list_parts(self, id: int) -> Reply:
        if id in self.gone:
            return Reply(404, {"error": "not found"})
        parts = self.parts.get(id, [])
        reply = Reply(body={"data": parts})
        self._tell_total(reply, len(parts), max(len(parts), 1))
        return reply

    def _is_hidden(self, row: Row) -> bool:
        every, most = self.episode.hidden
        return bool(every) and row["id"] % 10 == 0 and (row["id"] // 10) % (every + most) < most

    def _sorted(self) -> list[Row]:
        order = self.episode.order
        return sorted(self.rows, key=lambda row: _place(row, order), reverse=order.startswith("-"))

    def _page(self, query: Query) -> Reply:
        episode = self.episode
        rows = [row for row in self._sorted() if query.get("after", "") <= row["at"] < query.get("before", "9")]
        size = len(rows) if episode.paging == "single" else min(int(query.get("limit", episode.size)), episode.most)
        start = self._start(rows, query, size)
        if start >= len(rows) and start > 0 and episode.beyond in ("204", "404"):
            # Only an API without other signs is asked beyond its last page.
            return Reply(int(episode.beyond), {"error": "out of range"} if episode.beyond == "404" else None)
        cut = rows[start : start + size]
        shown = [row for row in cut if not self._is_hidden(row)]
        listed = None if start and not cut and episode.beyond == "null" else shown
        more = start + size < len(rows)
        reply = Reply(body=_enveloped(episode.envelope, listed))
        self._tell_total(reply, len(rows), size)
        if episode.has_more:
            reply.body["has_more"] = more
        following = self._following(query, cut, start + size, size) if more else None
        self._point(reply, following, query, start, size)
        return reply

    def _start(self, rows: list[Row], query: Query, size: int) -> int:
        place = query.get("place")
        if self.episode.paging in ("page", "header_link"):
            return (int(query.get("page", 1)) - 1) * size
        if place is None:
            return 0
        if self.episode.paging in ("keyset", "last_row"):
            order = self.episode.order
            after = {"at": place.partition("|")[0], "id": int(place.rpartition("|")[2])}
            behind = [number for number, row in enumerate(rows) if _is_after(row, after, order)]
            return behind[0] if behind else len(rows)
        return int(place.lstrip("c"))

    def _following(self, query: Query, cut: list[Row], end: int, size: int) -> Any:
        match self.episode.paging:
            case "keyset":
                return f"{cut[-1]['at']}|{cut[-1]['id']}"
            case "cursor" | "cursor_header":
                return f"c{end}"
            case "json_link":
                return f"{self.url}/things?{urlencode({**query, 'place': end})}"
            case "header_link":
                return self._page_url(query, end // size + 1)
        return None

    def _page_url(self, query: Query, page: int) -> str:
        return f"{self.url}/things?{urlencode({**query, 'page': page})}"

    def _point(self, reply: Reply, following: Any, query: Query, start: int, size: int) -> None:
        """Write where the next page is."""
        paging, end = self.episode.paging, self.episode.end
        if paging == "header_link":
            links = {"next": following}
            if self.episode.has_prev and start > 0:
                links["prev"] = self._page_url(query, start // size)
            reply.headers["Link"] = ", ".join(f'<{url}>; rel="{name}"' for name, url in links.items() if url)
        elif paging == "cursor_header":
            reply.headers |= {"X-Next": following} if following else {}
        elif paging in ("json_link", "cursor", "keyset") and (following or end != "absent"):
            reply.body["next"] = following or end

    def _tell_total(self, reply: Reply, total: int, size: int) -> None:
        match self.episode.total:
            case "body":
                reply.body["total"] = total
            case "pages":
                reply.body["pages"] = -(-total // size)
            case "header" | "undeclared":
                reply.headers["X-Total-Count"] = str(total)


def _spell(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _place(row: Row, order: str) -> tuple[Any, ...]:
    return (row["at"], row["id"]) if order.lstrip("-") == "at" else (row["id"],)


def _is_after(row: Row, other: Row, order: str) -> bool:
    mine, its = _place(row, order), _place(other, order)
    return mine < its if order.startswith("-") else mine > its


def _enveloped(envelope: str, rows: Any) -> Any:
    return {"$": rows, "data": {"data": rows}, "result.items": {"result": {"items": rows}}}[envelope]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    shop: Shop

    def do_GET(self) -> None:
        reply = self.server.shop.respond(self.path)  # type: ignore[attr-defined]  # set by `serving`
        content = b"" if reply.status == 204 else json.dumps(reply.body).encode()
        headers = {"Content-Length": str(len(content)), **reply.headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.wfile.write(f"HTTP/1.1 {reply.status} X\r\n{head}\r\n".encode() + content)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(shop: Shop) -> Iterator[Shop]:
    """Serve a shop on a port of its own."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.shop = shop  # type: ignore[attr-defined]  # read by the handler
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    shop.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield shop
    finally:
        server.shutdown()
        server.server_close()

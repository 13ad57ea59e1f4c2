"""A made-up API that behaves as a manifest describes it, over HTTP on 127.0.0.1."""

import base64
import json
import re
import socket
import threading
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.parity.as_xml import as_xml
from tests.parity.asked import PARTS, Asked
from tests.parity.described import Described
from tests.parity.filtering import OPTIONS, bounds_of, within
from tests.parity.made_up import MadeUp, Row
from tests.parity.moments import without_clock
from tests.parity.pages import TOKEN, Page, page_of
from tests.parity.templates import below, pattern

ISSUED = "issued-t0ken"
PARENT = re.compile(r"p(\d)r(\d+)(?!\d)")
PARENT_NUMBER = re.compile(r"(?<!\d)8(\d)(\d{5})(?!\d)")
HOLDS_TOKEN = ("token_refresh_endpoint", "login_requester")
HIDDEN = {"user-agent", "accept-encoding", "connection", "host", "content-length", "accept", "content-type"}


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """A status with which requests for the rows of a stream fail: the first one, or always."""

    status: int
    always: bool = False


class Vendor:
    """Serves one stream at a time, and the streams above it; `asked` has its requests."""

    def __init__(self) -> None:
        self.port = 0
        self.asked: list[Asked] = []
        self.lineage: Sequence[Described] = ()
        self.edges: Sequence[datetime] = ()
        self.trouble: Trouble | None = None
        self._failed = False
        self._tables: dict[tuple[str, int | None, str], list[Row]] = {}

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def begin(self, stream: Described, edges: Sequence[datetime], trouble: "Trouble | None" = None) -> None:
        """Become the API of this stream, with trouble for those who request it."""
        self.lineage, self.edges, self.asked, self._tables = stream.lineage(), edges, [], {}
        self.trouble, self._failed = trouble, False

    @contextmanager
    def served(self) -> Iterator["Vendor"]:
        vendor = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def log_message(self, *arguments: Any) -> None:
                """Write nothing."""

            def do_GET(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(method=self.command, target=self.path, headers=headers, raw=raw)
                try:
                    status, body, more = vendor.answer(asked)
                except Exception as error:  # noqa: BLE001  # shows in the result
                    status, body, more = (
                        599,
                        {"message": f"{type(error).__name__}: {error}", "at": traceback.format_exc()[-700:]},
                        {},
                    )
                asked.status = status
                sent = vendor.written(body).encode()
                self.send_response(status)
                for name, value in {
                    "Content-Type": "application/json",
                    "Content-Length": str(len(sent)),
                    **more,
                }.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(sent)
                self.wfile.flush()

            do_POST = do_PUT = do_PATCH = do_GET  # noqa: N815  # the names are given

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            address_family = socket.AF_INET

        with Server(("127.0.0.1", 0), Handler) as server:
            self.port = server.server_address[1]
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            yield self
            server.shutdown()

    def answer(self, asked: Asked) -> tuple[int, Any, Mapping[str, str]]:
        """Return status, body and headers of a response."""
        authenticator = self.lineage[-1].requester.get("authenticator") or {}
        if any(self._is_at(asked, one) for one in _token_addresses(authenticator)):
            return 200, _token(authenticator), {}
        stream = self._stream(asked)
        asked.stream = stream.name
        self.asked.append(asked)
        asked.bounds = bounds_of(stream, asked)
        asked.known = without_clock(known(stream, asked), since=self.edges[-1])
        if not _authorized(stream, asked):
            return 401, {"message": "no credentials"}, {}
        if stream is self.lineage[-1] and self.trouble and (self.trouble.always or not self._failed):
            self._failed = True
            if self.trouble.always:
                return self.trouble.status, {"message": "no rows"}, {}
            return self.trouble.status, {"message": "not now"}, {"Retry-After": "0"}
        parent = None
        if stream.parent:
            parent = _parent(asked, stream.parent.level)
            if parent is None and not _names_parent(stream):
                parent = 0
            if parent is None:
                return 404, {"message": "no such parent"}, {}
            if stream is self.lineage[-1] and parent % 3 == 2 and (ignored := stream.statuses("IGNORE")):
                return ignored[0], {"message": "nothing here"}, {}
        rows = within(stream, self._rows(stream, parent, _each(stream, asked)), asked.bounds)
        page = page_of(stream, asked, rows, self.base)
        asked.rows = len(page.rows)
        return 200, _envelope(stream, page, empty=parent is not None and not rows), page.headers

    def written(self, body: Any) -> str:
        """Write a body as the stream reads it."""
        decoder = self.lineage[-1].retriever.get("decoder") or {}
        return as_xml(body) if decoder.get("type") == "XmlDecoder" else json.dumps(body)

    def _rows(self, stream: Described, parent: int | None, each: str) -> list[Row]:
        key = (stream.name, parent, each)
        if key not in self._tables:
            last = stream is self.lineage[-1]
            self._tables[key] = MadeUp(stream=stream, edges=self.edges, last=last).rows(parent, each)
        return self._tables[key]

    def _stream(self, asked: Asked) -> Described:
        """Find the stream that a request is for: by the path with the most letters of its own, and a parent's row."""
        found = [
            (letters, _has_parent(stream, asked), stream.level, stream)
            for stream in self.lineage
            if (letters := _fit(stream, asked)) is not None
        ]
        return max(found, key=lambda one: one[:3])[3] if found else self.lineage[-1]

    def _is_at(self, asked: Asked, address: str) -> bool:
        path = urlsplit(str(self.lineage[-1].rendered(address))).path.rstrip("/")
        return bool(path) and asked.path.rstrip("/").endswith(path)


def known(stream: Described, asked: Asked) -> Any:
    """Return a request as it is compared: without the page, and with words for the bounds of a window."""
    query, body = dict(asked.query), asked.body
    option = stream.paginator.get("page_token_option") or {}
    if option.get("inject_into") == "request_parameter":
        query.pop(str(option.get("field_name")), None)
    if str(option.get("inject_into", "")).startswith("body") and isinstance(body, dict):
        keys = [str(key) for key in option.get("field_path") or [option.get("field_name")]]
        body = _without(body, keys)
    query.pop("zz", None)
    headers = {name: value for name, value in asked.headers.items() if name not in HIDDEN}
    parts: dict[str, Any] = {"query": query, "body": body, "headers": headers}
    inside = dict(asked.bounds.get("raw", {}))
    for name, bound in OPTIONS:
        option = stream.cursor.get(name) or {}
        part = PARTS.get(str(option.get("inject_into")), "")
        if part and asked.at(option) is not None:  # the start of the configuration may be elsewhere in the request
            keys = [str(key) for key in option.get("field_path") or [option.get("field_name")]]
            parts[part] = _without(parts[part], [key.lower() if part == "headers" else key for key in keys])
            inside.pop(bound, None)
    written = json.dumps([asked.method, unquote(asked.path), *parts.values()], sort_keys=True)
    for bound, raw in inside.items():
        written = written.replace(json.dumps(raw)[1:-1], f"<{bound}>")
    return re.sub(r"last\d{5}", "<page>", TOKEN.sub("<page>", written))


def _without(body: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    inside = body.get(keys[0])
    if len(keys) == 1 or not isinstance(inside, Mapping):
        return {name: value for name, value in body.items() if name != keys[0]}
    rest = _without(inside, keys[1:])
    return {name: value for name, value in {**body, keys[0]: rest}.items() if name != keys[0] or rest}


def _fit(stream: Described, asked: Asked) -> int | None:
    """Return how many letters of the path a stream determines; None if the request is not for it."""
    path = str(stream.requester.get("path") or urlsplit(str(stream.requester.get("url") or "")).path)
    if str(stream.requester.get("http_method") or "GET").upper() != asked.method:
        return None
    shape, _, letters = pattern(path.strip("/"))
    seen, end = (unquote(asked.target), r"(?:&|$)") if "?" in path else (asked.path, "/?$")
    if not path.strip("/") or re.search(rf"(?:^|/){shape.pattern.removeprefix('(?s)')}{end}", seen, re.DOTALL):
        return letters
    return None


def _parent(asked: Asked, level: int) -> int | None:
    """Return the number of the parent's row that a request names."""
    for text in asked.texts:
        for shape in (PARENT, PARENT_NUMBER):
            for found in shape.finditer(text):
                if int(found[1]) == level:
                    return int(found[2])
    return None


def _has_parent(stream: Described, asked: Asked) -> bool:
    """Tell whether a request says for which row of the parent it is, if those for the stream do."""
    return not stream.parent or not _names_parent(stream) or _parent(asked, stream.parent.level) is not None


def _names_parent(stream: Described) -> bool:
    """Tell whether requests for a stream say for which row of the parent they are."""
    configs = [one for router in stream.routers for one in router.get("parent_stream_configs") or []]
    written = json.dumps([stream.requester, [one.get("request_option") for one in configs]])
    return (
        any(one.get("request_option") for one in configs) or "stream_partition" in written or "stream_slice" in written
    )


def _each(stream: Described, asked: Asked) -> str:
    """Return the values of lists that a request names."""
    found = []
    for router in stream.routers:
        if router.get("type") != "ListPartitionRouter":
            continue
        value = asked.at(router.get("request_option"))
        if value is None:
            values = router.get("values") or []
            values = stream.rendered(values) if isinstance(values, str) else values
            texts = [str(one) for one in values] if isinstance(values, list) else re.findall(r"[\w-]+", str(values))
            whole = " ".join(asked.texts)
            value = next((one for one in sorted(texts, key=len, reverse=True) if one in whole), "")
        found.append(str(value))
    return " ".join(found)


def _authorized(stream: Described, asked: Asked) -> bool:
    """Tell whether a request has a credential that the manifest sends."""
    authenticator = stream.requester.get("authenticator")
    if not authenticator or authenticator.get("type") == "NoAuth":
        return True
    secrets = [ISSUED]
    for path in below(json.dumps(authenticator).replace('\\"', "'"), "config"):
        value: Any = stream.config
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        if isinstance(value, str | int) and len(str(value)) > 2:
            secrets.append(str(value))
    sent = [*asked.headers.values(), *asked.texts]
    for value in list(sent):
        scheme, _, coded = value.partition(" ")
        if scheme == "Basic":
            sent.append(base64.b64decode(coded + "==").decode("utf-8", "replace"))
    return any(secret in value for secret in secrets for value in sent) or (
        len(secrets) == 1 and not _dynamic(authenticator)
    )


def _dynamic(authenticator: Mapping[str, Any]) -> bool:
    return bool(list(_token_addresses(authenticator)))


def _token_addresses(authenticator: Any) -> Iterator[str]:
    """Yield the addresses at which a stream gets tokens."""
    if not isinstance(authenticator, Mapping):
        return
    for name, value in authenticator.items():
        if name == "token_refresh_endpoint" and value:
            yield str(value)
        elif name == "login_requester" and isinstance(value, Mapping):
            base, path = str(value.get("url_base") or value.get("url") or ""), str(value.get("path") or "")
            yield f"{base.partition('?')[0].rstrip('/')}/{path.lstrip('/')}"
        elif isinstance(value, Mapping):
            yield from _token_addresses(value)


def _token(authenticator: Any) -> dict[str, Any]:
    """Return a response with a token, wherever the manifest reads it."""
    body: dict[str, Any] = {"access_token": ISSUED, "expires_in": 3600, "token_type": "Bearer"}
    body |= {"refresh_token": "newer-t0ken"} if authenticator.get("refresh_token_updater") else {}
    waiting = [authenticator]
    while waiting:
        one = waiting.pop()
        waiting += [value for value in one.values() if isinstance(value, Mapping)]
        expiry: Any = "2099-01-01T00:00:00Z" if one.get("token_expiry_date_format") else 3600
        for name, value in (("access_token_name", ISSUED), ("expires_in_name", expiry)):
            if one.get(name):
                body[str(one[name])] = value
        if one.get("session_token_path"):
            _put(body, one["session_token_path"], ISSUED)
    return body


def _envelope(stream: Described, page: Page, *, empty: bool) -> Any:
    """Return the body of a response; an empty list of children may be left out."""
    values: list[Any] = [row.value for row in page.rows]
    path, body = stream.path, {}
    if not path:
        if not page.fields or not values:
            return {} if page.fields else values
        body = dict(values[0])
    elif empty and stream.variant % 2:
        body = {}
    elif "*" in path:
        at = len(path) - 1 - path[::-1].index("*")
        items = [_nested(path[at + 1 :], value) for value in values]
        before = path[:at]
        while "*" in before:
            outer = len(before) - 1 - before[::-1].index("*")
            items, before = [_nested(before[outer + 1 :], items)], before[:outer]
        if not before:  # a list at the root is one body per item, in Airbyte
            return {f"item {number}": item for number, item in enumerate(items)}
        _put(body, before, items)
    else:
        listed = any(f"'{path[-1]}'" in str(text) or f".{path[-1]}" in str(text) for text in stream.strategy.values())
        single = len(values) == 1 and stream.variant % 4 == 0 and not listed  # expressions over the rows need a list
        _put(body, path, values[0] if single else values)
    for keys, value in page.fields:
        _put(body, keys, value)
    return body


def _nested(path: Sequence[str], value: Any) -> Any:
    for key in reversed(path):
        value = {key: value}
    return value


def _put(body: dict[str, Any], path: Sequence[Any], value: Any) -> None:
    for number, key in enumerate(path[:-1]):
        if isinstance(key, int):
            return
        inside = body.get(key)
        if isinstance(path[number + 1], int):
            body[key] = [{}] if not isinstance(inside, list) else inside
            _put(body[key][0], path[number + 2 :], value) if path[number + 2 :] else body[key].__setitem__(0, value)
            return
        if not isinstance(inside, dict):
            if isinstance(inside, list):
                return
            inside = body[key] = {}
        body = inside
    if path and not isinstance(path[-1], int):
        body[path[-1]] = value

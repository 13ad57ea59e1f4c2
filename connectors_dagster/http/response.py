"""Responses whose body is read at once and parsed once, and their description for a failed run."""

import json
import re
from collections.abc import Sequence
from typing import Any

import requests
import urllib3

from connectors_dagster.http.request_budget import LimitedAdapter, read_body
from connectors_dagster.rows.raw_json import decode, parse
from connectors_dagster.secrets.redaction import excerpt, redact

REQUEST_IDS = ("X-Request-Id", "Request-Id", "X-Correlation-Id", "X-Amzn-RequestId", "CF-Ray")
LATIN_1, CONTROL = ("iso-8859-1", "latin-1", "latin1"), re.compile(b"[\x80-\x9f]")
BODY = 500
"""Characters."""


class JsonResponse(requests.Response):
    """A response that parses its body once; the fields of the rows at `rows_at` stay JSON text."""

    rows_at: Sequence[str] | None = None
    ends_pages: bool = False
    """Whether this is a response without a body that is a page: after the first one, it is the end for some APIs."""
    row_keys: Sequence[bytes] = ()
    """The identity of each row in the body."""
    _parsed: Any = None

    @property
    def content(self) -> bytes:
        """The decoded body.

        Raises:
            requests.exceptions.ChunkedEncodingError: it was cut off, stalled or could not be decoded.
            LimitError: it is too large, or takes too long.
        """
        if not isinstance(self._content, bytes):
            try:
                self._content = read_body(self.raw)
            except urllib3.exceptions.HTTPError as error:
                raise requests.exceptions.ChunkedEncodingError(error) from error
        return self._content

    @property
    def apparent_encoding(self) -> str:
        """JSON is UTF-8; guessing would cost more than parsing."""
        return "utf-8"

    @property
    def text(self) -> str:
        """The body as text; what cannot be decoded is replaced."""
        try:
            return super().text
        except ValueError:  # requests replaces characters, but some of Python's encodings do not know how
            return self.content.decode("utf-8", "replace")

    def json(self, **_: Any) -> Any:
        """The parsed body.

        Raises:
            ValueError: the body is not JSON.
            requests.exceptions.InvalidJSONError: it is nested too deeply, or its charset is unknown.
        """
        if self._parsed is None and not self.ends_pages:
            body = self._as_utf8()
            try:
                self._parsed = decode(body) if self.rows_at is None else parse(body, self.rows_at)
            except RecursionError:
                raise requests.exceptions.InvalidJSONError(
                    "the JSON in the body is nested too deeply to be parsed"
                ) from None
        return self._parsed

    def parsed_whole(self) -> Any:
        """The body with the fields of rows parsed too, anew with each call."""
        return decode(self._as_utf8())

    def _as_utf8(self) -> bytes:
        """The body in UTF-8, even if the server uses another encoding or a byte order mark."""
        encoding = json.detect_encoding(self.content)
        if encoding != "utf-8":
            return self.content.decode(encoding).encode()
        try:
            self.content.decode()
            return self.content
        except UnicodeDecodeError:
            charset = self.encoding or "utf-8"
        if charset.lower() in LATIN_1 and CONTROL.search(self.content):
            charset = "cp1252"  # as browsers read it: servers declare one and send the other
        try:
            return self.content.decode(charset).encode()
        except LookupError:
            raise requests.exceptions.InvalidJSONError(
                f"the body is not in UTF-8, and Content-Type says that its charset is {charset!r}, which is unknown"
            ) from None


class JsonAdapter(LimitedAdapter):
    """An adapter that returns `JsonResponse` objects whose body is already read."""

    def send(self, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request and read the body, so that the connection is free for the next request."""
        response = super().send(*args, **kwargs)
        _ = response.content
        return response

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """Build the response as a `JsonResponse`."""
        response = super().build_response(req, resp)
        response.__class__ = JsonResponse
        return response


def describe_request(request: requests.PreparedRequest) -> str:
    """Return method and URL of a request, masked."""
    return redact(f"{request.method} {request.url}")


def describe_response(response: requests.Response, *, body: bool = True) -> dict[str, str | int]:
    """Return request, status, the API's own request id if there is one, and the beginning of the body, masked."""
    request_id = next((response.headers[name] for name in REQUEST_IDS if name in response.headers), None)
    return {
        "request": describe_request(response.request),
        "status": response.status_code,
        **({"request_id": excerpt(request_id, BODY)} if request_id else {}),
        **({"body": excerpt(response.text, BODY)} if body else {}),
    }

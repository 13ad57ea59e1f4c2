"""What came back: a body that is read in one go, and parsed once."""

from typing import Any, cast

import orjson
import requests
import urllib3
from requests.adapters import HTTPAdapter


class JsonResponse(requests.Response):
    """A response that parses its body with orjson, and only once."""

    _parsed: Any = None

    @property
    def content(self) -> bytes:
        """The decoded body.

        Raises:
            requests.exceptions.ChunkedEncodingError: it broke off, stalled or could not be decoded.
        """
        if not isinstance(self._content, bytes):
            try:
                self._content = self.raw.read(decode_content=True)
            except urllib3.exceptions.HTTPError as error:
                raise requests.exceptions.ChunkedEncodingError(error) from error
        return cast(bytes, self._content)

    @property
    def apparent_encoding(self) -> str:
        """JSON is UTF-8; guessing would cost more than parsing."""
        return "utf-8"

    def json(self, **_: Any) -> Any:
        """The parsed body; a body orjson finds too strange gets a second chance with the standard library."""
        if self._parsed is None:
            try:
                self._parsed = orjson.loads(self.content)
            except orjson.JSONDecodeError:
                self._parsed = super().json()
        return self._parsed


class JsonAdapter(HTTPAdapter):
    """An adapter whose responses are `JsonResponse`, complete when they are handed over."""

    def send(self, *args: Any, **kwargs: Any) -> requests.Response:
        """Send as requests does and read the body, so that the connection is free for the next request."""
        response = super().send(*args, **kwargs)
        _ = response.content
        return response

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """Build the response as requests does, then give it our class."""
        response = super().build_response(req, resp)
        response.__class__ = JsonResponse
        return response

"""The ways a request can carry its credentials."""

import base64
import binascii
from collections.abc import Callable

from starlette.requests import Request

Admission = Callable[[Request], bool]


def basic(username: str, password: str) -> Admission:
    """Build a check for HTTP basic credentials."""
    return lambda request: _basic_credentials(request) == f"{username}:{password}"


def bearer(token: str) -> Admission:
    """Build a check for a bearer token."""
    return lambda request: _authorization(request, "bearer") == token


def query_parameter(name: str, value: str) -> Admission:
    """Build a check for a key in the query string."""
    return lambda request: request.query_params.get(name) == value


def _basic_credentials(request: Request) -> str | None:
    try:
        return base64.b64decode(_authorization(request, "basic"), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def _authorization(request: Request, scheme: str) -> str:
    given, _, credentials = request.headers.get("authorization", "").partition(" ")
    return credentials if given.lower() == scheme else ""

"""Authentication of a stream."""

from collections.abc import Mapping
from typing import Any

from connectors_dagster.airbyte.errors import NotNativeError
from connectors_dagster.airbyte.manifest import Component
from connectors_dagster.airbyte.options import place_of
from connectors_dagster.airbyte.piece import Piece
from connectors_dagster.airbyte.stream import Stream, only_type
from connectors_dagster.airbyte.texts import write_text
from connectors_dagster.spec.placeholders import Secret, find_placeholders

LOCATIONS: Mapping[str, str] = {"headers": "header", "params": "query"}
WITH_TOKENS: Mapping[str, str] = {
    "OAuthAuthenticator": "OAuth access tokens",
    "SessionTokenAuthenticator": "session tokens",
    "LegacySessionTokenAuthenticator": "session tokens",
    "SelectiveAuthenticator": "authentication that a setting chooses",
    "JwtAuthenticator": "JWT",
}


def translate_auth(stream: Stream) -> Piece:
    """Translate the authenticator.

    Raises:
        NotNativeError: it has no translation.
    """
    written = stream.requester.get("authenticator")
    if not isinstance(written, Mapping) or written.get("type") == "NoAuth":
        return Piece()
    if piece := WITH_TOKENS.get(str(written.get("type"))):
        raise NotNativeError(piece, written.get("grant_type", ""))
    kind = only_type(
        written, "BearerAuthenticator", "ApiKeyAuthenticator", "BasicHttpAuthenticator", what="authentication"
    )
    if kind == "BearerAuthenticator":
        auth = {"type": "bearer", "token": _credential(written.get("api_token"), stream)}
    elif kind == "BasicHttpAuthenticator":
        username, password = (written.get(name, "") for name in ("username", "password"))
        auth = {
            "type": "http_basic",
            "username": _credential(username, stream, secret=False),
            "password": _or_empty(_credential(password, stream, optional=True)),
        }
    else:
        auth = _api_key(written, stream)
    return Piece(endpoint={"auth": auth})


def _api_key(written: Component, stream: Stream) -> dict[str, Any]:
    option = written.get("inject_into") or {"inject_into": "header", "field_name": written.get("header")}
    part, path = place_of(option, stream)
    if part not in LOCATIONS:
        raise NotNativeError("an API key in the body", path)
    key = _credential(written.get("api_token"), stream)
    return {"type": "api_key", "name": path[0], "api_key": key, "location": LOCATIONS[part]}


def _or_empty(password: str) -> str:
    """Return a password that is empty if none is given: many APIs want a key as user name, and no password."""
    if not isinstance(password, Secret) or not password.optional:
        return password
    return Secret(password, default="", description=password.description)


def _credential(text: Any, stream: Stream, *, secret: bool = True, optional: bool = False) -> str:
    """Return a placeholder for a credential, which may stand inside text; an empty text is one too."""
    written = write_text(str(text or ""), stream, secret=secret)
    settings = list(find_placeholders(written))
    if written and not settings:
        raise NotNativeError("a credential that is written into the manifest")
    if not optional and any(setting.optional for setting in settings):
        raise NotNativeError("a credential that may be missing", ", ".join(settings))
    return written

"""Authentication of a stream: plain credentials, one of several that a setting chooses, or a login."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from connectors_dagster.airbyte.credentials import LOCATIONS, credential, plain_auth
from connectors_dagster.airbyte.errors import NotNativeError
from connectors_dagster.airbyte.expressions import compiled
from connectors_dagster.airbyte.manifest import Component
from connectors_dagster.airbyte.options import place_of, put
from connectors_dagster.airbyte.piece import Piece
from connectors_dagster.airbyte.requests import BODIES, translate_requests
from connectors_dagster.airbyte.selection import GLOBS, written_path
from connectors_dagster.airbyte.shapes import listed
from connectors_dagster.airbyte.stream import Stream, check_decoder, only_type
from connectors_dagster.airbyte.texts import write_text
from connectors_dagster.spec.authentication import AuthChoice, SessionToken
from connectors_dagster.spec.placeholders import Setting, Text
from connectors_dagster.spec.windows import shortest

PLAIN = re.compile(r"\w+")


def translate_auth(stream: Stream) -> Piece:
    """Translate the authenticator.

    Raises:
        NotNativeError: it has no translation.
    """
    written = stream.requester.get("authenticator")
    if not written:
        return Piece()
    if not isinstance(written, Mapping):
        raise NotNativeError("authentication", "that is no object")  # it may have a secret
    if written.get("type") == "SelectiveAuthenticator":
        return Piece(options={"auth_choice": _choice(written, stream)})
    if written.get("type") == "SessionTokenAuthenticator":
        return Piece(options={"session_token": _login(written, stream)})
    if str((written.get("inject_into") or {}).get("inject_into")).startswith("body"):
        return _key_in_body(written, stream)
    auth = plain_auth(written, stream)
    return Piece(endpoint={"auth": auth}) if auth else Piece()


def _key_in_body(written: Component, stream: Stream) -> Piece:
    """Translate an API key that is a field of the body; requests without a body do not send it."""
    only_type(written, "ApiKeyAuthenticator", what="authentication")
    method = str(stream.requester.get("http_method")).upper()
    if method != "POST" or any(stream.requester.get(body) for body in BODIES):
        raise NotNativeError("an API key in the body", f"beside another body, or of a {method} request")
    return put(written["inject_into"], credential(written.get("api_token"), stream), stream)


def _choice(written: Component, stream: Stream) -> AuthChoice:
    """Translate authentication that a setting chooses: every one that it may choose."""
    path = tuple(listed(written.get("authenticator_selection_path"), "authenticator_selection_path"))
    if not path or not all(isinstance(name, str) and PLAIN.fullmatch(name) for name in path):
        raise NotNativeError("authentication that a setting chooses", f"at {path}")
    inside = replace(stream, settings=replace(stream.settings, given=path[:-1]))
    options = {str(name): plain_auth(one, inside) for name, one in (written.get("authenticators") or {}).items()}
    found = stream.settings.setting(path)
    if found.type is not str:
        raise NotNativeError("authentication that a setting chooses", f"by {found}, which is not text")
    return AuthChoice(by=Setting(found, choices=tuple(options), description=found.description), options=options)


def _login(written: Component, stream: Stream) -> SessionToken:
    """Translate a login that returns the token for all other requests."""
    requester = written.get("login_requester") or {}
    check_decoder(written)
    only_type(requester, "HttpRequester", what="a login")
    login = replace(stream, definition={"retriever": {"requester": requester}})
    parts = translate_requests(login, forms=True).endpoint
    auth = requester.get("authenticator")
    return SessionToken(
        url=_login_url(login, parts["path"]),
        method=parts.get("method", "GET"),
        **{part: parts[part] for part in ("params", "headers", "json", "data") if part in parts},
        auth=plain_auth(auth, login) if auth else {},
        token_path=_token_path(listed(written.get("session_token_path"), "session_token_path")),
        **_token_place(written.get("request_authentication") or {}, login),
        # Without a duration, Airbyte requests a token for every request.
        expires_after=_duration(written.get("expiration_duration") or "PT0S"),
    )


def _token_path(keys: Sequence[Any]) -> str:
    if not keys or not all(isinstance(key, str) and not GLOBS.search(key) and "{" not in key for key in keys):
        raise NotNativeError("a path to a token with wildcards", keys)
    return written_path(keys)


def _login_url(login: Stream, path: str) -> str:
    """Return the address of a login, as the toolkit joins it: without a slash if there is no path."""
    base = write_text(login.base_url, login)
    if not path:
        return base
    parts = [*(base.parts if isinstance(base, Text) else (base,))]
    if isinstance(parts[-1], Setting):
        raise NotNativeError("a login whose address is a setting beside a path", login.base_url)
    return Text(*parts[:-1], f"{parts[-1].rstrip('/')}/", path)


def _duration(text: str) -> str:
    try:
        return text if shortest(text, what="expiration_duration") >= timedelta(0) else "PT0S"
    except ValueError:
        raise NotNativeError("a duration that cannot be read", text) from None


def _token_place(written: Component, stream: Stream) -> dict[str, Any]:
    """Return where the token goes in requests, and what stands before it."""
    if only_type(written, "Bearer", "ApiKey", what="a place for a session token") == "Bearer":
        return {}
    part, path = place_of(written.get("inject_into") or {}, stream)
    if part not in LOCATIONS:
        raise NotNativeError("an API key in the body", path)
    token = compiled(str(written.get("api_token") or "{{ session_token }}")).parts or ()
    prefix = token[0] if len(token) == 2 else ""
    if not token or not isinstance(prefix, str) or getattr(token[-1], "name", "") != "session_token":
        raise NotNativeError("a session token inside text", written.get("api_token"))
    return {"name": path[0], "prefix": prefix, "location": LOCATIONS[part]}

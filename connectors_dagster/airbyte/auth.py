"""Authentication of a stream."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from connectors_dagster.airbyte.errors import NotNativeError
from connectors_dagster.airbyte.known_fields import ALWAYS
from connectors_dagster.airbyte.manifest import Component
from connectors_dagster.airbyte.options import place_of
from connectors_dagster.airbyte.parameters import PARAMETERS
from connectors_dagster.airbyte.piece import Piece
from connectors_dagster.airbyte.requests import translate_requests
from connectors_dagster.airbyte.selection import GLOBS, written_path
from connectors_dagster.airbyte.stream import Stream, only_type
from connectors_dagster.airbyte.texts import compiled, write_param, write_text
from connectors_dagster.spec.authentication import AuthChoice, SessionToken
from connectors_dagster.spec.placeholders import Secret, Setting, Text, find_placeholders
from connectors_dagster.spec.windows import shortest

PLAIN = re.compile(r"\w+")

LOCATIONS: Mapping[str, str] = {"headers": "header", "params": "query"}
TOKEN_FIELDS: Mapping[str, Any] = {
    "client_id": None,
    "client_secret": None,
    "grant_type": None,
    "token_refresh_endpoint": None,
    "refresh_request_body": None,
    "refresh_token": None,
    "access_token_name": "access_token",
    "expires_in_name": "expires_in",
    "scopes": (),
}
"""The fields of a usual request for a token, each with the only value that is usual; None for any."""
GRANTS = ("client_credentials", "refresh_token")
OF_EVERY_REQUEST = frozenset({"client_id", "client_secret", "grant_type", "refresh_token"})
"""What a request for a token has in any case; the manifest cannot replace it."""
WITH_TOKENS: Mapping[str, str] = {"LegacySessionTokenAuthenticator": "session tokens", "JwtAuthenticator": "JWT"}


def translate_auth(stream: Stream) -> Piece:
    """Translate the authenticator.

    Raises:
        NotNativeError: it has no translation.
    """
    written = stream.requester.get("authenticator")
    if not isinstance(written, Mapping):
        return Piece()
    if written.get("type") == "SelectiveAuthenticator":
        return Piece(options={"auth_choice": _choice(written, stream)})
    if written.get("type") == "SessionTokenAuthenticator":
        return Piece(options={"session_token": _login(written, stream)})
    auth = _auth(written, stream)
    return Piece(endpoint={"auth": auth}) if auth else Piece()


def _auth(written: Component, stream: Stream) -> dict[str, Any]:
    """Return the authentication as dlt has it; an empty one if there is none."""
    kind = str(written.get("type"))
    if kind == "NoAuth":
        return {}
    if piece := WITH_TOKENS.get(kind):
        raise NotNativeError(piece, written.get("grant_type", ""))
    return KINDS[only_type(written, *KINDS, what="authentication")](written, stream)


def _choice(written: Component, stream: Stream) -> AuthChoice:
    """Translate authentication that a setting chooses: every one that it may choose."""
    path = tuple(written.get("authenticator_selection_path") or ())
    if not path or not all(isinstance(name, str) and PLAIN.fullmatch(name) for name in path):
        raise NotNativeError("authentication that a setting chooses", f"at {path}")
    inside = replace(stream, settings=replace(stream.settings, given=path[:-1]))
    options = {str(name): _auth(one, inside) for name, one in (written.get("authenticators") or {}).items()}
    found = stream.settings.setting(path)
    if found.type is not str:
        raise NotNativeError("authentication that a setting chooses", f"by {found}, which is not text")
    return AuthChoice(by=Setting(found, choices=tuple(options), description=found.description), options=options)


def _login(written: Component, stream: Stream) -> SessionToken:
    """Translate a login that returns the token for all other requests."""
    requester = written.get("login_requester") or {}
    if written.get("decoder"):
        only_type(written["decoder"], "JsonDecoder", what="a decoder")
    only_type(requester, "HttpRequester", what="a login")
    login = replace(stream, definition={"retriever": {"requester": requester}})
    parts = translate_requests(login, forms=True).endpoint
    auth = requester.get("authenticator")
    return SessionToken(
        url=_login_url(login, parts["path"]),
        method=parts.get("method", "GET"),
        **{part: parts[part] for part in ("params", "headers", "json", "data") if part in parts},
        auth=_auth(auth, login) if isinstance(auth, Mapping) else {},
        token_path=_token_path(written.get("session_token_path") or ()),
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


def _bearer(written: Component, stream: Stream) -> dict[str, Any]:
    return {"type": "bearer", "token": _credential(written.get("api_token"), stream)}


def _basic(written: Component, stream: Stream) -> dict[str, Any]:
    username, password = (str(written.get(name) or "") for name in ("username", "password"))
    if password and compiled(password).is_constant:  # a word that the API wants beside a key, and no secret
        chosen: str = Secret("password_of_the_manifest", default=password, description="password, as the manifest says")
    else:
        chosen = _or_empty(_credential(password, stream, optional=True))
    return {"type": "http_basic", "username": _credential(username, stream, secret=False), "password": chosen}


def _oauth(written: Component, stream: Stream) -> dict[str, Any]:
    """Translate OAuth with client credentials or a refresh token, if the request for the token is as usual."""
    grant, usual = str(written.get("grant_type") or "refresh_token"), TOKEN_FIELDS
    if written.get("refresh_token_updater"):
        raise NotNativeError("a refresh token that is used once and written back")
    if grant not in GRANTS or (grant == "refresh_token") is not bool(written.get("refresh_token")):
        raise NotNativeError("OAuth access tokens", grant)
    own = set(written) - set(written.get(PARAMETERS) or {}) - ALWAYS
    for field in sorted(own - set(usual)):
        raise NotNativeError("a request for an access token that is not as usual", field)
    for field, value in usual.items():
        if value is not None and written.get(field) not in (None, [], value):
            raise NotNativeError("a request for an access token that is not as usual", f"{field}: {written[field]}")
    body: dict[str, Any] = {
        name: write_param(value, stream)
        for name, value in (written.get("refresh_request_body") or {}).items()
        if name not in OF_EVERY_REQUEST
    }
    if grant == "refresh_token":
        body |= {"grant_type": grant, "refresh_token": _credential(written.get("refresh_token"), stream)}
    return {
        "type": "oauth2_client_credentials",
        "access_token_url": write_text(str(written.get("token_refresh_endpoint")), stream),
        "client_id": _credential(written.get("client_id"), stream),
        "client_secret": _credential(written.get("client_secret"), stream),
        "access_token_request_data": body,
    }


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


KINDS: Mapping[str, Callable[[Component, Stream], dict[str, Any]]] = {
    "ApiKeyAuthenticator": _api_key,
    "BasicHttpAuthenticator": _basic,
    "BearerAuthenticator": _bearer,
    "OAuthAuthenticator": _oauth,
}

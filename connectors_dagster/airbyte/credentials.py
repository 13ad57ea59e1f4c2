"""Credentials of a stream, as dlt has them: bearer tokens, API keys, basic authentication and OAuth."""

from collections.abc import Callable, Mapping
from typing import Any

from connectors_dagster.airbyte.errors import NotNativeError
from connectors_dagster.airbyte.expressions import compiled
from connectors_dagster.airbyte.known_fields import ALWAYS
from connectors_dagster.airbyte.manifest import Component
from connectors_dagster.airbyte.options import place_of
from connectors_dagster.airbyte.parameters import PARAMETERS
from connectors_dagster.airbyte.shapes import listed
from connectors_dagster.airbyte.stream import Stream, only_type
from connectors_dagster.airbyte.texts import write_param, write_text
from connectors_dagster.spec.computed import Computed
from connectors_dagster.spec.placeholders import Secret, Setting, find_placeholders

LOCATIONS: Mapping[str, str] = {"headers": "header", "params": "query"}
TOKEN_FIELDS: Mapping[str, Any] = {
    "access_token_value": None,
    "token_expiry_date": None,
    "client_id": None,
    "client_secret": None,
    "grant_type": None,
    "token_refresh_endpoint": None,
    "refresh_request_body": None,
    "refresh_token": None,
    "refresh_token_updater": None,
    "access_token_name": "access_token",
    "expires_in_name": None,
    "token_expiry_date_format": None,
    "scopes": None,
}
"""The fields of a usual request for a token, each with the only value that is usual; None for any.

How long a token is valid does not matter if it is not said as usual: one that is rejected is replaced.
"""
GRANTS = ("client_credentials", "refresh_token")
OF_EVERY_REQUEST = frozenset({"client_id", "client_secret", "grant_type", "refresh_token"})
"""What a request for a token has in any case; the manifest cannot replace it."""
WITH_TOKENS: Mapping[str, str] = {"LegacySessionTokenAuthenticator": "session tokens", "JwtAuthenticator": "JWT"}


def plain_auth(written: Component, stream: Stream) -> dict[str, Any]:
    """Return the authentication as dlt has it; an empty one if there is none.

    Raises:
        NotNativeError: it has no translation.
    """
    kind = str(written.get("type"))
    if kind == "NoAuth":
        return {}
    if piece := WITH_TOKENS.get(kind):
        raise NotNativeError(piece, written.get("grant_type", ""))
    return KINDS[only_type(written, *KINDS, what="authentication")](written, stream)


def _bearer(written: Component, stream: Stream) -> dict[str, Any]:
    return {"type": "bearer", "token": credential(written.get("api_token"), stream)}


def _basic(written: Component, stream: Stream) -> dict[str, Any]:
    username, password = (str(written.get(name) or "") for name in ("username", "password"))
    if password and compiled(password).is_constant:  # a word that the API wants beside a key, and no secret
        chosen: str = Secret("password_of_the_manifest", default=password, description="password, as the manifest says")
    else:
        chosen = credential(password, stream)
    return {"type": "http_basic", "username": credential(username, stream, secret=False), "password": chosen}


def _oauth(written: Component, stream: Stream) -> dict[str, Any]:
    """Translate OAuth with client credentials or a refresh token, if the request for the token is as usual."""
    grant, usual = str(written.get("grant_type") or "refresh_token"), TOKEN_FIELDS
    updater = written.get("refresh_token_updater") or {}
    if updater.get("refresh_token_name") not in (None, "refresh_token"):
        raise NotNativeError("a refresh token of another name in the response", updater["refresh_token_name"])
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
    if scopes := listed(written.get("scopes"), "scopes"):
        body |= {"scopes": [write_param(one, stream) for one in scopes]}
    if grant == "refresh_token":
        body |= {"grant_type": grant, "refresh_token": credential(written.get("refresh_token"), stream)}
    return {
        "type": "oauth2_client_credentials",
        "access_token_url": write_text(str(written.get("token_refresh_endpoint")), stream),
        "client_id": credential(written.get("client_id"), stream),
        "client_secret": credential(written.get("client_secret"), stream),
        "access_token_request_data": body,
    }


def _api_key(written: Component, stream: Stream) -> dict[str, Any]:
    option = written.get("inject_into") or {"inject_into": "header", "field_name": written.get("header")}
    part, path = place_of(option, stream)
    if part not in LOCATIONS:
        raise NotNativeError("an API key in the body", path)
    key = credential(written.get("api_token"), stream)
    return {"type": "api_key", "name": path[0], "api_key": key, "location": LOCATIONS[part]}


def _or_empty(written: str) -> str:
    """Return a credential that is empty if none is given and none must be: Airbyte sends it so."""
    if not isinstance(written, Setting) or isinstance(written, Computed) or not written.optional:
        return written
    make = Secret if isinstance(written, Secret) else Setting
    return make(written, default="", description=written.description)


def credential(text: Any, stream: Stream, *, secret: bool = True) -> str:
    """Return a placeholder for a credential, which may stand inside text; an empty text is one too."""
    written = write_text(str(text or ""), stream, secret=secret)
    if written and not any(find_placeholders(written)):
        raise NotNativeError("a credential that is written into the manifest")
    return _or_empty(written)


KINDS: Mapping[str, Callable[[Component, Stream], dict[str, Any]]] = {
    "ApiKeyAuthenticator": _api_key,
    "BasicHttpAuthenticator": _basic,
    "BearerAuthenticator": _bearer,
    "OAuthAuthenticator": _oauth,
}

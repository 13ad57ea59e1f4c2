"""Authentication that dlt's configuration cannot express: one that a setting chooses, and tokens from a login."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from connectors_dagster.spec.placeholders import Setting
from connectors_dagster.spec.windows import shortest

Auth = Mapping[str, Any]
"""What `auth` of a client is in dlt's configuration."""
PLACEHOLDER = "{{"
"""In YAML, the beginning of a setting that is not known yet."""


@dataclass(frozen=True, kw_only=True)
class AuthChoice:
    """Authentication that the value of a setting chooses. The settings of the others need not be given.

    Args:
        by: the setting whose value chooses; its choices are the names in `options`.
        options: what `auth` of the client would be, for each value of the setting; an empty one is none.
    """

    by: str
    options: Mapping[str, Auth]

    def __post_init__(self) -> None:
        """Give the setting its choices; refuse a choice by anything else than a setting with text."""
        by = self.by
        if not self.options:
            raise ValueError("auth_choice: options is empty, so there is nothing to choose")
        if not isinstance(by, Setting):
            if PLACEHOLDER not in by:
                raise ValueError(
                    f'auth_choice: by is {by!r}: write "{{{{ setting.name }}}}", in Python Setting("name")'
                )
            return
        if by.type is not str or by.optional:
            raise ValueError(f"auth_choice: the setting {by} must be text, and must have a value")
        if by.choices and set(by.choices) != set(self.options):
            raise ValueError(f"auth_choice: {sorted(self.options)} are not the choices of the setting {by}")
        chooser = type(by)(by, default=by.default, choices=self.options, description=by.description)
        object.__setattr__(self, "by", chooser)

    def chosen(self, values: Mapping[Setting, Any]) -> Auth:
        """Return the authentication that these values of settings choose; an empty one if the setting has no value."""
        assert isinstance(self.by, Setting)  # the component has replaced the template
        return self.options.get(str(values.get(self.by) or self.by.default), {})


@dataclass(frozen=True, kw_only=True)
class SessionToken:
    """A token that is requested before anything else, for example by a login, and then sent with every request.

    Args:
        url: the address that returns the token; its origin may differ from that of the API.
        method: ``POST`` or ``GET``.
        params: query parameters of the request for the token, with settings and secrets as everywhere.
        headers: its headers.
        json: its body as JSON.
        data: its body as a form.
        auth: how it is authenticated, as in `auth` of the client.
        token_path: a JSON path in the response to the token.
        name: the header or query parameter with the token.
        prefix: the text before the token.
        location: ``header`` or ``query``.
        expires_after: how long a token is used, as ``PT8H``; with ``PT0S``, each request gets a new one. By default it
            is used until the API rejects it.
    """

    url: str
    method: Literal["POST", "GET"] = "POST"
    params: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, Any] = field(default_factory=dict)
    json: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    auth: Auth = field(default_factory=dict)
    token_path: str = "token"
    name: str = "Authorization"
    prefix: str = "Bearer "
    location: Literal["header", "query"] = "header"
    expires_after: str | None = None

    def __post_init__(self) -> None:
        """Refuse two bodies, and a duration or a path that cannot be read."""
        if self.json and self.data:
            raise ValueError("session_token: json and data are both set: a request has one body")
        if self.auth.get("type") == "oauth2_client_credentials":
            raise ValueError("session_token: auth needs a token itself: use oauth2_client_credentials without a login")
        if self.lifetime is not None and self.lifetime < timedelta(0):
            raise ValueError(f"session_token: expires_after is {self.expires_after}: it must not be negative")

    @property
    def lifetime(self) -> timedelta | None:
        """How long a token is used; None until it is rejected."""
        return shortest(self.expires_after, what="session_token: expires_after") if self.expires_after else None

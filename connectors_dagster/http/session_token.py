"""Tokens that a login returns, requested and renewed with the same care as those of OAuth2."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from connectors_dagster.compat.dlt_internals import create_auth, find_values
from connectors_dagster.http.request_parts import build_query, without_param
from connectors_dagster.http.request_policy import RequestPolicy
from connectors_dagster.http.token_auth import RenewedAuth, is_token
from connectors_dagster.secrets.redaction import remember
from connectors_dagster.spec.authentication import SessionToken


def put_token(request: requests.PreparedRequest, login: SessionToken, token: str) -> requests.PreparedRequest:
    """Put the token of a login into a request, in the place of one that it has."""
    name, value = login.name, f"{login.prefix}{token}"
    if login.location == "query":
        request.prepare_url(without_param(str(request.url), name), {name: value})
    else:
        request.headers[name] = value
    return request


class SessionTokenAuth(RenewedAuth):
    """Puts the token of a login into requests.

    Args:
        login: the request for the token, with the settings filled in.
        policy: how tokens are requested.
        label: names the connector in errors.
        settings: names of the settings with the credentials, for errors.
    """

    def __init__(self, login: SessionToken, policy: RequestPolicy, label: str, settings: Sequence[str]) -> None:
        """Request nothing yet."""
        super().__init__(policy, f"{label}: session token", settings)
        self.login, self._clock = login, policy.clock
        self._token, self._obtained = "", 0.0
        auth: Any = create_auth(dict(login.auth)) if login.auth else None  # type: ignore[arg-type]  # dlt validated it
        self._auth = auth

    def _expired(self) -> bool:
        lifetime = self.login.lifetime
        return not self._token or (lifetime is not None and self._clock() - self._obtained >= lifetime.total_seconds())

    def _obtain(self) -> None:
        self._token, login = "", self.login
        asked = self._clock()
        response = self.session.request(
            login.method,
            login.url,
            params=build_query(login.params, join_lists=False),
            headers=dict(login.headers),
            json=dict(login.json) or None,
            data=dict(login.data) or None,
            auth=self._auth,
        )
        found = find_values(login.token_path, response.json())
        token = str(found[0]) if found and type(found[0]) in (str, int) else None
        if not is_token(token):
            raise self._unusable(f"has no token at {login.token_path} that can be sent: check token_path")
        self._token, self._obtained = str(token), asked
        remember([self._token])

    def _put(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return put_token(request, self.login, self._token)

    def _carried_by(self, request: requests.PreparedRequest) -> bool:
        name, value = self.login.name, f"{self.login.prefix}{self._token}"
        if self.login.location == "query":
            return parse_qs(urlsplit(str(request.url)).query).get(name) == [value]
        return request.headers.get(name) == value

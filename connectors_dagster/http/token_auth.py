"""OAuth2 access tokens that are requested with the same care as everything else, and renewed when they are revoked."""

import threading
from collections.abc import Sequence

import requests
from dlt.sources.helpers.rest_client.auth import OAuth2ClientCredentials
from requests.auth import AuthBase

from connectors_dagster.errors import ApiError
from connectors_dagster.http.read_stats import ReadStats
from connectors_dagster.http.request_policy import RequestPolicy
from connectors_dagster.http.session import ApiSession
from connectors_dagster.secrets.redaction import remember

NO_TOKEN = ("", "None")


class TokenAuth(AuthBase):
    """Puts dlt's OAuth2 token into requests.

    Tokens are requested through a session of this project: to the declared URL only, with retries and without
    redirects. A token is masked as soon as it is known.

    Args:
        oauth: dlt's authentication, which requests and parses tokens.
        policy: how token requests are made; its base_url is the URL of the token endpoint.
        label: names the connector or resource in errors.
        settings: names of the settings with the credentials, for errors.
    """

    def __init__(
        self, oauth: OAuth2ClientCredentials, policy: RequestPolicy, label: str, settings: Sequence[str]
    ) -> None:
        """Request nothing yet."""
        self.oauth, self._lock = oauth, threading.Lock()
        named = f" with {' and '.join(settings)}" if settings else ""
        self.label = f"{label}: access token{named}"
        session = ApiSession(policy, ReadStats(), self.label)
        session.hooks["response"].append(_raise_for_status)
        session.max_redirects = 0
        oauth.session = session

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the token, after requesting one if there is none or it has expired."""
        with self._lock:
            if self.oauth.access_token is None or self.oauth.is_token_expired():
                self._obtain()
            return self.oauth(request)

    def renew(self, rejected: requests.PreparedRequest) -> None:
        """Replace the token that a rejected request carried, unless another thread has done so, and add the new one."""
        with self._lock:
            if rejected.headers.get("Authorization") == f"Bearer {self.oauth.access_token}":
                self._obtain()
            self.oauth(rejected)

    def _obtain(self) -> None:
        self.oauth.obtain_token()
        token = str(self.oauth.access_token)
        if token in NO_TOKEN:
            self.oauth.access_token = None
            raise ApiError(f"{self.label}: the response of {self.oauth.access_token_url} has no access_token")
        remember([token])


def _raise_for_status(response: requests.Response, *_: object, **__: object) -> None:
    response.raise_for_status()

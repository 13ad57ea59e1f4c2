"""OAuth2 access tokens that are requested with the same care as everything else, and renewed when they are revoked."""

import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence

import requests
from dlt.sources.helpers.rest_client.auth import OAuth2ClientCredentials
from requests.auth import AuthBase

from connectors_dagster.errors import ApiError
from connectors_dagster.files.kept_secrets import REFRESH_TOKEN
from connectors_dagster.http.read_stats import ReadStats
from connectors_dagster.http.refresh_token import RefreshToken
from connectors_dagster.http.request_policy import RequestPolicy
from connectors_dagster.http.session import ApiSession
from connectors_dagster.secrets.redaction import remember

NO_TOKEN = ("None", "null", "undefined")
TOKENS = ("access_token", "refresh_token", "id_token")
TOKEN = re.compile(r"[\x21-\x7e]+")
"""What fits into a header: no blank, no line break, nothing outside of ASCII."""


def is_token(value: object) -> bool:
    """Return whether a value can be sent as a token."""
    return isinstance(value, str) and bool(TOKEN.fullmatch(value)) and value not in NO_TOKEN


class RenewedAuth(AuthBase, ABC):
    """Puts a token into requests, which is requested when it is needed and replaced when it is rejected.

    Tokens are requested through a session of this project: to the declared URL only, with retries and without
    redirects. A token is masked as soon as it is known.

    Args:
        policy: how tokens are requested; its base_url is the URL that returns them.
        label: names the connector and what kind of token it is, in errors.
        settings: names of the settings with the credentials, for errors.
    """

    def __init__(self, policy: RequestPolicy, label: str, settings: Sequence[str]) -> None:
        """Request nothing yet."""
        self._lock, self.url = threading.Lock(), policy.base_url
        named = f" with {' and '.join(settings)}" if settings else ""
        self.label = f"{label}{named}"
        self.session = ApiSession(policy, ReadStats(), self.label)
        self.session.hooks["response"].append(self._check)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the token, after requesting one if there is none or it has expired."""
        with self._lock:
            if self._expired():
                self._obtain()
            return self._put(request)

    def renew(self, rejected: requests.PreparedRequest) -> None:
        """Replace the token that a rejected request carried, unless another thread has done so, and add the new one."""
        with self._lock:
            if self._carried_by(rejected):
                self._obtain()
            self._put(rejected)

    @abstractmethod
    def _expired(self) -> bool:
        """Return whether there is no token that can be used."""

    @abstractmethod
    def _obtain(self) -> None:
        """Request a token."""

    @abstractmethod
    def _put(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the token to a request."""

    @abstractmethod
    def _carried_by(self, request: requests.PreparedRequest) -> bool:
        """Return whether a request carries the token."""

    def _check(self, response: requests.Response, *_: object, **__: object) -> None:
        """Refuse an error and a redirect."""
        response.raise_for_status()
        if response.is_redirect:
            where = response.headers.get("Location")
            raise self._unusable(f"redirects to {where}, which is not followed: set the address of the token itself")

    def _unusable(self, why: str) -> ApiError:
        return ApiError(f"{self.label}: the response of {self.url} {why}")


class TokenAuth(RenewedAuth):
    """Puts dlt's OAuth2 token into requests.

    Args:
        oauth: dlt's authentication, which requests and parses tokens.
        policy: how tokens are requested.
        label: names the connector in errors.
        settings: names of the settings with the credentials, for errors.
    """

    def __init__(
        self, oauth: OAuth2ClientCredentials, policy: RequestPolicy, label: str, settings: Sequence[str]
    ) -> None:
        """Request nothing yet."""
        super().__init__(policy, f"{label}: access token", settings)
        self.oauth, oauth.session = oauth, self.session
        self.refresh_token = RefreshToken(oauth, policy.kept_secrets, self.label)

    def _expired(self) -> bool:
        return self.oauth.access_token is None or self.oauth.is_token_expired()

    def _put(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return self.oauth(request)

    def _carried_by(self, request: requests.PreparedRequest) -> bool:
        return request.headers.get("Authorization") == f"Bearer {self.oauth.access_token}"

    def _obtain(self) -> None:
        self.oauth.access_token = None
        try:
            with self.refresh_token.sent():
                self.oauth.obtain_token()
        except (AttributeError, TypeError, ValueError, OverflowError):  # dlt takes the response apart unchecked
            self.oauth.access_token = None
            failure = self._unusable("is not an object with access_token, or its expires_in is not a number")
        else:
            return
        raise failure

    def _check(self, response: requests.Response, *_: object, **__: object) -> None:
        """Refuse a response without a token before dlt makes the text "None" of it, and mask the tokens in it."""
        super()._check(response)
        try:
            body = response.json()
        except ValueError:
            return  # the session says so
        found = body if isinstance(body, dict) else {}
        tokens = (found.get(name) for name in TOKENS)
        remember(token for token in tokens if isinstance(token, str) and token not in NO_TOKEN)
        if is_token(newer := found.get(REFRESH_TOKEN)):
            self.refresh_token.replace(str(newer))
        if found.get("expires_in", 0) is None:
            del found["expires_in"]  # dlt reads a missing one, but not null
        token = found.get("access_token")
        if not is_token(token):
            raise self._unusable("has no access_token that can be sent")

"""The refresh token of OAuth2: the configured one, or the one that the API has put in its place."""

from collections.abc import Iterator
from contextlib import contextmanager

from dlt.sources.helpers.rest_client.auth import OAuth2ClientCredentials
from filelock import Timeout

from connectors_dagster.errors import TransientApiError
from connectors_dagster.files.kept_secrets import REFRESH_TOKEN, KeptSecrets
from connectors_dagster.secrets.redaction import remember


class RefreshToken:
    """Sends the newest refresh token, and keeps the one that a response puts in its place (RFC 6749, section 6).

    Without a refresh token in the request, or without a place for secrets, it does nothing.

    Args:
        oauth: dlt's authentication, which requests the access token.
        kept: where newer refresh tokens are kept; None if they are not.
        label: names the connector in errors.
    """

    def __init__(self, oauth: OAuth2ClientCredentials, kept: KeptSecrets | None, label: str) -> None:
        """Read nothing yet."""
        self._oauth, self._label = oauth, label
        asked = oauth.access_token_request_data
        configured = asked.get(REFRESH_TOKEN) if asked.get("grant_type") == REFRESH_TOKEN else None
        self._configured = str(configured or "")
        self._kept = kept if self._configured else None

    @contextmanager
    def sent(self) -> Iterator[None]:
        """Send the newest token in this block, in which no other thread or process uses it.

        Raises:
            TransientApiError: another one uses it for too long.
        """
        if self._kept is None:
            yield
            return
        try:
            held = self._kept.alone(self._configured)
        except Timeout:
            raise TransientApiError(
                f"{self._label}: another run has used the refresh token for {self._kept.timeout:.0f} s, which only one "
                "can use at a time: wait until it has ended"
            ) from None
        with held:
            self._send(str(self._kept.read(self._configured).get(REFRESH_TOKEN) or self._configured))
            yield

    def replace(self, token: str) -> None:
        """Keep a token that the API has returned, if it is another one."""
        sent = self._oauth.access_token_request_data.get(REFRESH_TOKEN)
        if self._kept is not None and token != sent:
            self._kept.keep(self._configured, {REFRESH_TOKEN: token})
            self._send(token)

    def _send(self, token: str) -> None:
        remember([token])
        self._oauth.access_token_request_data = {**self._oauth.access_token_request_data, REFRESH_TOKEN: token}

"""The URL of a server in the configuration, which may contain a password or be a secret itself."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from connectors_dagster.config.destination_secrets import passwords_in
from connectors_dagster.config.values import environment
from connectors_dagster.errors import SettingError
from connectors_dagster.secrets.redaction import remember

WEB = ("https", "http")


def server_url(path: str, configured: Any, schemes: Sequence[str], example: str) -> str | None:
    """Check a configured URL; its password is masked from now on. None if there is none.

    Args:
        path: where it is in the configuration.
        configured: what is there.
        schemes: those that are allowed; a URL of the web must name its host.
        example: one that is allowed, for the message.

    Raises:
        SettingError: it is no URL with such a scheme; does not show it.
    """
    url = str(configured or "").strip()
    if not url:
        return None
    remember(passwords_in(url))
    try:
        found = urlsplit(url)
        usable = found.scheme in schemes and (found.port or 1) > 0 and found.netloc.count("@") <= 1
        usable = usable and bool(found.hostname or found.scheme not in WEB)
    except ValueError:
        usable = False
    if not usable:
        raise SettingError(f"{environment(path)} cannot be used: it must be a URL such as {example}")
    return url

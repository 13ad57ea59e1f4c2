"""The only origin a connector sends requests to, so that credentials do not leave it."""

from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

import requests

from connectors_dagster.errors import ApiError, ForeignOriginError

PORTS = {"http": 80, "https": 443}


def home_origin(base_url: str, *, allow_http: bool) -> str:
    """Return the origin of a base URL as requests writes it: scheme, host and port.

    Raises:
        ApiError: the URL is not http(s), contains credentials, or would send them over the network unencrypted.
    """
    if "@" in base_url:
        raise ApiError("base_url contains an @ (the URL is not shown here): put credentials into their own settings")
    shown, prepared = repr(base_url), requests.PreparedRequest()
    try:
        prepared.prepare_url(base_url, None)
        home = _origin(str(prepared.url))
    except ValueError:
        home = ""
    if not home:
        raise ApiError(f"base_url {shown} is not an http(s) URL")
    if home.startswith("http:") and not (allow_http or is_loopback(home)):
        raise ApiError(
            f"base_url {shown} would send the credentials unencrypted: "
            "use https, or set allow_http = true for this source"
        )
    return home


def check_origin(url: str, home: str, label: str) -> None:
    """Refuse a URL with another scheme, host or port, or with user info.

    Raises:
        ForeignOriginError: the URL is refused before anything is sent.
    """
    try:
        stays = _origin(url) == home and "@" not in urlsplit(url).netloc
    except ValueError:
        stays = False
    if not stays:
        raise ForeignOriginError(f"{label}: refused to follow a link to {url}: it leaves the API's origin {home}")


def same_origin(one: str, other: str) -> bool:
    """Return whether two URLs have the same scheme, host and port."""
    try:
        return _origin(one) == _origin(other)
    except ValueError:
        return False


@lru_cache(maxsize=1_000)
def is_loopback(origin: str) -> bool:
    """Return whether an origin is this machine."""
    host = urlsplit(origin).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _origin(url: str) -> str:
    """Return scheme, host and port; raise ValueError if the URL does not have them."""
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError("not an http(s) URL")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{PORTS[parts.scheme] if parts.port is None else parts.port}"

"""The requests that a resource would make, without sending any and without reading settings."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from connectors_dagster.http.endpoint import Endpoint
from connectors_dagster.http.filled_config import find_auth
from connectors_dagster.http.read_stats import ReadStats
from connectors_dagster.http.request_policy import RequestPolicy
from connectors_dagster.http.session_token import put_token
from connectors_dagster.read.bounds import window_bounds
from connectors_dagster.rows.json_codec import load
from connectors_dagster.spec.authentication import SessionToken
from connectors_dagster.spec.computed import Computed
from connectors_dagster.spec.connector import Connector
from connectors_dagster.spec.declared_settings import USUAL as USUAL_VALUES
from connectors_dagster.spec.dry_request import MASK, DryRequest
from connectors_dagster.spec.placeholders import Secret, Setting, Text, fill_placeholders
from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.shared_list import IDS, SharedList
from connectors_dagster.spec.windows import Slice, Window

USUAL = ("User-Agent", "Accept-Encoding", "Accept", "Connection", "Content-Length", "Content-Type")
"""Headers that every request has."""


class _SentError(Exception):
    """Carries a request that is not sent."""

    def __init__(self, request: requests.PreparedRequest) -> None:
        super().__init__()
        self.request = request


class _Unsent(HTTPAdapter):
    """Raises what it should send."""

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        raise _SentError(request)


class _Token(AuthBase):
    """Puts a masked token where a real one would be."""

    def __init__(self, auth: Any) -> None:
        self.login = auth if isinstance(auth, SessionToken) else SessionToken(url="")

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return put_token(request, self.login, MASK)


def dry_requests(resource: Resource, window: Window) -> list[DryRequest]:
    """Return the first request for each thing that is requested: the token if there is one, then the rows.

    Args:
        resource: what would be read.
        window: of which time, if the resource is loaded in windows.
    """
    values = _values(resource.connector)
    endpoint = Endpoint(resource, values)
    found = []
    auth = find_auth(resource, values)
    if isinstance(auth, SessionToken) or (isinstance(auth, Mapping) and "access_token_url" in auth):
        found.append(_described(_first(endpoint, window, values), ["once, and again when the token expires"]))
        endpoint.auth = _Token(auth)
    if shared := resource.options.shared_list:
        of_all, repeated = _shared(resource, shared, values)
        found.append(_described(_first(of_all, window, values), repeated))
    found.append(_described(_first(endpoint, window, values), list(_repeated(endpoint, window))))
    return found


def _shared(resource: Resource, shared: SharedList, values: Mapping[Setting, Any]) -> tuple[Endpoint, list[str]]:
    """Return the list with the children of all parents, and what it is requested for."""
    endpoint = Endpoint(shared.resource(resource), values)
    endpoint.each = [{IDS: f"{{ids of {resource.name}}}"}]
    batches = [f"for every {shared.ids_at_once} rows"] if shared.ids_param else []
    return endpoint, ["in place of the next request, if the API has this list", *batches]


def _values(connector: Connector) -> dict[Setting, Any]:
    """Return a value for each setting: its default, or something that shows its name."""
    values = {setting: _value(setting) for setting in connector.settings}
    for address in (connector.config["client"]["base_url"], *(one.base_url for one in connector.graph.values())):
        host: Any = address.parts[0] if isinstance(address, Text) else address
        if isinstance(host, Setting) and not isinstance(host, Computed) and "://" not in values[host]:
            values[host] = f"https://{values[host].lower().replace('_', '-')}.example"
    return {**values, **{one: _computed(one, values) for one in connector.computed(values)}}


def _computed(one: Computed, values: Mapping[Setting, Any]) -> Any:
    """Return a computed value, or the expression if the examples do not fit it."""
    try:
        return MASK if one.secret else one.value(values)
    except ValueError:
        return one.text


def _value(setting: Setting) -> Any:
    if isinstance(setting, Secret):
        return MASK
    if setting.default_given:
        return setting.default
    return setting.choices[0] if setting.choices else USUAL_VALUES.get(setting.type, str(setting).upper())


def _first(endpoint: Endpoint, window: Window, values: Mapping[Setting, Any]) -> requests.PreparedRequest:
    """Return the first request that an endpoint would send."""
    resource = endpoint.resource
    base_url = str(fill_placeholders(resource.base_url, values))
    policy = RequestPolicy(base_url=base_url, allow_http=True, adapter=_Unsent())
    session = endpoint.open_session(policy, ReadStats(), str(resource))
    each = endpoint.each[0]
    bounds = window_bounds(resource, _slices(resource, window)[:1]) if resource.filtered else {}
    try:
        if resource.parent:
            parent = {name: f"{{{resource.parent.name}.{name}}}" for name in resource.parent_fields}
            next(endpoint.child_pages(session, parent, parents_page=1, bounds=bounds, each=each))
        else:
            next(endpoint.pages(session, bounds, each=each))
    except _SentError as sent:
        return sent.request
    raise AssertionError(f"{resource} makes no request")


def _slices(resource: Resource, window: Window) -> list[Slice]:
    whole = Slice(window, window.start, window.start)
    step = resource.cursor and resource.cursor.request_step
    return list(whole.parts(step)) if step else [whole]


def _repeated(endpoint: Endpoint, window: Window) -> Iterator[str]:
    """Say what the request is repeated for."""
    resource = endpoint.resource
    if resource.parent:
        yield f"for each row of {resource.parent.name}"
    if resource.options.for_each:
        yield f"for each of {len(endpoint.each)} values of {', '.join(resource.options.for_each)}"
    if resource.filtered and (parts := len(_slices(resource, window))) > 1:
        yield f"for each of {parts} parts of the window"
    if resource.cursor and not resource.bounded:
        yield "once for all windows of a run"
    if (paginator := resource.endpoint.get("paginator")) or resource.options.next_page:
        kind = paginator if isinstance(paginator, str) else dict(paginator or {"type": "computed"}).get("type")
        if kind != "single_page":
            yield f"for each page ({kind})"


def _described(request: requests.PreparedRequest, repeated: list[str]) -> DryRequest:
    parts = urlsplit(str(request.url))
    params: dict[str, Any] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        params[name] = (
            [*([params[name]] if isinstance(params[name], str) else params[name]), value] if name in params else value
        )
    headers = {name: _masked(name, str(value)) for name, value in request.headers.items() if name not in USUAL}
    return DryRequest(
        method=str(request.method),
        url=unquote(urlunsplit(parts._replace(query=""))),
        params=params,
        headers=headers,
        body=_body(request),
        repeated=repeated,
    )


def _masked(name: str, value: str) -> str:
    return f"Basic {MASK}" if name == "Authorization" and value.startswith("Basic ") else value


def _body(request: requests.PreparedRequest) -> Any:
    if not request.body:
        return None
    text = request.body.decode() if isinstance(request.body, bytes) else str(request.body)
    if "json" in request.headers.get("Content-Type", ""):
        return load(text.encode())
    return dict(parse_qsl(text, keep_blank_values=True))

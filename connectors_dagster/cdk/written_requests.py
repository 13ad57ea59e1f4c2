"""The requests of a stream that airbyte-cdk reads, as its manifest writes them; only it knows what they become."""

from collections.abc import Iterator, Mapping
from typing import Any

from connectors_dagster.airbyte.manifest import Component
from connectors_dagster.airbyte.stream import LIST, filled
from connectors_dagster.spec.dry_request import MASK, DryRequest

REQUESTERS = {
    "requester": (),
    "creation_requester": ("begins a job",),
    "polling_requester": ("until the job has ended",),
    "download_requester": ("for each result of the job",),
}
"""The requesters of a retriever, with what the requests of each are for."""
PARTS = {"request_parameter": "params", "header": "headers", "body_json": "body", "body_data": "body"}
BODIES = ("request_body_json", "request_body_data", "request_body")
BOUNDS = {"start_time_option": "{start of the window}", "end_time_option": "{end of the window}"}


def written_requests(definition: Component) -> Iterator[DryRequest]:
    """Yield the requests of a stream."""
    retriever = filled(definition.get("retriever") or {})
    repeated = list(dict.fromkeys(_repeated(retriever)))
    for name, purpose in REQUESTERS.items():
        requester = retriever.get(name)
        if isinstance(requester, Mapping):
            options = list(_options(definition, retriever)) if name in ("requester", "creation_requester") else []
            yield _request(requester, options, [*purpose, *repeated, "by airbyte-cdk, as the manifest writes it"])


def _request(requester: Component, options: list[tuple[Any, str]], repeated: list[str]) -> DryRequest:
    body = next((requester[name] for name in BODIES if requester.get(name)), None)
    credentials, elsewhere = _credentials(requester.get("authenticator"))
    found: dict[str, Any] = {
        "params": _texts(requester.get("request_parameters")),
        "headers": _texts(requester.get("request_headers")) | credentials,
        "body": _texts(body) if isinstance(body, Mapping) else body,
    }
    for option, value in (*options, *elsewhere):
        name, part = _place(option)
        if part == "body":
            found[part] = {**(found[part] if isinstance(found[part], dict) else {}), name: value}
        elif part:
            found[part][name] = value
    address = f"{str(requester.get('url_base') or requester.get('url') or '').rstrip('/')}/"
    path = str(requester.get("path") or "").lstrip("/")
    method = str(requester.get("http_method") or "GET").upper()
    return DryRequest(method=method, url=_line(address + path).rstrip("/"), repeated=repeated, **found)


def _options(definition: Component, retriever: Component) -> Iterator[tuple[Any, str]]:
    """Yield where something goes that the manifest does not write into the request, and what that is."""
    cursor = definition.get("incremental_sync") or {}
    yield from ((cursor.get(name), words) for name, words in BOUNDS.items())
    for router in _listed(retriever.get("partition_router")):
        yield router.get("request_option"), f"{{{router.get('cursor_field')}}}"
        for parent in _listed(router.get("parent_stream_configs")):
            yield parent.get("request_option"), f"{{{_name(parent)}.{parent.get('parent_key')}}}"
    paginator = retriever.get("paginator") or {}
    size = (paginator.get("pagination_strategy") or {}).get("page_size")
    yield paginator.get("page_size_option"), str(size)


def _place(option: Any) -> tuple[str, str | None]:
    """Return the name under which something goes into a request, and the part of the request."""
    if not isinstance(option, Mapping):
        return "", None
    name = ".".join(map(str, option.get("field_path") or [option.get("field_name")]))
    return name, PARTS.get(str(option.get("inject_into")))


def _credentials(authenticator: Any) -> tuple[dict[str, str], list[tuple[Any, str]]]:
    """Return the headers that an authenticator adds, and where else it puts something."""
    if not isinstance(authenticator, Mapping) or authenticator.get("type") in (None, "NoAuth"):
        return {}, []
    if authenticator["type"] != "ApiKeyAuthenticator":
        return {"Authorization": f"{MASK} ({authenticator['type']})"}, []
    header = authenticator.get("header")
    return ({str(header): MASK} if header else {}), [(authenticator.get("inject_into"), MASK)]


def _repeated(retriever: Component) -> Iterator[str]:
    for router in _listed(retriever.get("partition_router")):
        if router.get("type") == LIST:
            yield f"for each value of {router.get('cursor_field')}"
        yield from (f"for each row of {_name(one)}" for one in _listed(router.get("parent_stream_configs")))
    if (retriever.get("paginator") or {}).get("type") == "DefaultPaginator":
        yield "for each page"


def _name(parent: Component) -> str:
    return str((parent.get("stream") or {}).get("name"))


def _listed(value: Any) -> list[Component]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, Mapping)]


def _texts(written: Any) -> dict[str, Any]:
    """Return names and values, on one line each."""
    pairs = written.items() if isinstance(written, Mapping) else []
    return {str(name): _line(value) if isinstance(value, str) else value for name, value in pairs}


def _line(text: str) -> str:
    return " ".join(text.split())

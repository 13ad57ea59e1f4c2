"""Pages: which paginator follows a list as the manifest does."""

from collections.abc import Callable, Mapping
from typing import Any

from connectors_dagster.airbyte.cursor_pages import translate_cursor_pages
from connectors_dagster.airbyte.errors import NotNativeError
from connectors_dagster.airbyte.expressions import compiled, constant
from connectors_dagster.airbyte.manifest import Component
from connectors_dagster.airbyte.options import place_of, put
from connectors_dagster.airbyte.piece import Piece, joined
from connectors_dagster.airbyte.stream import Stream, check_decoder, only_type
from connectors_dagster.airbyte.texts import write_text
from connectors_dagster.spec.next_page import NextPage
from connectors_dagster.spec.page_size import sets_page_size
from connectors_dagster.spec.placeholders import Setting

FIRST_ONLY = "ignore_stream_slicer_parameters_on_paginated_requests"
SINGLE = Piece(endpoint={"paginator": {"type": "single_page"}})
IN_BODY: Mapping[str, str] = {"params": "param", "json": "body_path"}


def translate_pagination(stream: Stream) -> Piece:
    """Translate the paginator.

    Raises:
        NotNativeError: it has no translation.
    """
    paginator = stream.paginator
    if not paginator or paginator.get("type") == "NoPagination":
        return SINGLE
    only_type(paginator, "DefaultPaginator", what="a paginator")
    strategy = paginator.get("pagination_strategy") or {}
    for part in (paginator, strategy):
        check_decoder(part)
    _check_repeated(stream)
    kind = only_type(strategy, *STRATEGIES, what="a way to find the next page")
    size = _page_size(strategy, stream)
    return STRATEGIES[kind](stream, strategy, size)


def _check_repeated(stream: Stream) -> None:
    """Refuse parameters that only the first page has, except beside a link, which has its own."""
    by_link = (stream.paginator.get("page_token_option") or {}).get("type") == "RequestPath"
    options = (stream.cursor.get("start_time_option"), stream.cursor.get("end_time_option"))
    sent = any(options) or bool(stream.parent_config.get("request_option"))
    if stream.retriever.get(FIRST_ONLY) and sent and not by_link:
        raise NotNativeError("parameters that only the first page has")


def _page_size(strategy: Component, stream: Stream) -> int | Setting | None:
    written = strategy.get("page_size")
    if written is None or isinstance(written, int):
        return written
    found = constant(str(written)) if compiled(str(written)).is_constant else write_text(str(written), stream)
    if isinstance(found, int) or (isinstance(found, Setting) and found.type is int and not found.optional):
        return found
    raise NotNativeError("a page size that is no number", written)


def _size_sent(stream: Stream, size: int | Setting | None) -> Piece:
    option = stream.paginator.get("page_size_option")
    return put(option, size, stream) if option and size is not None else Piece()


def _token_place(stream: Stream, what: str) -> dict[str, str]:
    """Return dlt's argument with the place of the next page's number, such as ``{"page_param": "page"}``."""
    option = stream.paginator.get("page_token_option")
    if not isinstance(option, Mapping) or option.get("type") == "RequestPath":
        raise NotNativeError("pages by number in the path of the request")
    part, path = place_of(option, stream)
    if part not in IN_BODY:
        raise NotNativeError(f"the next page in {part} of the request", path)
    return {f"{what}_{IN_BODY[part]}": ".".join(path)}


def _pages(stream: Stream, strategy: Component, size: int | Setting | None) -> Piece:
    first = int(strategy.get("start_from_page") or 0)
    paginator = {"type": "page_number", "base_page": first, "total_path": None, **_token_place(stream, "page")}
    options = {**_first(strategy), **({"short_page_is_end": True} if _is_requested(stream, size) else {})}
    return joined([_size_sent(stream, size), Piece(endpoint={"paginator": paginator}, options=options)])


def _is_requested(stream: Stream, size: int | Setting | None) -> bool:
    """Tell whether pages have this size as far as a manifest says: requests name no other."""
    written = stream.requester.get("request_parameters")
    params = {} if stream.paginator.get("page_size_option") or not isinstance(written, Mapping) else written
    others = [value for name, value in params.items() if sets_page_size(str(name)) and str(value) != str(size)]
    return isinstance(size, int) and not others


def _first(strategy: Component) -> dict[str, Any]:
    """Return the option for a first page without a number."""
    return {} if strategy.get("inject_on_first_request") else {"omit_first_page_number": True}


def _offsets(stream: Stream, strategy: Component, size: int | Setting | None) -> Piece:
    if size is None:
        return _offsets_by_rows(stream, strategy)
    if not isinstance(size, int):
        raise NotNativeError("pages by offset without a number as page size", size)
    paginator = {"type": "offset", "limit": size, "total_path": None, **_token_place(stream, "offset")}
    options: dict[str, Any] = {"short_page_is_end": True, **_first(strategy)}
    if option := stream.paginator.get("page_size_option"):
        part, path = place_of(option, stream)
        in_body = part in IN_BODY and f"offset_{IN_BODY[part]}" in paginator
        if not in_body:
            raise NotNativeError("offset and page size in different parts of the request", path)
        paginator[f"limit_{IN_BODY[part]}"] = ".".join(path)
    else:
        options["fixed_page_size"] = True
    return Piece(endpoint={"paginator": paginator}, options=options)


def _offsets_by_rows(stream: Stream, strategy: Component) -> Piece:
    """Translate offsets without a page size: the next one is the number of rows so far, until a page has none."""
    [(place, path)] = _token_place(stream, "next").items()
    value = "{{ rows_so_far if page_rows else None }}"
    in_query = place == "next_param"
    found = NextPage(value=value, param=path if in_query else None, body_path=None if in_query else path)
    first = (
        put(stream.paginator["page_token_option"], 0, stream) if strategy.get("inject_on_first_request") else Piece()
    )
    return joined([first, Piece(options={"next_page": found})])


def _cursors(stream: Stream, strategy: Component, size: int | Setting | None) -> Piece:
    return joined([_size_sent(stream, size), translate_cursor_pages(stream, strategy)])


STRATEGIES: Mapping[str, Callable[[Stream, Component, int | Setting | None], Piece]] = {
    "PageIncrement": _pages,
    "OffsetIncrement": _offsets,
    "CursorPagination": _cursors,
}

"""Paging by a cursor or a link: what `cursor_value` and `stop_condition` mean for a paginator."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from connectors_dagster.airbyte.errors import NotNativeError
from connectors_dagster.airbyte.manifest import Component
from connectors_dagster.airbyte.options import place_of
from connectors_dagster.airbyte.piece import Piece
from connectors_dagster.airbyte.selection import translate_selection, written_path
from connectors_dagster.airbyte.stream import Stream
from connectors_dagster.expressions.expression import Expression, ExpressionError
from connectors_dagster.expressions.lookup import Lookup
from connectors_dagster.spec.next_page import NextPage

TOKENS = ("abc", "https://api.example/rows?page=2", 17, "17")
"""Cursors of all kinds, with which no condition that only looks for a cursor may stop."""
LINK = ("headers", ("link", "next", "url"))
OURS = ("page_rows", "rows_so_far")
"""Names that such expressions may read in a connector, but not in Airbyte."""
BY_EXPRESSION = "a next page found by an expression"
END_BY_EXPRESSION = "an end of pages found by an expression"
IN_ROW = "a next page that a field of the row says, because the whole response is one row"
NUMBER, LITERAL = re.compile(r"\b\d"), re.compile(r"'[^']*'|\"[^\"]*\"")
Keys = tuple[str | int, ...]
IN_BODY: Mapping[str, str] = {"params": "cursor_param", "json": "cursor_body_path"}


def translate_cursor_pages(stream: Stream, strategy: Component) -> Piece:
    """Translate paging by cursor: as a paginator of dlt, or else by its expressions.

    Raises:
        NotNativeError: the expressions read what is not known here, or the cursor goes where it cannot go.
    """
    if _body_is_row(stream):
        return _by_expression(stream, strategy, NotNativeError(IN_ROW))
    try:
        return _as_dlt(stream, strategy)
    except NotNativeError as error:
        if error.reason.piece not in (BY_EXPRESSION, END_BY_EXPRESSION):
            raise
        return _by_expression(stream, strategy, error)


def _by_expression(stream: Stream, strategy: Component, error: NotNativeError) -> Piece:
    option, stop = stream.paginator.get("page_token_option") or {}, strategy.get("stop_condition")
    place: dict[str, Any] = {"is_url": True}
    if option.get("type") != "RequestPath":
        part, path = place_of(option, stream)
        if part not in IN_BODY:
            raise NotNativeError(f"the next page in {part} of the request", path)
        place = {"param" if part == "params" else "body_path": ".".join(path)}
    text = f"{strategy.get('cursor_value')} {stop}"
    if any(name in text for name in OURS):
        raise error
    try:
        found = NextPage(value=str(strategy.get("cursor_value")), stop=None if stop is None else str(stop), **place)
    except ValueError:
        raise error from None
    return Piece(options={"next_page": found})


def _as_dlt(stream: Stream, strategy: Component) -> Piece:
    text = str(strategy.get("cursor_value"))
    lookup = _expression(text, "text").lookup
    if lookup is None:
        raise NotNativeError(BY_EXPRESSION, text)
    keys = _keys(lookup)
    has_more = _end(strategy.get("stop_condition"), lookup.name, keys)
    option = stream.paginator.get("page_token_option") or {}
    if option.get("type") == "RequestPath":
        return _links(lookup.name, keys, has_more, text)
    part, path = place_of(option, stream)
    if part not in IN_BODY:
        raise NotNativeError(f"the next page in {part} of the request", path)
    more = {"has_more_path": has_more} if has_more else {}
    at = {IN_BODY[part]: ".".join(path)}
    return _paginator(type="cursor", cursor_path=_cursor_path(lookup.name, keys, stream, text), **at, **more)


def _body_is_row(stream: Stream) -> bool:
    """Tell whether a field of a row names the next page; the paginators of dlt only read what is beside the rows."""
    path = (stream.selector.get("extractor") or {}).get("field_path")
    return not path and "response" in str(stream.paginator.get("pagination_strategy"))


def _links(root: str, keys: Keys, has_more: str | None, text: str) -> Piece:
    if has_more:
        raise NotNativeError(BY_EXPRESSION, text)
    if (root, keys) == LINK:
        return _paginator(type="header_link", links_next_key="next")
    if root != "response":
        raise NotNativeError(BY_EXPRESSION, text)
    return _paginator(type="json_link", next_url_path=written_path(keys))


def _cursor_path(root: str, keys: Keys, stream: Stream, text: str) -> str:
    if root == "last_record":
        if stream.selector.get("record_filter") or stream.transformations:
            raise NotNativeError(BY_EXPRESSION, text)  # the last row is that of the table, not that of the page
        selector = translate_selection(stream).endpoint["data_selector"]
        return f"{selector}[-1].{written_path(keys)}"
    if root != "response":
        raise NotNativeError(BY_EXPRESSION, text)
    return written_path(keys)


def _paginator(**arguments: Any) -> Piece:
    return Piece(endpoint={"paginator": arguments})


@lru_cache(maxsize=10_000)
def _expression(text: str, kind: Any) -> Expression:
    try:
        return Expression(text, kind=kind)
    except ExpressionError as error:
        raise NotNativeError("an expression that cannot be read", error) from None


def _keys(lookup: Lookup) -> Keys:
    return tuple(step.key for step in lookup.steps)


@lru_cache(maxsize=10_000)
def _end(condition: str | None, root: str, keys: Keys) -> str | None:
    """Return the path to the field that says whether there are more pages; None if only a missing cursor is the end.

    Raises:
        NotNativeError: the condition is about something else.
    """
    if condition is None or (root == "last_record" and _counts_rows(str(condition))):
        return None
    text = str(condition)
    stop = _expression(text, "condition")
    read = {(lookup.name, _keys(lookup)) for lookup in stop.lookups}
    if all(name == root and keys[: len(some)] == some for name, some in read):
        if all(_stops(stop, root, keys, token) is False for token in TOKENS):
            return None
    elif len(read) == 1:
        [(name, some)] = read
        counts = NUMBER.search(LITERAL.sub("", text))  # a flag is true or false, and no number
        if (
            name == "response"
            and some
            and not counts
            and _stops(stop, name, some, True) is False
            and _stops(stop, name, some, False)
        ):
            return written_path(some)
    raise NotNativeError(END_BY_EXPRESSION, text)


def _counts_rows(text: str) -> bool:
    """Tell whether a condition stops at an empty page and no other."""
    stop = _expression(text, "condition")
    if stop.names != {"last_page_size"}:
        return False
    return [bool(stop.render(last_page_size=size)) for size in (0, 1, 1000)] == [True, False, False]


def _stops(stop: Expression, root: str, keys: Keys, value: Any) -> bool | None:
    """Tell whether a condition stops with this value at the path; None if it fails."""
    inner: Any = value
    for key in reversed(keys):
        if isinstance(key, int):
            return None
        inner = {key: inner, "another field": 1}
    try:
        return bool(stop.render(**{root: inner}))
    except ExpressionError:
        return None

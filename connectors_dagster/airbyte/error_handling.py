"""Responses with an error status: which are retried, ignored or fail."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connectors_dagster.airbyte.errors import NotNativeError
from connectors_dagster.airbyte.manifest import Component
from connectors_dagster.airbyte.piece import Piece, joined
from connectors_dagster.airbyte.shapes import listed
from connectors_dagster.airbyte.stream import Stream, only_type
from connectors_dagster.spec.response_rule import ResponseRule, check_condition

ATTEMPTS = 5
"""How often Airbyte retries by default."""
FAILING, LIMITED = (400, 401, 403, 404, 405), 429
"""The statuses with which Airbyte fails, and the one with which it waits; it retries with all others."""
QUIET, RETRIED = ("IGNORE", "SUCCESS"), ("RETRY", "RATE_LIMITED")
"""Actions. With an error status, there are no rows in both cases of the first kind."""
ERRORS = frozenset(range(400, 600))
EVERY = frozenset(range(200, 300)) | ERRORS
TIMING = {"ExponentialBackoffStrategy", "ConstantBackoffStrategy", "WaitTimeFromHeader", "WaitUntilTimeFromHeader"}
"""They say when a request is retried, not whether. `Retry-After` is always followed."""


def translate_error_handling(stream: Stream) -> Piece:
    """Translate the error handler.

    Raises:
        NotNativeError: it decides by something that is not known here.
    """
    handlers = list(_handlers(stream.requester.get("error_handler")))
    waits = tuple(header for handler in handlers for header in _waits(handler.get("backoff_strategies") or ()))
    attempts = [int(handler["max_retries"]) for handler in handlers if str(handler.get("max_retries", "")).isdigit()]
    whole = Piece(attempts=max((ATTEMPTS, *attempts)), wait_headers=waits)
    conditional = any(_condition(one) for handler in handlers for one in _filters(handler))
    return joined([whole, _by_rules(handlers) if conditional else _by_status(handlers)])


def _by_status(handlers: Sequence[Component]) -> Piece:
    """Translate handlers that decide by the status alone."""
    named = sorted({status for handler in handlers for one in _filters(handler) for status in _statuses(one)})
    actions = {status: _action_for(status, handlers) for status in named}
    ignored = [{"status_code": status, "action": "ignore"} for status in named if actions[status] in QUIET]
    retried = frozenset(status for status in named if actions[status] in RETRIED)
    return Piece(endpoint={"response_actions": ignored} if ignored else {}, retried=retried)


def _action_for(status: int, handlers: Sequence[Component]) -> str:
    """Return the action for a status. A failure is left to the next handler, if there is one."""
    found = ""
    for handler in handlers:
        named = (_action(one) for one in _filters(handler) if status in _statuses(one))
        found = next(named, "FAIL" if status in FAILING else "RATE_LIMITED" if status == LIMITED else "RETRY")
        if found not in ("FAIL", "RATE_LIMITED"):
            break
    return found


def _by_rules(handlers: Sequence[Component]) -> Piece:
    """Translate handlers that also decide by what a response says.

    A handler after the first one sees only statuses with which the one before it fails or which that leaves to it. What
    a handler before the last one fails, the next one decides.
    """
    rules: list[ResponseRule] = []
    seen = EVERY
    for number, handler in enumerate(handlers):
        last, left = number == len(handlers) - 1, frozenset[int]()
        for one in _filters(handler):
            if _action(one) == "FAIL" and not last:
                _check_overruled(one, handlers[number + 1 :])
                left |= seen & frozenset(_statuses(one))
            else:
                rules += _rules(one, only=seen - left)
        seen = left | {*FAILING, LIMITED}
    return Piece(options={"responses": tuple(rules)})


def _check_overruled(one: Component, later: Sequence[Component]) -> None:
    """Refuse a failure by what a response says that lets a later handler see any status."""
    if _condition(one) and any(_condition(other) for handler in later for other in _filters(handler)):
        raise NotNativeError("error handlers that decide about each other's failures", one.get("http_codes", ""))


def _rules(one: Component, *, only: frozenset[int]) -> Iterator[ResponseRule]:
    """Yield the rules of a filter, which applies if the status, the condition or the message fits."""
    action = _action(one)
    written = "retry" if action in RETRIED else "ignore" if action in QUIET else "fail"
    said = str(one.get("error_message") or "")
    rest: dict[str, Any] = {
        "action": written,
        "message": "" if "{" in said or written == "ignore" else said,
        **({"meaning": "unknown"} if written == "ignore" else {}),
    }
    if statuses := frozenset(_statuses(one)) & only:
        yield ResponseRule(statuses=statuses, **rest)
    # A success that is ignored, or called one, is read as any other.
    seen = only & ERRORS if written == "ignore" else only
    if condition := _condition(one):
        yield ResponseRule(statuses=seen, condition=condition, **rest)


def _condition(one: Component) -> str:
    """Return the condition of a filter; empty if it has none.

    Raises:
        NotNativeError: it reads something that is not known here.
    """
    conditions = [str(one["predicate"])] if one.get("predicate") else []
    if text := str(one.get("error_message_contains") or ""):
        conditions.append(f"{{{{ {json.dumps(text, ensure_ascii=False)} in error_message }}}}")
    if len(conditions) > 1:
        raise NotNativeError("errors recognized by an expression or a message", conditions[0])
    for condition in conditions:
        try:
            check_condition(condition)
        except ValueError:
            raise NotNativeError("errors recognized by an expression", condition) from None
        return condition
    return ""


def _filters(handler: Component) -> Sequence[Component]:
    """Return the filters that do something; in Airbyte, one without an action never applies."""
    return tuple(one for one in handler.get("response_filters") or () if one.get("action"))


def _action(one: Component) -> str:
    """Return the action of a filter."""
    action = str(one["action"])
    if action not in (*QUIET, *RETRIED, "FAIL"):
        raise NotNativeError("an action", action)
    return action


def _handlers(written: Any) -> Iterator[Component]:
    if not written:
        return
    if not isinstance(written, Mapping):
        raise NotNativeError("an error handler", written)
    if only_type(written, "DefaultErrorHandler", "CompositeErrorHandler", what="an error handler") == (
        "DefaultErrorHandler"
    ):
        yield written
        return
    for one in listed(written.get("error_handlers"), "error_handlers"):
        yield from _handlers(one)


def _waits(strategies: Sequence[Component]) -> Iterator[str]:
    """Yield the headers that say how long to wait, beside `Retry-After`, which is always followed."""
    for strategy in strategies:
        kind = only_type(strategy, *TIMING, what="a wait between retries")
        header = str(strategy.get("header"))
        if kind not in ("WaitTimeFromHeader", "WaitUntilTimeFromHeader") or header.lower() == "retry-after":
            continue
        if strategy.get("regex") or "{" in header:
            raise NotNativeError("a wait inside of a header", strategy.get("regex") or header)
        yield header


def _statuses(one: Component) -> Sequence[int]:
    """Return the statuses of a filter.

    Raises:
        NotNativeError: one of them is no error.
    """
    found = [int(status) for status in one.get("http_codes") or ()]
    if any(status < min(ERRORS) for status in found):
        raise NotNativeError("successful responses that are recognized by their status", found)
    return found

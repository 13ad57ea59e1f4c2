"""Responses with an error status: which are retried, ignored or fail."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connectors_dagster.airbyte.errors import NotNativeError
from connectors_dagster.airbyte.manifest import Component
from connectors_dagster.airbyte.piece import Piece
from connectors_dagster.airbyte.stream import Stream, only_type

ATTEMPTS = 5
"""How often Airbyte retries by default."""
TIMING = {"ExponentialBackoffStrategy", "ConstantBackoffStrategy", "WaitTimeFromHeader", "WaitUntilTimeFromHeader"}
"""They say when a request is retried, not whether. `Retry-After` is always followed."""


def translate_error_handling(stream: Stream) -> Piece:
    """Translate the error handler.

    Raises:
        NotNativeError: it decides by more than the status.
    """
    handlers = list(_handlers(stream.requester.get("error_handler")))
    for handler in handlers:
        _check_waits(handler.get("backoff_strategies") or ())
    retried: set[int] = set()
    ignored: list[int] = []
    seen: set[int] = set()
    for handler in handlers:
        for one in handler.get("response_filters") or ():
            statuses, action = _statuses(one), str(one.get("action") or "RETRY")
            new = [status for status in statuses if status not in seen]
            seen.update(new)
            if action in ("RETRY", "RATE_LIMITED"):
                retried.update(new)
            elif action == "IGNORE":
                ignored += new
            elif action != "FAIL":
                raise NotNativeError(
                    "an error status that is a success" if action == "SUCCESS" else "an action", action
                )
    actions = [{"status_code": status, "action": "ignore"} for status in ignored]
    attempts = [int(handler["max_retries"]) for handler in handlers if str(handler.get("max_retries", "")).isdigit()]
    return Piece(
        endpoint={"response_actions": actions} if actions else {},
        retried=frozenset(retried),
        attempts=max((ATTEMPTS, *attempts)),
    )


def _handlers(written: Any) -> Iterator[Component]:
    if not isinstance(written, Mapping):
        return
    if only_type(written, "DefaultErrorHandler", "CompositeErrorHandler", what="an error handler") == (
        "DefaultErrorHandler"
    ):
        yield written
        return
    for one in written.get("error_handlers") or ():
        yield from _handlers(one)


def _check_waits(strategies: Sequence[Component]) -> None:
    for strategy in strategies:
        if only_type(strategy, *TIMING, what="a wait between retries") in (
            "WaitTimeFromHeader",
            "WaitUntilTimeFromHeader",
        ):
            header = str(strategy.get("header"))
            if header.lower() != "retry-after" or strategy.get("regex"):
                raise NotNativeError("a wait that another header says", header)


def _statuses(one: Component) -> Sequence[int]:
    if one.get("predicate"):
        raise NotNativeError("errors recognized by an expression", one["predicate"])
    if one.get("error_message_contains"):
        raise NotNativeError("errors recognized by their message", one["error_message_contains"])
    return [int(status) for status in one.get("http_codes") or ()]

"""Look up a path in the configuration; only once while definitions are built, for which it must not change."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import dlt

_found: ContextVar[dict[str, Any] | None] = ContextVar("found", default=None)


def look_up(path: str) -> Any:
    """Return what the environment, or else the files, have at a path; None if nothing."""
    found = _found.get()
    if found is None:
        return dlt.config.get(path)
    if path not in found:
        found[path] = dlt.config.get(path)
    return found[path]


@contextmanager
def look_ups_kept() -> Iterator[None]:
    """Look up each path once until the end. As a decorator, it does so during calls.

    Without it, the providers of dlt are asked a dozen times for each of thousands of assets.
    """
    token = _found.set({})
    try:
        yield
    finally:
        _found.reset(token)

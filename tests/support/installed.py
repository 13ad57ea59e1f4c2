"""Programs that some tests need: if one is missing, its tests are skipped, or fail in CI."""

import os
from typing import TypeVar

import pytest

T = TypeVar("T")


def required(found: T | None, *, what: str, target: str) -> T:
    """Return the program that was found, or skip the test; `target` of the Makefile installs it."""
    if found is not None:
        return found
    reason = f"{what} is not installed: make {target}"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)

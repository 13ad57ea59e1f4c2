"""Programs that some tests need: where they are missing tests are skipped, but never in CI."""

import os
from typing import TypeVar

import pytest

T = TypeVar("T")


def required(found: T | None, *, what: str, target: str) -> T:
    """Return what was found of a program, or skip; `target` of the Makefile installs it."""
    if found is not None:
        return found
    reason = f"{what} is not installed: make {target}"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)

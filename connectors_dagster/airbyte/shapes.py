"""Parts of a manifest that are not written as Airbyte expects them, such as a text where an object must be."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from traceback import extract_tb
from types import TracebackType
from typing import Any

from connectors_dagster.airbyte.errors import NotNativeError

SHAPE_ERRORS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError, re.error)
"""What code raises that reads a part which has another shape."""
ODD = "a part that is not written as Airbyte expects it"


@contextmanager
def readable(what: str) -> Iterator[None]:
    """Turn the errors of code that reads a part of another shape into a reason.

    The reason says which part, the error, and which function found it: a fault of this project shows there too.

    Args:
        what: the part, such as ``pagination``.

    Raises:
        NotNativeError: the part could not be read.
    """
    try:
        yield
    except SHAPE_ERRORS as error:
        raise NotNativeError(ODD, f"{what} ({described(error)})") from error


def described(error: Exception) -> str:
    """Return an error with its type, and the function that raised it."""
    return f"{type(error).__name__}: {str(error)[:100]}, in {_place(error.__traceback__)}"


def _place(found: TracebackType | None) -> str:
    """Return the last function of this project that an error went through."""
    frames, here = extract_tb(found), Path(__file__)
    own = [one for one in frames if Path(one.filename).is_relative_to(here.parents[1]) and one.filename != str(here)]
    own = own or frames
    return f"{Path(own[-1].filename).stem}.{own[-1].name}"


def listed(written: Any, what: str) -> Sequence[Any]:
    """Return a list, or an empty one if nothing is written.

    Raises:
        NotNativeError: it is something else, such as a text, whose letters would be taken for the items.
    """
    if written and not isinstance(written, list | tuple):
        raise NotNativeError(ODD, f"{what} is no list: {written}")
    return written or ()

"""The value that a rendered text stands for: ``7`` is a number, ``007`` is text."""

import ast
import math
import re
from typing import Any

SURELY_TEXT = re.compile(r"[AC-EG-MO-QSV-Zac-qtv-z/]|\d{4}-\d\d-\d\d[T ]\d\d:")
"""No literal of Python begins like this. The check is 20 times faster than to parse the text."""
UNCHANGED = (type(None), bool, int, dict, list)
"""JSON values of these types are what their text stands for."""
Types = tuple[type, ...]


def read_literal(text: str, types: Types = ()) -> Any:
    """Return the value that a text stands for, or the text if it stands for none, or for one of another type.

    Args:
        text: what a template rendered.
        types: the types that the value may have; any if empty.
    """
    if SURELY_TEXT.match(text):
        return text
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text
    fits = isinstance(value, types) if types else not isinstance(value, complex)
    return value if fits else text


def read_value(value: Any, types: Types = ()) -> Any:
    """Return what the text of a value stands for, without writing the text if that can be avoided."""
    if isinstance(value, str):
        return read_literal(value, types)
    if type(value) in UNCHANGED or (type(value) is float and math.isfinite(value)):
        return value if not types or isinstance(value, types) else str(value)
    return read_literal(str(value), types)

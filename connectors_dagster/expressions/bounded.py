"""Jinja's sandbox, in which a short expression cannot make a text, a list or a number that fills the memory."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment

MOST_ITEMS, MOST_BITS = 1_000_000, 10_000
"""Of a text or list that an operator makes, and of a whole number."""
PADDED = frozenset(("center", "expandtabs", "ljust", "rjust", "zfill"))
"""Methods of texts that make them as long as an argument says."""
WIDE, WIDE_IN_BRACES = re.compile(r"%[^a-zA-Z%]*(?:\d{5}|\*)"), re.compile(r"\{[^{}]*(?:\d{5}|[^{}]\{)")
"""Fields of formats that may be wide, or do not say how wide they are."""


class BoundedEnvironment(SandboxedEnvironment):
    """A sandbox that refuses what would become too large.

    Operators and calls raise OverflowError. Constants are not computed when a template is parsed if an operator
    could make them large.
    """

    intercepted_binops = frozenset(("*", "**", "%"))

    def __init__(self) -> None:
        """Leave out what makes long lists and texts."""
        super().__init__()
        formatted = _bounded(self.filters["format"], check_format=True)
        padded = {name: _bounded(self.filters[name]) for name in ("center", "indent")}
        self.filters.update(padded, format=formatted)
        del self.globals["range"], self.globals["lipsum"]  # a long one takes all memory

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Compute an operator whose result is not too large."""
        if operator == "%":
            _check_format(left, WIDE)
        elif operator == "*":
            _check_product(left, right)
        elif isinstance(left, int) and isinstance(right, int):
            _check(left.bit_length() * abs(right), MOST_BITS)
        return super().call_binop(context, operator, left, right)

    def call(self, context: Context, obj: Any, *args: Any, **kwargs: Any) -> Any:
        """Call a function or method whose result is not too large."""
        name, owner = getattr(obj, "__name__", ""), getattr(obj, "__self__", None)
        if isinstance(owner, str) and name in PADDED:
            _check_widths(args, kwargs)
        return super().call(context, obj, *args, **kwargs)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        """Return the method `format` of a text that is no wide format; None for anything else."""
        found = super().wrap_str_format(value)
        if found is not None:
            _check_format(value.__self__, WIDE_IN_BRACES)
        return found


def _bounded(function: Callable[..., Any], *, check_format: bool = False) -> Callable[..., Any]:
    def checked(value: Any, *args: Any, **kwargs: Any) -> Any:
        if check_format:
            _check_format(value, WIDE)
        else:
            _check_widths(args, kwargs)
        return function(value, *args, **kwargs)

    return checked


def _check_product(left: Any, right: Any) -> None:
    for one, times in ((left, right), (right, left)):
        if isinstance(times, int) and isinstance(one, int):
            _check(one.bit_length() + times.bit_length(), MOST_BITS)
        elif isinstance(times, int) and isinstance(one, str | bytes | list | tuple):
            _check(len(one) * times, MOST_ITEMS)


def _check_format(written: Any, wide: re.Pattern[str]) -> None:
    if isinstance(written, str) and wide.search(written):
        raise OverflowError("a format may have no field that is wider than 9,999")


def _check_widths(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    for one in (*args, *kwargs.values()):
        if isinstance(one, int):
            _check(one, MOST_ITEMS)


def _check(size: int, most: int) -> None:
    if size > most:
        raise OverflowError(f"an expression may make nothing that has more than {most:,} parts")

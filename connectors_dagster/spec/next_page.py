"""The next page of a list, found by an expression over the page before it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from connectors_dagster.expressions.expression import Expression
from connectors_dagster.spec.expression_scope import check_reads_only

SCOPE = frozenset(("response", "headers", "last_record", "last_page_size", "page_rows", "rows_so_far"))
"""What such an expression may read."""


@dataclass(frozen=True, kw_only=True)
class NextPage:
    """How the next page is requested, if no paginator of dlt finds it.

    Expressions may read `response` (the body), `headers` (in them, `headers.link.next.url` is the address in the header
    `Link` with this relation), `last_record` (the last row of the page as it is loaded, if there is one),
    `last_page_size` (the number of such rows), `page_rows` (also counts those that are left out) and `rows_so_far` (the
    same for all pages up to this one).

    Args:
        value: an expression such as `{{ response.offset + response.count }}` for what names the next page. There is
            none if the value is empty, missing, 0 or false. A field of a value that is missing is an error.
        stop: a condition with which a page is the last, whatever `value` is.
        param: the query parameter that gets the value.
        body_path: where in the JSON body the value goes, instead; there it may be an object.
        is_url: whether the value is the address of the next page, instead; one such as ``pages/2`` is relative to
            `base_url`.
    """

    value: str
    stop: str | None = None
    param: str | None = None
    body_path: str | None = None
    is_url: bool = False

    def __post_init__(self) -> None:
        """Refuse an expression that cannot be read, and a value that goes nowhere or to several places."""
        if sum(map(bool, (self.param, self.body_path, self.is_url))) != 1:
            raise ValueError("next_page: write exactly one of param, body_path and is_url")
        for name, text in (("value", self.value), ("stop", self.stop)):
            if text is not None:
                check_reads_only(text, SCOPE, f"next_page: {name}")

    def __deepcopy__(self, memo: object) -> "NextPage":
        """Return this: paginators are copied, and templates are costly to copy."""
        return self

    def find(self, scope: Mapping[str, Any]) -> Any:
        """Return what names the next page; None if there is none.

        Raises:
            ValueError: an expression fails; the message has no value of the scope.
        """
        if self._stop is not None and self._stop.render(**scope):
            return None
        return self._value.render(**scope) or None

    @cached_property
    def _value(self) -> Expression:
        return Expression(self.value, kind="text")

    @cached_property
    def _stop(self) -> Expression | None:
        return None if self.stop is None else Expression(self.stop, kind="condition")

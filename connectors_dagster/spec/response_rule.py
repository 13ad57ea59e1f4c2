"""What a response means, if that is not what its status says."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from connectors_dagster.expressions.expression import Expression
from connectors_dagster.spec.expression_scope import check_reads_only

IgnoredResponse = Literal["gone", "none", "unknown", "not_available"]
OF_A_RESPONSE = frozenset(("response", "headers", "error_message"))
"""What a condition of a response may read."""


@dataclass(frozen=True, kw_only=True)
class ResponseRule:
    """What a response means, if that is not what its status says.

    Args:
        action: ``fail`` at once, ``retry`` as `Retry` says, or ``ignore``: there are no rows, which is counted. After
            other pages, that is the end only if the meaning is ``none`` or ``unknown``; else it fails, because rows
            would be lost.
        statuses: the HTTP statuses it is for; empty for all errors. A rule for successful responses lists them.
        text: what the body must contain; empty for any body.
        condition: an expression that must be true. It may read `response` (the body, an empty object if it is no JSON),
            `headers`, and `error_message`: what the body says first in a field such as `message`, `error` or `errors`.
        message: what to do about it, for people; added to the error.
        meaning: of an ignored response, as in `ignored_responses` of the connector.
    """

    action: Literal["fail", "retry", "ignore"]
    statuses: frozenset[int] = frozenset()
    text: str = ""
    condition: str = ""
    message: str = ""
    meaning: IgnoredResponse = "gone"

    def __post_init__(self) -> None:
        """Refuse a rule that every successful response would fit, and a condition that cannot be read."""
        limited = self.text or self.condition
        if not limited and any(status < 300 for status in self.statuses):
            raise ValueError(
                f"responses: a rule for {sorted(self.statuses)} needs a text or a condition: not all successes fit it"
            )
        if not limited and not self.statuses:
            raise ValueError("responses: a rule needs statuses, a text or a condition")
        if self.condition:
            check_condition(self.condition)

    def holds(self, scope: Mapping[str, Any]) -> bool:
        """Return whether the condition is true; one that reads a field of a value that is missing is not.

        Args:
            scope: what the condition may read.
        """
        return bool(self._condition.render(**scope))

    @cached_property
    def _condition(self) -> Expression:
        return Expression(self.condition, kind="condition")


def check_condition(text: str) -> None:
    """Refuse a condition of a response that cannot be read, or that reads something else.

    Raises:
        ValueError: says what is wrong.
    """
    check_reads_only(text, OF_A_RESPONSE, "responses: condition")

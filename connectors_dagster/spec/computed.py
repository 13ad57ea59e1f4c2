"""A value that is computed from settings when it is read."""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from hashlib import sha256
from typing import Any, Literal, Self

from connectors_dagster.expressions.expression import Expression
from connectors_dagster.expressions.literal import Types
from connectors_dagster.spec.placeholders import (
    Secret,
    Setting,
    fill_placeholders,
    find_placeholders,
    written_placeholders,
)

Kind = Literal["value", "written", "text"]


class Computed(Setting):
    """A value that an expression computes from settings, such as an address that depends on a region.

    ``Computed("https://{{ 'eu.' if setting.region == 'EU' else '' }}example.com", {"setting": {"region": region}})``
    with ``region = Setting("region")`` is the address. It stands wherever a setting may stand, also inside a `Text`.
    It is masked like a secret if one of its settings is one.

    Args:
        text: the expression; see `Expression`.
        scope: what it may read: objects with settings in them. A setting without a value is missing in its object.
        kind: with ``value``, the result is read as a value, and what is empty is left out. With ``written``, such a
            value is written as text. With ``text``, it is text in any case, which may be empty.
        types: the types that the value may have; any if empty.

    Raises:
        ValueError: the text is not an expression, or reads something that is not in the scope.
    """

    text: str
    scope: Mapping[str, Any]
    kind: Kind = "value"
    types: Types = ()
    expression: Expression

    def __new__(cls, text: str, scope: Mapping[str, Any], *, kind: Kind = "value", types: Types = ()) -> Self:
        """Compile the expression; the name is made of what is computed, so equal values are one."""
        made_of = [f"{one!s}:{one.declaration}" for one in find_placeholders(scope)]
        digest = sha256(repr((text, kind, types, made_of)).encode()).hexdigest()
        self = super().__new__(cls, f"computed_{digest[:16]}", default="" if kind == "text" else None)
        self.expression = Expression(text, kind="text" if kind == "text" else "value", types=types)
        self.text, self.scope, self.kind, self.types = text, scope, kind, types
        if unknown := sorted(self.expression.names - set(scope)):
            raise ValueError(f"{text!r} reads {', '.join(unknown)}: it may read {', '.join(scope)}")
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Let a copy be made of the arguments: what is compiled cannot be copied."""
        return partial(Computed, kind=self.kind, types=self.types), (self.text, self.scope)

    @property
    def secret(self) -> bool:
        """Whether the value must never be shown."""
        return any(isinstance(one, Secret) for one in self.asked())

    def asked(self) -> Iterator[Setting]:
        """Yield the settings that must be read for the value."""
        yield from find_placeholders(self.scope)

    def value(self, values: Mapping[Setting, Any]) -> Any:
        """Compute the value from those of the settings.

        Raises:
            ValueError: it cannot be computed from them; the message has none of them.
        """
        found = self.expression.render(**fill_placeholders(self.scope, values))
        return found if self.kind == "value" or found is None else str(found)


def find_computed(value: Any) -> Iterator[Computed]:
    """Yield the computed values inside nested mappings, lists, texts and dataclasses."""
    yield from (one for one in written_placeholders(value) if isinstance(one, Computed))


def with_computed(found: Iterable[Computed], values: Mapping[Setting, Any]) -> dict[Setting, Any]:
    """Return values of settings, with what is computed from them.

    Raises:
        ValueError: one cannot be computed from these values; the message has none of them.
    """
    return {**values, **{one: one.value(values) for one in found}}

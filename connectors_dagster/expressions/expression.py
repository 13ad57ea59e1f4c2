"""An expression: a text that is rendered with the values of a scope, and read as a value again."""

import warnings
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Literal

from jinja2 import Template, TemplateSyntaxError, UndefinedError, meta, nodes

from connectors_dagster.errors import MaskedError
from connectors_dagster.expressions.bounded import BoundedEnvironment
from connectors_dagster.expressions.filters import FILTERS
from connectors_dagster.expressions.literal import Types, read_literal, read_value
from connectors_dagster.expressions.lookup import (
    MISSING,
    BeyondMissingError,
    Fallback,
    Lookup,
    NotPlainError,
    find_lookup,
    find_lookups,
    find_parts,
)
from connectors_dagster.expressions.macros import MACROS, NOW

ALIASES: Mapping[str, str] = {"stream_interval": "stream_slice", "stream_partition": "stream_slice"}
BEGINNINGS = ("{{", "{%", "{#")
FALSE: tuple[Any, ...] = (False, None, "False", "false", "{}", "[]", "()", "", "0", "0.0", {}, [], (), set())
"""What a condition takes for false: 0 and 0.0 equal False."""
Kind = Literal["value", "text", "condition"]


def _environment() -> BoundedEnvironment:
    environment = BoundedEnvironment()  # what it renders is not HTML
    environment.filters.update(FILTERS)
    environment.globals.update(MACROS)
    return environment


ENVIRONMENT = _environment()
TEST_AT = {"select": 0, "reject": 0, "selectattr": 1, "rejectattr": 1}
"""Filters that take the name of a test, and where."""


class ExpressionError(MaskedError, ValueError):
    """An expression cannot be read or rendered; the message has no value of the scope."""


@dataclass(frozen=True)
class Expression:
    """A text whose ``{{ … }}`` are rendered; what the result stands for is the value, as in Airbyte.

    `"7"` becomes a number, `"007"` stays text, `"[1, 2]"` becomes a list. If rendering fails because a value has a type
    that does not fit, the result is the text of the expression itself.

    Args:
        text: the expression; a text without templates is a constant.
        kind: a ``value`` is None if it is empty, or not in the scope. A ``text`` is then empty, but a field of a
            value that is not there is an error. A ``condition`` is true or false.
        types: the types that the value may have; any if empty. Else the value is text.

    Raises:
        ExpressionError: the text is not a template.
    """

    text: str
    kind: Kind = "value"
    types: Types = ()

    def __post_init__(self) -> None:
        """Refuse a text that is not a template."""
        if not self.is_constant:
            self._check_names()

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of the scope that it reads, such as ``config`` or ``record``; aliases count as what they mean."""
        return frozenset(ALIASES.get(name, name) for name in self._names)

    @cached_property
    def is_constant(self) -> bool:
        """Whether the value is always the same."""
        return not any(beginning in self.text for beginning in BEGINNINGS)

    @cached_property
    def lookup(self) -> Lookup | None:
        """The path that the expression reads, if it does nothing else."""
        return None if self.is_constant else find_lookup(self._parsed)

    @cached_property
    def parts(self) -> tuple[str | Lookup | Fallback, ...] | None:
        """The texts and paths that it consists of, or None if it does more than to put them together."""
        return find_parts(self._parsed)

    @cached_property
    def lookups(self) -> tuple[Lookup, ...]:
        """The paths that it reads, alone or in something larger."""
        return find_lookups(self._parsed)

    def render(self, **scope: Any) -> Any:
        """Return the value in a scope.

        Raises:
            ExpressionError: a name is not in the scope, or rendering fails.
        """
        if self.is_constant:
            return deepcopy(self._constant)
        for name in self._names:
            if name not in scope:
                if ALIASES.get(name) not in scope:
                    raise self._unknown(scope)
                scope[name] = scope[ALIASES[name]]
        return self._read(self._look_up(scope) if self.lookup else self._fill(scope))

    @cached_property
    def _parsed(self) -> nodes.Template:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a regular expression may have escapes that Python does not know
                return ENVIRONMENT.parse(self.text)
        except TemplateSyntaxError as error:
            raise ExpressionError(f"{self.text!r} is not an expression: {error.message}") from None

    def _check_names(self) -> None:
        """Refuse filters and tests that do not exist; to compile the template would take ten times as long."""
        for kind, known in ((nodes.Filter, ENVIRONMENT.filters), (nodes.Test, ENVIRONMENT.tests)):
            for node in self._parsed.find_all(kind):
                if node.name not in known:
                    what = f"there is no {kind.__name__.lower()} named {node.name!r}"
                    raise ExpressionError(f"{self.text!r} is not an expression: {what}")
        for node in self._parsed.find_all(nodes.Filter):
            for test in node.args[TEST_AT[node.name] :][:1] if node.name in TEST_AT else ():
                if isinstance(test, nodes.Const) and test.value not in ENVIRONMENT.tests:
                    raise ExpressionError(f"{self.text!r} is not an expression: there is no test named {test.value!r}")

    @cached_property
    def _program(self) -> Template:
        return ENVIRONMENT.from_string(self._parsed)

    @cached_property
    def _names(self) -> frozenset[str]:
        if self.is_constant:
            return frozenset()
        if self.parts is None:
            return frozenset(meta.find_undeclared_variables(self._parsed))
        # To look into the paths is ten times as fast.
        lookups = (part.lookup if isinstance(part, Fallback) else part for part in self.parts)
        names = {one.name for one in lookups if isinstance(one, Lookup)}
        return frozenset(names - set(ENVIRONMENT.globals))

    @cached_property
    def _constant(self) -> Any:
        text = self.text.replace("\r\n", "\n")
        return self._read(text.removesuffix("\n"))  # as a template is read

    def _look_up(self, scope: Mapping[str, Any]) -> Any:
        try:
            return self.lookup.find(scope) if self.lookup else MISSING
        except NotPlainError:
            return self._fill(scope)
        except BeyondMissingError:
            return self._beyond("a value on its way is missing")

    def _fill(self, scope: Mapping[str, Any]) -> Any:
        try:
            return self._program.render(scope)
        except UndefinedError as error:
            return self._beyond(str(error))
        except TypeError:
            return self.text
        except Exception as error:  # noqa: BLE001  # what Python's functions raise in a template can be anything
            # Its message may have values of the scope, such as a time that is in another format.
            raise ExpressionError(f"{self.text!r} cannot be rendered: {type(error).__name__}") from None

    def _beyond(self, what: str) -> Any:
        if self.kind == "text":
            raise ExpressionError(f"{self.text!r} cannot be rendered: {what}")
        return MISSING

    def _read(self, found: Any) -> Any:
        empty = found is MISSING or (isinstance(found, str) and not found)
        if self.kind == "condition":
            return not empty and read_value(found) not in FALSE
        if empty:
            return "" if self.kind == "text" else None
        return read_literal(found, self.types) if isinstance(found, str) else read_value(found, self.types)

    def _unknown(self, scope: Mapping[str, Any]) -> ExpressionError:
        unknown = sorted(name for name in self.names if name not in scope)
        known = ", ".join(sorted(name for name in scope if name != NOW))
        return ExpressionError(
            f"{self.text!r} reads {', '.join(unknown)}, which is not known here: it may read {known}"
        )


@lru_cache(maxsize=10_000)
def known_expression(text: str) -> Expression:
    """Return the expression of a text; that is parsed once, however many streams have it.

    Raises:
        ExpressionError: the text is not a template.
    """
    return Expression(text)

"""Expressions that only look up a value, such as ``record['owner'].id``: read without a template."""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from enum import Enum
from typing import Any

from jinja2 import nodes


class Missing(Enum):
    """A value that is not there; a copy of it is the same."""

    MISSING = "missing"


MISSING = Missing.MISSING
"""In the place of a value that is not there."""


class NotPlainError(Exception):
    """A value on the way is not plain JSON, so that the template must decide."""


class BeyondMissingError(Exception):
    """A field of a value that is not there was asked for."""


@dataclass(frozen=True)
class Step:
    """One step of a path.

    Args:
        key: the name of a field, or a position in a list.
        default: what `get` returns if there is no such field; `MISSING` for a step without `get`.
    """

    key: str | int
    default: Any = MISSING


@dataclass(frozen=True)
class Lookup:
    """A path that begins at a name of the scope."""

    name: str
    steps: tuple[Step, ...]

    def find(self, scope: Mapping[str, Any]) -> Any:
        """Follow the path; return `MISSING` if nothing is at its end.

        Raises:
            BeyondMissingError: nothing is at an earlier step.
            NotPlainError: this path does not tell what the template would do.
        """
        value = scope[self.name]
        for step in self.steps:
            if value is MISSING:
                raise BeyondMissingError
            if type(value) is dict and isinstance(step.key, str):
                value = value[step.key] if step.key in value else copy(step.default)
            elif type(value) is list and isinstance(step.key, int):
                value = value[step.key] if -len(value) <= step.key < len(value) else MISSING
            else:
                raise NotPlainError
        return value


@dataclass(frozen=True)
class Fallback:
    """A path with a text that is the value if the one at the path is empty, as in ``config.site or 'eu'``."""

    lookup: Lookup
    otherwise: str


def find_lookup(template: nodes.Template) -> Lookup | None:
    """Return the path that a template reads, or None if it does more than that."""
    parts = find_parts(template)
    return parts[0] if parts and len(parts) == 1 and isinstance(parts[0], Lookup) else None


def find_parts(template: nodes.Template) -> tuple[str | Lookup | Fallback, ...] | None:
    """Return the texts and paths that a template consists of, or None if there is more in it."""
    found: list[str | Lookup | Fallback] = []
    for output in template.body:
        for node in output.nodes if isinstance(output, nodes.Output) else (None,):
            part = (
                node.data if isinstance(node, nodes.TemplateData) else _path(node) or _fallback(node) or _written(node)
            )
            if part is None:
                return None
            found.append(part)
    return tuple(found)


def _fallback(node: nodes.Node | None) -> Fallback | None:
    if (
        not isinstance(node, nodes.Or)
        or not isinstance(node.right, nodes.Const)
        or not isinstance(node.right.value, str)
    ):
        return None
    path = _path(node.left)
    return Fallback(path, node.right.value) if path and node.right.value else None


def _written(node: nodes.Node | None) -> str | None:
    """Return the text of a constant."""
    try:
        return str(_constant(node)) if isinstance(node, nodes.Expr) else None
    except (nodes.Impossible, ArithmeticError, TypeError, ValueError):
        return None


def _constant(node: nodes.Expr) -> Any:
    """Return the value of a constant. Jinja does not compute one from others if a sandbox checks the operator."""
    table = getattr(node.environment, "binop_table", {})
    if isinstance(node, nodes.BinExpr) and node.operator in table:
        return node.environment.call_binop(None, node.operator, _constant(node.left), _constant(node.right))  # type: ignore[union-attr]  # checked
    return node.as_const()


def _path(node: nodes.Node | None) -> Lookup | None:
    steps = []
    while not isinstance(node, nodes.Name):
        found = _step(node) if node else None
        if found is None:
            return None
        node, step = found
        steps.append(step)
    return Lookup(node.name, tuple(reversed(steps)))


def _step(node: nodes.Node) -> tuple[nodes.Expr, Step] | None:
    """Return one step of a path, and what it starts from."""
    if isinstance(node, nodes.Getattr):
        return None if _is_member(node.attr) else (node.node, Step(node.attr))
    if isinstance(node, nodes.Getitem):
        try:
            key = node.arg.as_const()
        except nodes.Impossible:
            return None
        plain = type(key) is int or (isinstance(key, str) and not _is_member(key))
        return (node.node, Step(key)) if plain else None
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr) and node.node.attr == "get":
        return _get(node)
    return None


def _get(node: nodes.Call) -> tuple[nodes.Expr, Step] | None:
    """Return the step of ``.get(key)`` or ``.get(key, default)`` with constants."""
    if node.kwargs or node.dyn_args or node.dyn_kwargs or not 1 <= len(node.args) <= 2:
        return None
    try:
        key, *default = [argument.as_const() for argument in node.args]
    except nodes.Impossible:
        return None
    plain = isinstance(key, str) and isinstance(node.node, nodes.Getattr)
    return (node.node.node, Step(key, default[0] if default else None)) if plain else None  # type: ignore[attr-defined]  # checked


def _is_member(name: str) -> bool:
    """Tell whether a template may read a member of Python's objects by this name, such as ``items``."""
    return name.startswith("_") or hasattr(dict, name)


def find_lookups(template: nodes.Template) -> tuple[Lookup, ...]:
    """Return every path that a template reads, as far as constants lead; a path within another one is not repeated."""
    found: list[Lookup] = []
    _collect(template, found)
    return tuple(found)


def _collect(node: nodes.Node, found: list[Lookup]) -> None:
    if isinstance(node, nodes.Name | nodes.Getattr | nodes.Getitem | nodes.Call) and (path := _path(node)):
        found.append(path)
        return
    called = isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr)
    for child in node.iter_child_nodes():
        _collect(child.node if called and child is node.node else child, found)  # type: ignore[attr-defined]  # checked

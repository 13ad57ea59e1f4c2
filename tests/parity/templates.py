"""What the templates of a manifest read, and how the texts look that are made of them."""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import takewhile
from typing import Any

from jinja2 import Environment, TemplateError, nodes
from jinja2.sandbox import SandboxedEnvironment

JINJA = Environment()
RENDER = SandboxedEnvironment()
SLICE = ("stream_slice", "stream_partition", "stream_interval")
BOUNDS = {"start_time": "start", "end_time": "end"}
NAME = re.compile(r"[\w-]+")
Path = tuple[Any, ...]


def is_template(text: Any) -> bool:
    """Tell whether a text is more than itself."""
    return isinstance(text, str) and ("{{" in text or "{%" in text)


@lru_cache(maxsize=20_000)
def parsed(text: str) -> nodes.Template | None:
    """Parse a template; None if it is none."""
    try:
        return JINJA.parse(text)
    except TemplateError:
        return None


def path_of(node: nodes.Node) -> Path | None:
    """Return what a node looks up, as name and keys."""
    if isinstance(node, nodes.Name):
        return (node.name,)
    if isinstance(node, nodes.Getattr):
        before = path_of(node.node)
        return (*before, node.attr) if before else None
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        before = path_of(node.node)
        return (*before, node.arg.value) if before else None
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Neg) and isinstance(node.arg.node, nodes.Const):
        before = path_of(node.node)
        return (*before, -node.arg.node.value) if before else None
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr) and node.node.attr == "get" and node.args:
        before, key = path_of(node.node.node), node.args[0]
        return (*before, key.value) if before and isinstance(key, nodes.Const) else None
    return None


@lru_cache(maxsize=20_000)
def lookups(text: str) -> tuple[Path, ...]:
    """Return what a template looks up, the longest paths first."""
    tree = parsed(text)
    if tree is None:
        return ()
    kinds = (nodes.Name, nodes.Getattr, nodes.Getitem, nodes.Call)
    found = dict.fromkeys(path for node in tree.find_all(kinds) if (path := path_of(node)))
    tested = [
        (*path, test.expr.value)
        for test in tree.find_all(nodes.Compare)
        if isinstance(test.expr, nodes.Const) and NAME.fullmatch(str(test.expr.value))
        for operand in test.ops
        if operand.op in ("in", "notin") and (path := path_of(operand.expr))
    ]
    return tuple(sorted({*found, *tested}, key=lambda path: (-len(path), str(path))))


def is_lookup(text: str) -> bool:
    """Tell whether a template looks up one value, and does nothing else."""
    tree = parsed(text)
    parts = [node for output in tree.body for node in getattr(output, "nodes", ())] if tree else []
    return len(parts) == 1 and path_of(parts[0]) is not None


METHODS = frozenset(
    "get items keys values strftime startswith endswith lower upper replace split strip rstrip lstrip".split()
)
"""Names after a dot that templates call and do not look up."""


def below(text: Any, name: str) -> list[Path]:
    """Return the paths below a name that a template reads; a path that is part of a longer one is left out."""
    paths = [path[1:] for path in lookups(str(text)) if path[0] == name and len(path) > 1]
    paths = [tuple(takewhile(lambda step: step not in METHODS, path)) for path in paths]
    paths = [path for path in dict.fromkeys(paths) if path]
    return [path for path in paths if not any(other != path and other[: len(path)] == path for other in paths)]


def constants(text: Any) -> list[Any]:
    """Return the texts and numbers with which a template compares."""
    tree = parsed(str(text))
    if tree is None:
        return []
    found = [node.value for node in tree.find_all(nodes.Const)]
    return [value for value in dict.fromkeys(found) if isinstance(value, str | int | float | bool)]


def render(text: Any, **scope: Any) -> Any:
    """Render a text, as well as that is possible without the rest of a scope."""
    if not is_template(text):
        return text
    try:
        return RENDER.from_string(text).render(**scope)
    except Exception:  # noqa: BLE001  # a template may raise anything
        return text


@lru_cache(maxsize=20_000)
def pattern(text: str) -> tuple[re.Pattern[str], tuple[str, ...], int]:
    """Return the pattern of the texts that a template makes, which bound each of its groups is, and its own letters."""
    tree = parsed(text)
    if tree is None or any(not isinstance(part, nodes.Output) for part in tree.body):
        return re.compile(r"(?s).*"), (), 0
    written, groups, letters = "", [], 0
    for part in _parts(tree):
        if isinstance(part, str):
            written, letters = written + re.escape(part), letters + len(part)
        else:
            written += r"(.*?)"
            groups.append(part[0])
    return re.compile(f"(?s){written}"), tuple(groups), letters


def _parts(tree: nodes.Template) -> Iterator[str | tuple[str]]:
    for output in tree.body:
        for node in output.nodes if isinstance(output, nodes.Output) else ():
            if isinstance(node, nodes.TemplateData):
                yield node.data
                continue
            if isinstance(node, nodes.CondExpr) and (path_of(node.test) or ("",))[0] in SLICE:
                node = node.expr1  # there is a window
            path = path_of(node) or ()
            yield (BOUNDS.get(str(path[-1]), "") if path and path[0] in SLICE else "",)

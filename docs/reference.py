"""Writes the reference of every public name from its docstring: `make docs`."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any, get_args

import connectors_dagster
from connectors_dagster.orchestration.docstrings import arguments, parsed, summary
from connectors_dagster.spec import options, response_rule
from docs.markdown import table

LONGEST = 120
CHOICES = {
    name: str(choice).removeprefix("typing.")
    for name, choice in {**vars(options), **vars(response_rule)}.items()
    if get_args(choice)
}
"""Names for a choice of words, such as `MissingRows`, with the words."""
PAGE = Path(__file__).with_name("reference.md")
HEAD = """\
<!-- Written by `make docs` from the docstrings: change those. -->
# Reference

Every public name of the package, as in `from connectors_dagster import Connector`. Everything else may change from
one release to the next. [Add your API](add-your-api.md) and
[in a Dagster project of your own](your-own-dagster-project.md) show how to use them.
"""


def build_reference() -> str:
    """Return the page, as Markdown."""
    return "\n".join([HEAD, *(_section(name) for name in connectors_dagster.__all__)])


def _section(name: str) -> str:
    public = getattr(connectors_dagster, name)
    parts = [f"## `{name}`", _text(summary(public)), _signature(public), _arguments(public), _raises(public)]
    if inspect.isclass(public):
        parts.append(_members(public))
    return "\n\n".join(part.rstrip() for part in parts if part) + "\n"


def _signature(public: Any) -> str:
    """Return how a function or method is called, as it is written in the code."""
    return "" if inspect.isclass(public) else f"```python\n{_declared(_node(public))}\n```"


def _arguments(public: Any) -> str:
    said = arguments(public)
    types: dict[str, tuple[str, str]] = {}
    for one in reversed(public.__mro__) if inspect.isclass(public) else (public,):
        if one.__module__.startswith("connectors_dagster"):
            types |= dict(_fields(_node(one)))
    rows = [(f"`{name}`", *(f"`{part}`" if part else "" for part in types[name]), _text(said[name])) for name in said]
    return table(("argument", "type", "default", "meaning"), rows) if rows else ""


def _raises(public: Any) -> str:
    raised = [
        f"`{error.type_name}`: {_text(' '.join((error.description or '').split()))}" for error in parsed(public).raises
    ]
    return f"Raises {'; '.join(raised)}" if raised else ""


def _members(public: type) -> str:
    """List the properties and methods that a class adds to what it inherits."""
    inherited = {name for base in public.__mro__[1:] for name in vars(base)}
    found = [
        node
        for node in _node(public).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and node.name not in inherited
    ]
    return table(("member", "meaning"), [(f"`{_called(node)}`", _first_line(node)) for node in found]) if found else ""


def _called(node: ast.FunctionDef) -> str:
    if any("property" in ast.unparse(decorator) for decorator in node.decorator_list):
        return f"{node.name}: {_type(node.returns)}"
    return f"{node.name}({', '.join(_parameters(node))}){_returned(node)}"


def _declared(node: ast.FunctionDef) -> str:
    """Return the head of a function, with one parameter per line if it is long."""
    line = f"def {_called(node)}: ..."
    lines = "".join(f"    {parameter},\n" for parameter in _parameters(node))
    return line if len(line) <= LONGEST else f"def {node.name}(\n{lines}){_returned(node)}: ..."


def _returned(node: ast.FunctionDef) -> str:
    return f" -> {_type(node.returns)}" if node.returns else ""


def _parameters(node: ast.FunctionDef) -> list[str]:
    named = [
        _parameter(argument.arg, argument.annotation, default)
        for argument, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    ]
    positional = [
        _parameter(argument.arg, argument.annotation) for argument in node.args.args if argument.arg != "self"
    ]
    return [*positional, *(["*", *named] if named else [])]


def _parameter(name: str, annotation: ast.expr | None, default: ast.expr | None = None) -> str:
    return f"{name}: {_type(annotation)}" + (f" = {ast.unparse(default)}" if default else "")


def _fields(node: Any) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the fields of a class, or the arguments of a function, each with type and default."""
    if isinstance(node, ast.ClassDef):
        for item in node.body:
            if isinstance(item, ast.AnnAssign):
                yield ast.unparse(item.target), (_type(item.annotation), _default(item.value))
    else:
        for argument in node.args.args:
            yield argument.arg, (_type(argument.annotation), "")
        for argument, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
            yield argument.arg, (_type(argument.annotation), _default(default))


def _default(value: ast.expr | None) -> str:
    if isinstance(value, ast.Call) and ast.unparse(value.func) == "field":
        return next(f"{ast.unparse(k.value)}()" for k in value.keywords if k.arg == "default_factory")
    return ast.unparse(value) if value else ""


def _type(annotation: ast.expr | None) -> str:
    return ast.unparse(_Spelled().visit(annotation)) if annotation else ""


class _Spelled(ast.NodeTransformer):
    """Spells out a name for a choice of words, and takes the quotes from forward references."""

    def visit_Name(self, node: ast.Name) -> ast.expr:  # the name ast calls
        return ast.parse(CHOICES[node.id], mode="eval").body if node.id in CHOICES else node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        return node if ast.unparse(node.value) == "Literal" else self.generic_visit(node)  # type: ignore[return-value]

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return ast.Name(node.value) if isinstance(node.value, str) else node


def _node(public: Any) -> Any:
    return ast.parse(dedent(inspect.getsource(public))).body[0]


def _first_line(node: ast.FunctionDef) -> str:
    return _text((ast.get_docstring(node) or "").split("\n\n")[0].replace("\n", " "))


def _text(said: str) -> str:
    """Write code as Markdown does."""
    return said.replace("``", "`")


def main() -> None:
    """Write the page."""
    PAGE.write_text(build_reference(), encoding="utf-8")


if __name__ == "__main__":
    main()

"""Which templates a component in YAML may have: settings in its configuration, and descriptions of its assets."""

from collections.abc import Iterator, Mapping
from typing import Any

import jinja2
from jinja2 import nodes

BEGINNINGS = ("{{", "{%", "{#")
NAMES = ("connector", "resource", "spec")
FILTERS = ("capitalize", "default", "join", "lower", "replace", "title", "trim", "upper")
ALLOWED = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.Getitem, nodes.Const),
    *(nodes.CondExpr, nodes.And, nodes.Or, nodes.Not, nodes.Compare, nodes.Operand, nodes.Concat, nodes.Filter),
)
"""They read values. None of them calls a function, assigns a name or imports anything."""


def refuse_templates(value: Any) -> None:
    """Refuse a value that contains a template.

    Raises:
        ValueError: it does.
    """
    for text in _texts(value):
        if any(beginning in text for beginning in BEGINNINGS):
            raise ValueError(f'{text!r}: only "{{{{ setting.name }}}}" and "{{{{ secret.name }}}}" are allowed here')


def check_templates(value: Any) -> None:
    """Refuse templates that do more than read what an asset is.

    Raises:
        ValueError: a template calls a function, or reads something else than `connector`, `resource` and `spec`.
    """
    for text in _texts(value):
        if any(beginning in text for beginning in BEGINNINGS):
            _check(text)


def _check(text: str) -> None:
    try:
        parsed = jinja2.Environment(autoescape=True).parse(text)
    except jinja2.TemplateSyntaxError as error:
        raise ValueError(f"{text!r} is not a template: {error.message}") from None
    for node in (parsed, *parsed.find_all(nodes.Node)):
        if not _reads_only(node):
            raise ValueError(
                f"{text!r}: a template may read {', '.join(NAMES)} and their fields, and use the filters "
                f"{', '.join(FILTERS)}"
            )


def _reads_only(node: nodes.Node) -> bool:
    if isinstance(node, nodes.Name):
        return node.name in NAMES
    if isinstance(node, nodes.Getattr):
        return not node.attr.startswith("_")
    if isinstance(node, nodes.Getitem):
        key = node.arg
        return isinstance(key, nodes.Const) and not str(key.value).startswith("_")
    if isinstance(node, nodes.Filter):
        return node.name in FILTERS
    return isinstance(node, ALLOWED)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from (*_texts(key), *_texts(item))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)

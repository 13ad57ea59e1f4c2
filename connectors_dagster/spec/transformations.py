"""What is changed in rows before they are loaded, and which rows are left out."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from connectors_dagster.spec.expression_scope import unknown_names

SCOPE = frozenset(("record", "each", "parent"))
"""What an expression over a row may read."""


@dataclass(frozen=True, kw_only=True)
class TypedValue:
    """The value of an added field, with a type.

    Args:
        value: a text with `{{ … }}`, as in `add_fields`.
        type: the type that the value has; a value of another type becomes text.
    """

    value: str
    type: Literal["text", "integer", "float", "boolean"]


@dataclass(frozen=True, kw_only=True)
class Transformation:
    """One change of every row: exactly one of these.

    Args:
        add_fields: fields by name, each with a text in whose place `{{ record.customer.id }}` is a value of the row,
            `{{ each.region }}` one of the lists in `for_each`, and `{{ parent.id }}` a field of the parent row that
            the request needs or that is included. A field of this name is replaced. What is rendered is read as a
            literal of Python: `7` is a number, `007` is text. A value that is missing is empty text; a field of a value
            that is missing is an error.
        remove_fields: names of fields to leave out; several names are those on the way to a field inside of objects. A
            row may lack them.
        rename_fields: new names by names; a row may lack them.
        flatten_fields: names of objects whose fields take their place in the row, as often those of `attributes`. An
            object stays if one of its fields has the name of another field of the row.
        lower_names: whether the names of all fields become lower case.
        cast_to: a JSON schema: each value becomes one of its type, as far as that is possible; also inside of objects
            and lists. What has a union of types, or cannot be cast, stays.
    """

    add_fields: Mapping[str, str | TypedValue] = field(default_factory=dict)
    remove_fields: tuple[str | tuple[str, ...], ...] = ()
    rename_fields: Mapping[str, str] = field(default_factory=dict)
    flatten_fields: tuple[str, ...] = ()
    lower_names: bool = False
    cast_to: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a change that is none or several, or that reads what it cannot know."""
        given = [one.name for one in fields(self) if getattr(self, one.name)]
        if len(given) != 1:
            names = ", ".join(one.name for one in fields(self))
            raise ValueError(f"transformations: {given or 'nothing'} is given; write exactly one of {names} in each")
        for name, value in self.add_fields.items():
            text = value.value if isinstance(value, TypedValue) else value
            check_expression(text, f"add_fields: {name}")
        if len({*self.rename_fields.values()}) < len(self.rename_fields):
            raise ValueError("rename_fields: two fields get the same name")


def check_expression(text: str, where: str) -> None:
    """Refuse an expression over a row that cannot be read.

    Raises:
        ValueError: it is not an expression, or reads something else than the row, `each` and `parent`.
    """
    if unknown := unknown_names(text, SCOPE, where):
        known = ", ".join(sorted(SCOPE))
        raise ValueError(f"{where}: {text!r} reads {', '.join(unknown)}, which is not known here: it may read {known}")

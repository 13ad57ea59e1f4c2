"""Placeholders in a connector's configuration for values that are read at run time."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import date
from enum import Enum
from typing import Any, Self, cast

IN_TEXT = re.compile(r"‹(?:setting|secret)\.(\w+)›")
"""A setting inside text. dlt rewrites texts, such as paths, so the text itself must say where the setting is."""
KINDS: Mapping[str, type[Any]] = {
    "text": str, "integer": int, "number": float, "boolean": bool, "date": date, "list": list,
}  # fmt: skip
"""The types of settings, by their names in YAML."""
FITTING: Mapping[Any, Any] = {
    str: str,
    int: int,
    float: (int, float),
    bool: bool,
    date: (str, date),
    list: str,  # each item
}
Kind = type[Any]


class _Required(Enum):
    """One value, which stays the same in copies."""

    REQUIRED = "REQUIRED"

    def __repr__(self) -> str:
        return self.value


REQUIRED: Any = _Required.REQUIRED
"""The default of a setting that must be given."""


class Setting(str):
    """A placeholder for the setting with this name under ``sources.<connector>``.

    The first argument is the name. A setting that is used in several places may be declared in one of them, and only
    be named in the others.

    Args:
        type: what the value must be: `str`, `int`, `float`, `bool`, `date` or `list` (of texts).
        default: the value if none is given. With None, what the setting is for is then left out of the request. A
            setting without a default must be given.
        choices: the values that are allowed; empty for any.
        description: what the setting is, for people.

    Raises:
        ValueError: the type is not one of these, or the default is not allowed.
    """

    type: Kind = str
    default: Any = REQUIRED
    choices: Sequence[Any] = ()
    description: str = ""

    def __new__(
        cls,
        name: str,
        *,
        type: Kind = str,
        default: Any = REQUIRED,
        choices: Iterable[Any] = (),
        description: str = "",
    ) -> Self:
        """Declare the setting."""
        self = super().__new__(cls, name)
        choices = tuple(choices)
        self.type, self.default, self.choices, self.description = type, default, choices, description
        if type not in KINDS.values():
            raise ValueError(f"setting {name}: type is {type!r}; it must be str, int, float, bool, date or list")
        for value in (*choices, *(_items(default, type) if self.default_given else ())):
            if not isinstance(value, FITTING[type]) or (isinstance(value, bool) and type is not bool):
                raise ValueError(f"setting {name}: {value!r} is not {type.__name__}, which the value must be")
        for value in _items(default, type) if self.default_given else ():
            if choices and value not in choices:
                raise ValueError(f"setting {name}: the default {value!r} is not one of the choices {list(choices)}")
        return self

    @property
    def default_given(self) -> bool:
        """Whether there is a value without the setting."""
        return self.default is not REQUIRED and self.default is not None

    @property
    def required(self) -> bool:
        """Whether a value must be given."""
        return self.default is REQUIRED

    @property
    def optional(self) -> bool:
        """Whether there may be no value."""
        return self.default is None

    @property
    def declaration(self) -> tuple[Any, ...]:
        """All that is declared beside the name."""
        return self.type, self.default, self.choices, self.description

    def asked(self) -> Iterator["Setting"]:
        """Yield the settings that must be read for the value: this one."""
        yield self


class Secret(Setting):
    """A placeholder for a setting whose value is never shown. It takes the arguments of `Setting`."""


class Text(str):
    """A text with settings in it: ``Text("https://", Setting("shop"), ".example.com")``.

    The arguments are the parts of the text, in order: texts and settings. If a setting in it has no value, the whole
    text has none.
    """

    parts: Sequence[str] = ()

    def __new__(cls, *parts: str) -> Self:
        """Join the parts; each setting becomes a mark with its name."""
        self = super().__new__(cls, "".join(_marked(part) for part in parts))
        self.parts = tuple(inner for part in parts for inner in (part.parts if isinstance(part, Text) else (part,)))
        return self


def _items(value: Any, kind: Kind) -> Sequence[Any]:
    """Return the items of a list, or the value itself."""
    return value if kind is list and isinstance(value, list | tuple) else (value,)


def _marked(part: str) -> str:
    if not isinstance(part, Setting):
        return part
    return f"‹{'secret' if isinstance(part, Secret) else 'setting'}.{part}›"


def find_placeholders(value: Any) -> Iterator[Setting]:
    """Yield every setting inside nested mappings, lists, texts and dataclasses, in order of appearance.

    In the place of a value that is computed, those that it is computed from are yielded.
    """
    for placeholder in written_placeholders(value):
        yield from placeholder.asked()


def written_placeholders(value: Any) -> Iterator[Setting]:
    """Yield the placeholders inside a value as they are written, in order of appearance."""
    if isinstance(value, Setting):
        yield value
    elif is_dataclass(value):
        yield from written_placeholders(list(_fields(value).values()))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from written_placeholders(item)
    elif isinstance(value, Text):
        yield from (part for part in value.parts if isinstance(part, Setting))
    elif isinstance(value, Iterable) and not isinstance(value, str | bytes):
        for item in value:
            yield from written_placeholders(item)


def _fields(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(value)}


def fill_placeholders(config: Any, values: Mapping[Setting, Any]) -> Any:
    """Return a copy of a configuration with every placeholder replaced by its value.

    Fields and items that a setting without a value stands for are left out.
    """
    if isinstance(config, Setting):
        return values[config]
    if is_dataclass(config):
        return replace(
            cast(Any, config), **{name: fill_placeholders(item, values) for name, item in _fields(config).items()}
        )
    if isinstance(config, Mapping):
        filled = ((key, item, fill_placeholders(item, values)) for key, item in config.items())
        return {key: value for key, item, value in filled if value is not None or item is None}
    if isinstance(config, list | tuple):
        items = [(item, fill_placeholders(item, values)) for item in config]
        return [value for item, value in items if value is not None or item is None]
    return _fill_text(config, values) if isinstance(config, str) and "‹" in config else config


def _fill_text(text: str, values: Mapping[Any, Any]) -> str | None:
    if any(values.get(name, "") is None for name in IN_TEXT.findall(text)):
        return None
    # In a text with doubled braces, those of a value would be taken for a placeholder of dlt.
    double = str.maketrans({"{": "{{", "}": "}}"}) if "{{" in text else {}
    return IN_TEXT.sub(
        lambda found: as_text(values[found[1]]).translate(double) if found[1] in values else found[0], text
    )


def as_text(value: Any) -> str:
    """Write a value as it stands in text: booleans in lower case, lists with commas."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(as_text, value)) if isinstance(value, list | tuple) else str(value)

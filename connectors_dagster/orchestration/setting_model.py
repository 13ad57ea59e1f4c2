"""How a setting is declared in YAML; in Python, the arguments of `Setting` say the same."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Literal

import pydantic

from connectors_dagster.spec.placeholders import KINDS, REQUIRED, Setting, Text
from connectors_dagster.spec.suggestion import suggest


class SettingModel(pydantic.BaseModel):
    """What the value of a setting must be."""

    model_config = pydantic.ConfigDict(extra="forbid")

    type: Literal["text", "integer", "number", "boolean", "date", "list"] = pydantic.Field(
        "text", description="What the value must be."
    )
    default: Any = pydantic.Field(
        None, description="The value if none is given; null leaves out what the setting is for. Without it, required."
    )
    choices: list[Any] = pydantic.Field([], description="The values that are allowed; empty for any.")
    description: str = pydantic.Field("", description="What the setting is, for people.")

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of `Setting`."""
        default = self.default if "default" in self.model_fields_set else REQUIRED
        if isinstance(default, date):
            default = default.isoformat()  # as YAML reads it
        return {
            "type": KINDS[self.type],
            "default": default,
            "choices": tuple(self.choices),
            "description": self.description,
        }


def placeholder(kind: type[Setting], name: str, declared: Mapping[str, SettingModel]) -> Setting:
    """Return the placeholder for a setting, as it is declared.

    Raises:
        ValueError: the default or a choice does not have the declared type.
    """
    return kind(name, **(declared[name].arguments() if name in declared else {}))


def check_used(declared: Mapping[str, Any], used: Iterable[Setting], connector: str) -> None:
    """Refuse a declaration of a setting that the configuration does not use.

    Raises:
        ValueError: names the setting and the one that may be meant.
    """
    names = list(dict.fromkeys(map(str, used)))
    for name in declared:
        if name not in names:
            hint = suggest(name, names)
            raise ValueError(f"{connector}: settings declares {name!r}, which config does not use; {hint}")


def text_of(parts: list[str]) -> str:
    """Return a text of parts, or the setting if it is the only one."""
    found = [part for part in parts if part]
    return found[0] if len(found) == 1 else Text(*found)

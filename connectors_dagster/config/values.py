"""One value of the configuration, checked when it is read; what is wrong names the environment variable."""

import os
from collections.abc import Iterable, Iterator
from datetime import timedelta
from difflib import get_close_matches
from typing import Annotated, Any, Literal, TypeVar

import pydantic

from connectors_dagster.config.look_up import look_up
from connectors_dagster.errors import SettingError
from connectors_dagster.spec.limits import MOST_PARALLEL_REQUESTS

Value = TypeVar("Value")
Automation = Literal["schedule", "declarative", "off"]
TableFormat = Literal["delta", "iceberg"]
Count = Annotated[int, pydantic.Field(ge=1)]
Parallel = Annotated[int, pydantic.Field(ge=1, le=MOST_PARALLEL_REQUESTS)]
CountOrNone = Annotated[int, pydantic.Field(ge=0)]
Share = Annotated[float, pydantic.Field(ge=0, le=1, allow_inf_nan=False)]
Duration = Annotated[float, pydantic.Field(ge=0, allow_inf_nan=False)]
Seconds = Annotated[float, pydantic.Field(gt=0, allow_inf_nan=False)]
Lookback = Annotated[timedelta, pydantic.Field(ge=timedelta(0), le=timedelta(days=3650))]
Memory = Annotated[int, pydantic.Field(ge=200_000_000)]
Hours = Annotated[float, pydantic.Field(ge=0.1, le=1_000_000, allow_inf_nan=False)]


def environment(path: str) -> str:
    """Return the environment variable of a path in the configuration, such as ``connectors.preview_rows``."""
    return path.replace(".", "__").upper()


def read(path: str, kind: Any, default: Value) -> Value:
    """Read a value of the configuration; `default` if there is none or it is an empty text.

    Args:
        path: where it is, such as ``sources.storefront.max_loss``.
        kind: the type it must have, with its range.
        default: stands for a value that is missing.

    Raises:
        SettingError: names the environment variable, the value and what is allowed.
    """
    configured = look_up(path)
    if isinstance(configured, str):
        configured = configured.strip()
    if configured is None or configured == "":
        return default
    checked: Value = check(path, kind, configured)
    return checked


def check(path: str, kind: Any, configured: Any, *, hidden: bool = False) -> Any:
    """Return a configured value as the type it must have; a `hidden` one is not shown.

    Raises:
        SettingError: names the environment variable, the value and what is allowed.
    """
    try:
        return pydantic.TypeAdapter(kind).validate_python(configured)
    except pydantic.ValidationError as error:
        shown = "cannot be used" if hidden else f"is {configured!r}"
        raise SettingError(f"{environment(path)} {shown}: {_wanted(error)}") from None


def first_given(values: Iterable[Any]) -> Any:
    """Return the first value that is given; an empty text counts only if nothing else is; None if there is none."""
    found = [value for value in values if value is not None]
    return next((value for value in found if value != ""), found[0] if found else None)


def misspelt(section: str, known: Iterable[str]) -> Iterator[str]:
    """Describe each setting of a section that is unknown and resembles a known one, with the name it resembles."""
    in_file, in_environment = _written(section)
    written = {*in_file, *(name for name in in_environment if "__" not in name)}
    prefix = environment(section) + "__"
    for name, near in _resembling(written, known):
        yield f"{prefix}{name.upper()} is not a setting: did you mean {prefix}{near.upper()}?"


def sections_in(section: str) -> set[str]:
    """Return the names of the sections in a section of the files and the environment."""
    of_file, of_environment = _sections(section)
    return of_file | of_environment


def misspelt_sections(section: str, known: Iterable[str]) -> Iterator[str]:
    """Describe each section in a section that is unknown and resembles a known one, with the name it resembles."""
    of_file, of_environment = _sections(section)
    prefix = environment(section) + "__"
    for name, near in _resembling(of_file | of_environment, known):
        where = f"{prefix}{name.upper()}__…" if name in of_environment else f"[{section}.{name}] in config.toml"
        yield f"{where} is for no connector: did you mean {near}?"


def _sections(section: str) -> tuple[set[str], set[str]]:
    """Return the names of the sections in a section of the files, and of the environment."""
    in_file, in_environment = _written(section)
    of_file = {name for name, value in in_file.items() if isinstance(value, dict)}
    return of_file, {name.partition("__")[0] for name in in_environment if "__" in name}


def _written(section: str) -> tuple[dict[str, Any], set[str]]:
    """Return what a section of the files has, and the rest of the environment variables that begin with it."""
    in_file = look_up(section)
    prefix = environment(section) + "__"
    in_environment = {name.removeprefix(prefix).lower() for name in os.environ if name.startswith(prefix)}
    return in_file if isinstance(in_file, dict) else {}, in_environment


def _resembling(written: set[str], known: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each name that is unknown and resembles a known one, with that one."""
    names = sorted(known)
    for name in sorted(written - set(names)):
        if near := get_close_matches(name, names, n=1, cutoff=0.75):
            yield name, near[0]


def _wanted(error: pydantic.ValidationError) -> str:
    wrong = error.errors(include_url=False, include_context=False)[0]
    said = "Input should be a duration such as PT10M" if wrong["type"].startswith("time_delta") else wrong["msg"]
    return said.partition(", unable")[0].replace("Input should be", "it must be")


def names(configured: Any) -> list[str] | None:
    """Return a configured list of names, which environment variables write as text with commas or spaces."""
    if configured is None:
        return None
    found = configured.replace(",", " ").split() if isinstance(configured, str) else list(configured)
    return [str(name).strip("[]\"'") for name in found]

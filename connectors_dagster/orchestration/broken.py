"""Connectors that cannot be built: each is named with its file, and the others go on."""

import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pydantic
import yaml

from connectors_dagster.errors import SettingError
from connectors_dagster.secrets.redaction import redact


class BrokenConnectorsError(Exception):
    """Some connectors cannot be built; the message lists all of them."""


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A connector that cannot be built.

    Args:
        place: where it is written: a file with the line if it is known, an entry point or a setting.
        reason: what is wrong, without secrets.
        connectors: the names of what is broken, as far as they are known.
    """

    place: str
    reason: str
    connectors: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Say both in a line, or more if the reason has more."""
        return f"{self.place}: {self.reason}"


def describe_broken(error: BaseException, place: str, folder: Path | None = None) -> Broken:
    """Describe why something that is written at a place, or in a folder, cannot be built.

    The values in the files are left out, because a secret may be written there.
    """
    causes = list(_chain(error))
    cause = next((found for found in causes if not _is_of_dagster(found)), causes[-1])
    if isinstance(cause, pydantic.ValidationError):
        problems = cause.errors(include_url=False, include_input=False, include_context=False)
        return Broken(
            place=place,
            reason=redact("; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in problems)),
        )
    if isinstance(cause, yaml.MarkedYAMLError) and cause.problem_mark:
        line = cause.problem_mark.line + 1
        return Broken(place=f"{place}:{line}", reason=f"is not YAML: {cause.problem}")
    if isinstance(cause, SettingError):
        return Broken(place="settings", reason=str(cause))
    kind = "" if isinstance(cause, ValueError) or _is_of_dagster(cause) else f"{type(cause).__name__}: "
    return Broken(place=_place_in(cause, folder) or place, reason=redact(f"{kind}{cause}"))


def build_broken_sensor(broken: Sequence[Broken]) -> dg.Definitions:
    """Make a sensor that fails with what is broken, so that the UI shows it; nothing if nothing is broken."""
    if not broken:
        return dg.Definitions()

    @dg.sensor(
        name="broken_connectors",
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=600,
        description="Fails as long as a connector cannot be built:\n\n" + "\n\n".join(map(str, broken)),
    )
    def broken_connectors() -> dg.SkipReason:
        raise BrokenConnectorsError("\n".join(map(str, broken)))

    return dg.Definitions(sensors=[broken_connectors])


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _is_of_dagster(error: BaseException) -> bool:
    return type(error).__module__.startswith("dagster")


def _place_in(error: BaseException, folder: Path | None) -> str | None:
    """Find the line of a Python file of the folder that raised an error."""
    frames = traceback.extract_tb(error.__traceback__)
    return next(
        (
            f"{folder.name}/{Path(frame.filename).relative_to(folder)}:{frame.lineno}"
            for frame in reversed(frames)
            if folder and Path(frame.filename).is_relative_to(folder)
        ),
        None,
    )

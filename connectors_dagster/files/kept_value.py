"""A value that takes long to make, kept in a file for the processes that need it next."""

import os
import pickle
import platform
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, cast

Value = TypeVar("Value")
OWN = __name__.partition(".")[0]
MAKERS = ("dlt", "jinja2", "jsonpath-ng", "PyYAML")
"""The libraries that have a part in what is kept."""
ADMITTED = frozenset(
    {
        *(f"builtins.{name}" for name in ("bool", "dict", "float", "frozenset", "int", "list", "set", "str", "tuple")),
        "datetime.date",
        "datetime.timedelta",
        "datetime.timezone",
        "dlt.sources.rest_api.typing.ResolvedParam",
        "functools.partial",
        "jsonpath_ng.jsonpath.Child",
        "jsonpath_ng.jsonpath.Fields",
        "jsonpath_ng.jsonpath.Root",
        "pathlib.PosixPath",
    }
)
"""The classes that a file may name beside those in `ROOMS`; it can name no function, so it can call none."""
ROOMS = (f"{OWN}.spec.", f"{OWN}.cdk.configuration", f"{OWN}.cdk.stream")
"""The modules of this package whose classes are values; to make an object of another one may do something."""


def kept_value(file: Path, made_of: Callable[[], str], make: Callable[[], Value]) -> Value:
    """Return a value: from a file if what it is made of is the same, else made anew and then kept there.

    A file that cannot be read or written, is damaged, or was written by another version of this package changes
    nothing but the time. Errors of `make` are raised as they are.

    Args:
        file: it holds one value, and a new one takes the place of the last.
        made_of: returns all that the value depends on, beside the code of this package. If that has changed while the
            value was made, nobody knows what it was made of, so it is not kept.
        make: makes the value.
    """
    mark = _mark(made_of())
    with suppress(Exception):  # whatever is wrong with a file, the value can be made
        found = file.read_bytes()
        if found.startswith(mark):
            return cast(Value, _Reader(BytesIO(found[len(mark) :])).load())
    value = make()
    with suppress(Exception):  # also a value that cannot be written this way
        if _mark(made_of()) == mark:
            _keep(file, mark, value)
    return value


def _mark(made_of: str) -> bytes:
    return sha256(f"{_code()} {made_of}".encode()).digest()


def _keep(file: Path, mark: bytes, value: Any) -> None:
    """Write a file at once, because other processes read it; what would not be read back is not kept."""
    written = BytesIO()
    _Writer(written, protocol=5).dump(value)
    if _Reader(BytesIO(written.getvalue())).load() != value:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=file.parent, prefix=file.name)
    try:
        with os.fdopen(handle, "wb") as open_file:
            open_file.write(mark + written.getvalue())
        Path(draft).replace(file)
    except BaseException:
        Path(draft).unlink()
        raise


def _read_only(values: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(values)


class _Writer(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        """Write read-only mappings, for which pickle has no way."""
        return (_read_only, (dict(value),)) if isinstance(value, MappingProxyType) else NotImplemented


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Return a class that is admitted.

        Raises:
            UnpicklingError: the file names anything else.
        """
        if f"{module}.{name}" in (*ADMITTED, f"{__name__}.{_read_only.__name__}"):
            return super().find_class(module, name)
        if module.startswith(ROOMS):
            found = super().find_class(module, name)
            if isinstance(found, type) and found.__module__ == module:
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is not admitted")


@cache
def _code() -> str:
    """Return a digest of the code that makes values, so that none of them outlives it."""
    folder, found = Path(__file__).parents[1], sha256()
    for file in sorted(folder.rglob("*.py")):
        found.update(file.read_bytes())
    return " ".join([platform.python_version(), *map(version, MAKERS), found.hexdigest()])

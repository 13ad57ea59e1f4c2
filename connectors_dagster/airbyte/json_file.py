"""Files of JSON that Airbyte writes, whose fields are in snake case or, by its API, in camel case."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from connectors_dagster.airbyte.errors import ManifestError


def read_json(file: Path, *, what: str) -> Any:
    """Read a file.

    Raises:
        ManifestError: it cannot be read, or is not JSON; its content is not shown.
    """
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ManifestError(f"{file}: cannot be read: {error.strerror}") from None
    except ValueError:
        raise ManifestError(f"{file}: is not JSON, as {what} is") from None
    if not isinstance(found, dict | list):
        raise ManifestError(f"{file}: is not {what}")
    return found


def read_object(file: Path, *, what: str) -> Mapping[str, Any]:
    """Read a file with an object.

    Raises:
        ManifestError: it cannot be read, or is something else.
    """
    found = read_json(file, what=what)
    if not isinstance(found, dict):
        raise ManifestError(f"{file}: is not {what}: it must be an object, not a list")
    return found


def field(found: Any, name: str) -> Any:
    """Return a field by its name in snake case; None if there is none."""
    if not isinstance(found, Mapping):
        return None
    camel = re.sub(r"_(\w)", lambda letter: letter[1].upper(), name)
    return found[name] if name in found else found.get(camel)

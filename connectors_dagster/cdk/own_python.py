"""The connector's own Python: which streams need it, and whether it may run."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from connectors_dagster.airbyte.errors import NotNativeError
from connectors_dagster.cdk.stream import Python

FILE = "components.py"
OF_THE_TOOLKIT = "airbyte_cdk."


def own_python(definition: Any, folder: Path, *, trusted: bool) -> Python | None:
    """Return the Python that a stream needs; None if it needs none.

    Raises:
        NotNativeError: it may not run, or is not there.
    """
    names = [name for name in dict.fromkeys(_class_names(definition)) if not name.startswith(OF_THE_TOOLKIT)]
    if not names:
        return None
    if not trusted:
        raise NotNativeError("Python of the connector's own, which only runs with trust_python", names[0])
    file = folder / FILE
    if not file.is_file():
        raise NotNativeError(f"Python of the connector's own, of which {FILE} is not beside the manifest", names[0])
    return Python(file=file, names=tuple(dict.fromkeys(name.rpartition(".")[0] for name in names)))


def _class_names(component: Any) -> Iterator[str]:
    if isinstance(component, dict):
        for key, value in component.items():
            if key == "class_name" and isinstance(value, str):
                yield re.sub(r"\s", "", value)
            else:
                yield from _class_names(value)
    elif isinstance(component, list):
        for item in component:
            yield from _class_names(item)

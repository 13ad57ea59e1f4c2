"""The connector's own Python: which streams need it, and whether it may run."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from connectors_dagster.airbyte.errors import NotNativeError
from connectors_dagster.cdk.schemas import casts_rows, inline_schema
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


def without_idle_python(component: Any) -> Any:
    """Return a stream, and its parents, without Python that no row depends on.

    There is no state to migrate, and a schema is only used if rows are cast to it.
    """
    if isinstance(component, list):
        return [without_idle_python(item) for item in component]
    if not isinstance(component, dict):
        return component
    kept = {key: without_idle_python(item) for key, item in component.items()}
    retriever = kept.get("retriever")
    if not isinstance(retriever, dict):
        return kept
    kept.pop("state_migrations", None)
    if _is_own(kept.get("schema_loader")) and not _may_read_schema(retriever):
        kept["schema_loader"] = inline_schema({})
    return kept


def _is_own(component: Any) -> bool:
    return any(True for _ in _class_names(component))


def _may_read_schema(retriever: dict[str, Any]) -> bool:
    """Tell whether rows may depend on the schema: Python that makes them may do what it likes."""
    return casts_rows(retriever) or _is_own(retriever)


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

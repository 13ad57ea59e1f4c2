"""The engine for the streams of Airbyte that are not translated: a Python with airbyte-cdk, and its memory."""

import os
from pathlib import Path

from connectors_dagster.config.look_up import look_up
from connectors_dagster.config.values import Memory, environment, read
from connectors_dagster.errors import SettingError

INTERPRETER = "connectors.airbyte_python"
DEFAULT_MEMORY = 1_500_000_000


def most_memory() -> int:
    """Read how many bytes of memory a process with airbyte-cdk may have of its own."""
    return read("connectors.airbyte_memory", Memory, DEFAULT_MEMORY)


def configured_interpreter() -> Path | None:
    """Read the Python that has airbyte-cdk; None if none is configured.

    Raises:
        SettingError: there is no such program.
    """
    configured = str(look_up("connectors.airbyte_python") or "").strip()
    if not configured:
        return None
    file = Path(configured)
    if not (file.is_file() and os.access(file, os.X_OK)):
        raise SettingError(f"{environment(INTERPRETER)} is {configured!r}: it must be a Python with airbyte-cdk")
    return file

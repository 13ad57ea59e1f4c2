"""The Python with airbyte-cdk, in an environment of its own."""

import os
from pathlib import Path

from tests.support.installed import required

ROOT = Path(__file__).parents[2]


def cdk_python() -> str:
    """Return the Python with airbyte-cdk: the one that `AIRBYTE_PYTHON` names, or that which make installs."""
    found = ROOT / os.environ.get("AIRBYTE_PYTHON", ".venv-airbyte/bin/python")
    return str(required(found if found.exists() else None, what="airbyte-cdk", target=".venv-airbyte/bin/python"))

"""The environment in which airbyte-cdk is installed, apart from that of this project."""

import hashlib
import logging
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

from filelock import FileLock

from connectors_dagster.config.airbyte_engine import INTERPRETER, configured_interpreter
from connectors_dagster.config.values import environment
from connectors_dagster.config.workdir import work_subfolder
from connectors_dagster.errors import LoadError
from connectors_dagster.files.cache_files import acquire, move_aside

INSTALLED = "installed"
LONGEST = 1_000
log = logging.getLogger(__name__)


def interpreter() -> Path:
    """Return the Python that has airbyte-cdk: the configured one, else that of an environment that is made if needed.

    Raises:
        SettingError: the configured one does not exist.
        LoadError: the environment cannot be made.
    """
    if configured := configured_interpreter():
        return configured
    pins = files("connectors_dagster.airbyte") / "cdk-requirements.txt"
    return _made(str(pins), pins.read_bytes())


def _made(pins: str, content: bytes) -> Path:
    name = hashlib.sha256(content + sys.version.encode()).hexdigest()[:12]
    folder = work_subfolder("airbyte", name)
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    with acquire(FileLock(folder.with_suffix(".lock")), within=folder.parent):
        if not (folder / INSTALLED).exists():
            log.warning("airbyte-cdk is installed into %s, which may take some minutes", folder)
            if any(folder.iterdir()):
                move_aside(folder, "the installation was not finished")
            _run(sys.executable, "-m", "venv", str(folder))
            _run(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", pins)
            (folder / INSTALLED).touch()
    return python


def _run(*command: str) -> None:
    """Run a step of the installation.

    Raises:
        LoadError: says what it wrote last, and what to do.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-LONGEST:]
        raise LoadError(
            f"airbyte-cdk cannot be installed: {said}; install airbyte/cdk-requirements.txt of this package yourself, "
            f"and name its Python in {environment(INTERPRETER)}"
        )

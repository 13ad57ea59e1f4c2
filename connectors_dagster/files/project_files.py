"""The files that a project begins with: the Dagster instance and workspace, and dlt's settings."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

WRITTEN = {
    ".dagster/dagster.yaml": "dagster.yaml",
    "workspace.yaml": "workspace.yaml",
    ".dlt/config.toml": "config.toml",
}
"""Where each file goes in a project, and its name in this package."""


def write_project(folder: Path) -> list[str]:
    """Write the files that are not there yet; return their paths within the project.

    Raises:
        OSError: the folder cannot be written.
    """
    return [path for path, name in WRITTEN.items() if _write(folder / path, name)]


def write_instance(home: Path) -> None:
    """Write the `dagster.yaml` of an instance, if it has none.

    Raises:
        OSError: the folder cannot be written.
    """
    _write(home / "dagster.yaml", "dagster.yaml")


def workspace_file(folder: Path) -> Path:
    """Return the workspace of a project: its own, else that of this package, which loads the same."""
    own = folder / "workspace.yaml"
    return own if own.exists() else Path(str(_packaged("workspace.yaml")))


def _write(file: Path, name: str) -> bool:
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(_packaged(name).read_text(encoding="utf-8"))
    except FileExistsError:
        return False
    return True


def _packaged(name: str) -> Traversable:
    return files(__package__) / "project" / name

"""The files that a project begins with: the Dagster instance and workspace, and dlt's settings."""

from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class ProjectFile:
    """A file that a project begins with: its name in this package, and what it is for, in a few words."""

    name: str
    purpose: str


WRITTEN = {
    ".dagster/dagster.yaml": ProjectFile(name="dagster.yaml", purpose="Dagster's instance, with pools for families"),
    "workspace.yaml": ProjectFile(name="workspace.yaml", purpose="what the Dagster UI shows"),
    ".dlt/config.toml": ProjectFile(name="config.toml", purpose="settings that are not secret"),
    ".gitignore": ProjectFile(name="gitignore", purpose="what does not belong in a repository, such as secrets"),
}
"""The files by their place in a project."""


def write_project(folder: Path) -> list[str]:
    """Write the files that are not there yet; return their paths within the project.

    Raises:
        OSError: the folder cannot be written.
    """
    return [path for path, file in WRITTEN.items() if _write(folder / path, file.name)]


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

"""Begins a project, or a connector in it: the files of a folder from which connectors are loaded and served."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import click

from connectors_dagster.cli.terminal import say
from connectors_dagster.config.workdir import project_folder
from connectors_dagster.files.project_files import WRITTEN, write_project
from connectors_dagster.orchestration.location import load_location, new_components_folder
from connectors_dagster.orchestration.scaffolder import write_connector
from connectors_dagster.spec.validation import connector_name_problems


def begin_project() -> None:
    """Write what is missing of the project's files, and say what comes next.

    Raises:
        ClickException: the folder cannot be written.
    """
    with in_writable_folder():
        written = write_project(project_folder())
    for path, what in WRITTEN.items():
        say(f"{'wrote' if path in written else 'kept '}  {path}: {what.purpose}")
    say(
        "Next: `connectors demo` loads made-up rows, `connectors list --all` lists connectors, `connectors init NAME` "
        "asks for the settings of one, `connectors new NAME` begins one for your own API"
    )


def begin_connector(name: str) -> None:
    """Write a connector of the project, and say what comes next.

    Raises:
        ClickException: there is one with that name, it is no name, or the folder cannot be written.
    """
    if problems := [*connector_name_problems(name)]:
        raise click.ClickException("; ".join(problems))
    folder = new_components_folder() / name
    if folder.exists() or any(assets.connector.name == name for assets in load_location().known):
        raise click.ClickException(f"{name}: there is a connector with this name already: choose another")
    with in_writable_folder():
        write_connector(folder)
    file = os.path.relpath(folder / "defs.yaml")
    say(f"wrote  {file}: say there where the rows are; schema.yaml beside it declares the columns")
    say(f"Next: fill it in, then `connectors init {name}` asks for its settings and tries it")


@contextmanager
def in_writable_folder() -> Iterator[None]:
    """Explain a file of the project that cannot be written.

    Raises:
        ClickException: the folder cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}: run this in a folder you can write") from None

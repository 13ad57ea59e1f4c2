"""Begins a project: the files of a folder from which connectors are loaded and served."""

import click

from connectors_dagster.cli.terminal import say
from connectors_dagster.config.workdir import project_folder
from connectors_dagster.files.project_files import WRITTEN, write_project


def begin_project() -> None:
    """Write what is missing of the project's files, and say what comes next.

    Raises:
        ClickException: the folder cannot be written.
    """
    folder = project_folder()
    try:
        written = write_project(folder)
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}: run this in a folder you can write") from None
    for path, what in WRITTEN.items():
        say(f"{'wrote' if path in written else 'kept '}  {path}: {what.purpose}")
    say(
        "Next: `connectors demo` loads made-up rows, `connectors list --all` lists connectors, `connectors init NAME` "
        "asks for the settings of one"
    )

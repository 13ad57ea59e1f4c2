"""A reset from the command line: records are forgotten, and rows deleted if that is wanted."""

import click

from connectors_dagster.cli.demo_project import follow_demo
from connectors_dagster.cli.terminal import say
from connectors_dagster.config.workdir import project_folder
from connectors_dagster.load.deleted_rows import delete_rows
from connectors_dagster.load.destination_location import location
from connectors_dagster.orchestration.instance import open_instance
from connectors_dagster.orchestration.location import load_location
from connectors_dagster.orchestration.reset import forget, loaded_with
from connectors_dagster.orchestration.selection import select_one
from connectors_dagster.spec.plural import noun


def reset(name: str, *, drop_rows: bool, sure: bool) -> None:
    """Forget that a resource and its children were loaded, after a question.

    Rows are deleted after the records are forgotten: if that fails, everything is loaded again all the same.

    Raises:
        UnknownNameError: the name is not that of a resource.
        StillRunningError: the resource is queued or running.
        LoadError, DestinationBusyError: the rows cannot be deleted.
    """
    loaded = load_location()
    assets, resource = select_one(loaded, name)
    is_demo = follow_demo(loaded)
    members = loaded_with(assets, resource)
    names = ", ".join(map(str, members))
    rows = f" and delete all of their rows in {location()}" if drop_rows else "; the rows stay until they are replaced"
    if not sure:
        click.confirm(f"Forget that {names} were loaded{rows}?", abort=True)
    with open_instance(project_folder()) as instance:
        forgotten = forget(instance, assets, resource)
    for one, count in forgotten.items():
        windows = f"{count} {noun(count, 'window')}"
        say(f"{one}: forgot {windows if resource.windowed else 'its loads'}")
    for table, count in (delete_rows(members) if drop_rows else {}).items():
        say(f"{table}: deleted {count:,} {noun(count, 'row')}")
    command = "demo" if is_demo else f"run {resource.root} --missing"
    say(f"`connectors {command}` loads them again, as does the schedule {assets.schedule_name}")

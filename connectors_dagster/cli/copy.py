"""Tables are copied from another destination: the command prints how many rows, or why not."""

from collections.abc import Sequence

from connectors_dagster.cli.terminal import say
from connectors_dagster.errors import LoadError
from connectors_dagster.load.copied_rows import copy_rows
from connectors_dagster.orchestration.location import load_location
from connectors_dagster.orchestration.selection import families, select
from connectors_dagster.spec.plural import noun


def copy(names: Sequence[str], *, source: str) -> int:
    """Copy the tables of all families of what is named, one after another.

    Returns:
        1 if a family was refused, or no table was copied, else 0.

    Raises:
        UnknownNameError: a name is not a connector or resource.
        SettingError: rows cannot be copied from there; nothing was read.
    """
    refused, tables = 0, 0
    for family in families(select(load_location(), names)):
        try:
            copied = copy_rows(family, source=source)
        except LoadError as error:
            say(str(error), style="red")
            refused += 1
            continue
        tables += len(copied)
        if not copied:
            say(f"{family[0].pipeline_name}: {source} has no tables of it")
        for table, count in copied.items():
            say(f"{table}: copied {count:,} {noun(count, 'row')}")
    if tables:
        say("no window counts as loaded here: `connectors run --missing` reads them all, as does the schedule")
    return int(bool(refused) or not tables)

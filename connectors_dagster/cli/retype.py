"""Columns that are text get their declared type: the command prints which, or why not."""

from collections.abc import Sequence
from dataclasses import dataclass

import click
from dlt.common.schema import Schema

from connectors_dagster.cli.terminal import say
from connectors_dagster.errors import LoadError
from connectors_dagster.load.retyping import Retyping, retype
from connectors_dagster.orchestration.location import load_location
from connectors_dagster.orchestration.selection import Selected, families, select


@dataclass(frozen=True, kw_only=True)
class RetypeOptions:
    """Which columns get their declared type, and how.

    Args:
        columns: the names of the columns; empty for all.
        keep_misfits: keep values that do not convert exactly as text only.
        dry_run: only print what would be changed.
    """

    columns: Sequence[str] = ()
    keep_misfits: bool = False
    dry_run: bool = False


def retype_columns(names: Sequence[str], options: RetypeOptions) -> int:
    """Give columns of what is named their declared types, family by family, and print what was done.

    Returns:
        1 if a family was refused, else 0.

    Raises:
        UnknownNameError: a name is not a connector or resource.
        ClickException: no resource that is named declares a column.
    """
    selected = select(load_location(), names)
    _check_columns(selected, options.columns)
    found, refused = 0, 0
    for family in families(selected):
        try:
            retypings = retype(
                family, columns=options.columns, keep_misfits=options.keep_misfits, dry_run=options.dry_run
            )
        except LoadError as error:
            say(str(error), style="red")
            refused += 1
            continue
        found += len(retypings)
        for one in retypings:
            say(_described(one))
    if options.dry_run and found:
        say("nothing was changed")
    elif not found and not refused:
        say("nothing to do: every declared column that is loaded has its type")
    return int(bool(refused))


def _described(one: Retyping) -> str:
    misfits = sum(one.misfits.values())
    kept = f"; the texts stay in {one.column.variant}"
    return f"{one}, {one.values - misfits:,} values" + (f"; {misfits:,} are only text" if misfits else "") + kept


def _check_columns(selected: Selected, columns: Sequence[str]) -> None:
    spell = Schema("spelling").naming.normalize_path  # as tables do
    declared = {spell(column) for resources in selected.values() for one in resources for column in one.columns}
    if unknown := [column for column in columns if spell(column) not in declared]:
        raise click.ClickException(f"no column {', '.join(map(repr, unknown))} is declared in what is named")

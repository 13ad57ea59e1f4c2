"""Try the destination in a process of its own: `python -m connectors_dagster.cli.destination DATASET…`."""

import sys

import click

from connectors_dagster.errors import MaskedError
from connectors_dagster.load.destination_trial import try_destination

if __name__ == "__main__":
    try:
        try_destination(sys.argv[1:])
    except MaskedError as error:
        click.echo(str(error))
        sys.exit(1)

"""Run the command line with `python -m connectors_dagster.cli`."""

from connectors_dagster.cli import main

main(prog_name="connectors")

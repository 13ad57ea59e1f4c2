"""The command line: what people type and what they see. May import every other room."""

from connectors_dagster.cli.commands import main

__all__ = ["main"]

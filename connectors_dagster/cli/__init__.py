"""The command line: what people type and what they see. May import every other room."""

from connectors_dagster.cli import commands, load_commands
from connectors_dagster.cli.group import main

__all__ = ["commands", "load_commands", "main"]

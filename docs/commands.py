"""Writes the reference of all commands and the tables of all settings from the code: `make docs`."""

import inspect
from collections.abc import Mapping
from pathlib import Path

import click

from connectors_dagster.cli import main as connectors
from connectors_dagster.config.explained_settings import OF_A_CONNECTOR, OF_ALL, Explained
from docs.markdown import table

PAGE = Path(__file__).with_name("commands.md")
SETTINGS = Path(__file__).with_name("settings.md")
HEAD = """\
<!-- Written by `make docs` from the commands themselves: change those. -->
# Commands

What the option `--help` shows for each command. [The command line](command-line.md) explains how the commands are used.
"""
BASE_URL = {"base_url": Explained("address of the API")}


def build_commands() -> str:
    """Return the page of all commands, as Markdown."""
    parent = click.Context(connectors, info_name="connectors")
    return "\n".join([HEAD, *(_section(name, connectors.commands[name], parent) for name in connectors.commands)])


def build_settings(page: str) -> str:
    """Return the page of settings with the tables that it should have."""
    for mark, prefix, explained in (
        ("of a connector", "SOURCES__<CONNECTOR>__", {**BASE_URL, **OF_A_CONNECTOR}),
        ("of all", "CONNECTORS__", OF_ALL),
    ):
        before, start, rest = page.partition(f"<!-- {mark} -->\n")
        page = before + start + _settings(prefix, explained) + "".join(rest.partition(f"<!-- /{mark} -->")[1:])
    return page


def _settings(prefix: str, explained: Mapping[str, Explained]) -> str:
    rows = [(f"`{prefix}{name.upper()}`", one.meaning, one.default) for name, one in explained.items()]
    return table(("setting", "meaning", "default"), rows)


def _section(name: str, command: click.Command, parent: click.Context) -> str:
    context = click.Context(command, info_name=name, parent=parent)
    text, _, examples = inspect.cleandoc(command.help or "").replace("\b\n", "").partition("Examples:\n")
    options = [
        (f"`{names}`", meaning)
        for parameter in command.get_params(context)
        if (record := parameter.get_help_record(context))
        for names, meaning in [record]
        if meaning and "--help" not in names
    ]
    shown = "".join(f"$ {line.strip()}\n" for line in examples.splitlines())
    parts = [f"## `{name}`", text.strip(), f"```text\n{' '.join(command.get_usage(context).split())}\n```"]
    parts += [table(("option", "meaning"), options).rstrip()] if options else []
    parts += [f"```console\n{shown}```"] if shown else []
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Write the page of commands and the tables of settings."""
    PAGE.write_text(build_commands(), encoding="utf-8")
    SETTINGS.write_text(build_settings(SETTINGS.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()

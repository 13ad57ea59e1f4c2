"""Asks for the settings of a connector, writes them, and checks them."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import dlt

from connectors_dagster.cli.terminal import say
from connectors_dagster.config.settings import allow_http, environment_name, is_enabled, setting_path, start_date, step
from connectors_dagster.config.toml_file import write_settings
from connectors_dagster.config.workdir import project_folder
from connectors_dagster.connectors import load_connectors
from connectors_dagster.errors import ApiError
from connectors_dagster.http.origin import home_origin
from connectors_dagster.orchestration import clock
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.orchestration.location import load_location
from connectors_dagster.orchestration.selection import select_connector
from connectors_dagster.spec.connector import Connector
from connectors_dagster.spec.placeholders import Secret, Setting, as_text
from connectors_dagster.spec.windows import WindowGrid

ENABLED = "connectors.enabled"
START = Setting("start_date", description="rows whose cursor is older are not loaded")
EXPLAINED = {"base_url": "base_url, the address of the API"}


def initialize(name: str) -> int:
    """Ask for all settings of a connector, write them into `.dlt`, and run `connectors check`.

    Returns:
        The status of the check.

    Raises:
        UnknownNameError: the name is not a connector.
        SettingError: a file in `.dlt` cannot be changed.
    """
    assets = select_connector(load_location(), name)
    connector = assets.connector
    if connector.credentials_help:
        say(connector.credentials_help)
    asked = _ask_for_all(assets)
    given = {setting: answer for setting, answer in asked.items() if setting.required or answer}
    folder = project_folder() / ".dlt"
    public: dict[str, Any] = {
        setting_path(connector, one): value for one, value in given.items() if not isinstance(one, Secret)
    }
    if enabled := _enabled_with(connector):
        public[ENABLED] = enabled
    secret = {setting_path(connector, one): value for one, value in given.items() if isinstance(one, Secret)}
    for file, values in ((folder / "config.toml", public), (folder / "secrets.toml", secret)):
        if values:
            write_settings(file, values, secret=values is secret)
            say(f"wrote {', '.join(values)} to {_shown(file)}")
    # In another process, because this one has read the files as they were.
    status = subprocess.call([sys.executable, "-m", "connectors_dagster.cli", "check", connector.name])
    if status == 0:
        since = f", rows with a cursor since {asked[START]}" if START in asked else ""
        say(f"Next: `connectors run {connector.name}` loads it{since}")
    return status


def _ask_for_all(assets: ConnectorAssets) -> dict[Setting, Any]:
    connector = assets.connector
    asked: dict[Setting, Any] = {}
    try:
        for setting in connector.settings:
            if setting in connector.needed_settings(asked):  # those of authentication that was not chosen are not
                asked[setting] = _ask(connector, setting)
        if assets.has_windows and START not in asked:  # a manifest may declare it
            asked[START] = _ask(connector, START, default=start_date(connector))
    except click.Abort:
        if sys.stdin.isatty():  # Ctrl-C
            raise
        names = ", ".join(environment_name(connector, one) for one in connector.needed_settings(asked))
        raise click.ClickException(
            f"there is no terminal to ask in, and nothing was written: set {names}; then `connectors check "
            f"{connector.name}` tries them"
        ) from None
    return asked


def _ask(connector: Connector, setting: Setting, *, default: str | None = None) -> str:
    """Ask for a setting until the answer can be used; `default` stands for a value that is not configured yet."""
    name, hidden = environment_name(connector, setting), isinstance(setting, Secret)
    path = setting_path(connector, setting)
    known = (dlt.secrets.get(path) if hidden else dlt.config.get(path, str)) or default
    if name in os.environ:
        say(f"{name} is set in the environment, which wins over the file", style="yellow")
    text = EXPLAINED.get(setting, str(setting)) + (f", {setting.description}" if setting.description else "")
    text += f" (one of {', '.join(map(as_text, setting.choices))})" if setting.choices else ""
    text += " (input is hidden" if hidden else ""
    text += ("; press Enter to keep the present one)" if known is not None else ")") if hidden else ""
    kept = (None if setting.required else as_text(setting.default or "")) if known is None else str(known)

    def checked(answer: str) -> str:
        try:
            _check(connector, setting, answer.strip())
        except (ApiError, ValueError) as error:
            raise click.BadParameter(str(error)) from None  # click asks again
        return answer.strip()

    found: str = click.prompt(text, default=kept, hide_input=hidden, show_default=not hidden, value_proc=checked)
    return found


def _check(connector: Connector, setting: Setting, answer: str) -> None:
    if setting == "base_url":
        home_origin(answer, allow_http=allow_http(connector))
    if setting == START and not WindowGrid(step(connector), answer).opened(clock.now()):
        raise ValueError(f"the start date {answer} is in the future")


def _enabled_with(connector: Connector) -> list[str] | None:
    """Return what to enable, or None if nothing has to be changed."""
    if is_enabled(connector):
        return None
    listed: Any = dlt.config.get(ENABLED)
    if listed is not None:
        others = listed.replace(",", " ").split() if isinstance(listed, str) else list(listed)
        return [*others, connector.name]
    demo = ", ".join(one.name for one in load_connectors().values() if one.enabled)
    question = f"Enable {connector.name} for the schedule and the UI, instead of {demo}?"
    return [connector.name] if click.confirm(question, default=True) else None


def _shown(file: Path) -> str:
    return str(file.relative_to(Path.cwd())) if file.is_relative_to(Path.cwd()) else str(file)

"""The settings of this project for the server, the destination and Dagster."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from benchmarks.environment import ROOT
from benchmarks.peers.answer import DATABASE
from benchmarks.task import PASSWORD, START, STEP, USER


def storefront_settings(address: str, connections: int, *, connector: str = "storefront") -> dict[str, str]:
    """Return the settings of storefront, or of a connector with the same ones, as environment variables."""
    settings = {
        "base_url": address,
        "api_key": USER,
        "api_secret": PASSWORD,
        "start_date": START.date().isoformat(),
        "step": STEP,
        "max_parallel_requests": str(connections),
    }
    return connector_settings(connector, settings)


def connector_settings(connector: str, settings: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of a connector, and the database file, as environment variables."""
    variables = {f"SOURCES__{connector}__{name}".upper(): value for name, value in settings.items()}
    return {**variables, **destination_settings(), "RUNTIME__DLTHUB_TELEMETRY": "false"}


def instance_settings(folder: Path = Path()) -> dict[str, str]:
    """Make an instance of Dagster in a folder, configured as this project ships it; returns where it is."""
    home = (folder / ".dagster").resolve()
    home.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / ".dagster" / "dagster.yaml", home)
    return {"DAGSTER_HOME": str(home)}


def destination_settings(url: str | None = None) -> dict[str, str]:
    """Return the settings of the destination: the Postgres at a URL, or the database file."""
    if url:
        return {"CONNECTORS__DESTINATION": "postgres", "DESTINATION__POSTGRES__CREDENTIALS": url}
    return {"DESTINATION__DUCKDB__CREDENTIALS": str(DATABASE)}

"""The settings of this project for the server and the database file."""

from collections.abc import Mapping

from benchmarks.peers.answer import DATABASE
from benchmarks.task import PASSWORD, START, STEP, USER


def storefront_settings(address: str, connections: int) -> dict[str, str]:
    """Return the settings of storefront as environment variables."""
    storefront = {
        "base_url": address,
        "api_key": USER,
        "api_secret": PASSWORD,
        "start_date": START.date().isoformat(),
        "step": STEP,
        "max_parallel_requests": str(connections),
    }
    return connector_settings("storefront", storefront)


def billing_settings(address: str, connections: int) -> dict[str, str]:
    """Return the settings of billing as environment variables."""
    billing = {"base_url": address, "api_key": PASSWORD, "max_parallel_requests": str(connections)}
    return connector_settings("billing", billing)


def connector_settings(connector: str, settings: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of a connector, and the database file, as environment variables."""
    variables = {f"SOURCES__{connector}__{name}".upper(): value for name, value in settings.items()}
    return {**variables, "DESTINATION__DUCKDB__CREDENTIALS": str(DATABASE), "RUNTIME__DLTHUB_TELEMETRY": "false"}

"""Options of this project, from dlt's configuration: the environment, .dlt/config.toml and .dlt/secrets.toml."""

import logging
import re
from collections.abc import Iterable
from dataclasses import fields
from datetime import timedelta
from typing import Any

import dlt

from connectors_dagster.config.explained_settings import OF_A_CONNECTOR, OF_ALL
from connectors_dagster.config.timeouts import busy_timeout, siblings_timeout
from connectors_dagster.config.values import (
    Automation,
    Count,
    CountOrNone,
    Hours,
    Lookback,
    Parallel,
    Seconds,
    Share,
    environment,
    misspelt,
    misspelt_sections,
    names,
    read,
)
from connectors_dagster.errors import SettingError
from connectors_dagster.files.private_files import warn_of_readable_secrets
from connectors_dagster.spec.connector import Connector
from connectors_dagster.spec.limits import Limits
from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.suggestion import suggest

LIMITS = tuple(field for field in fields(Limits) if field.name != "connector")
DEFAULT_START_DATE = "2024-01-01"
log = logging.getLogger(__name__)


def environment_name(connector: str, setting: str) -> str:
    """Return the environment variable of a setting."""
    return environment(f"sources.{connector}.{setting}")


def check_settings(connector: Connector) -> None:
    """Read every option of a connector, so that a wrong one is found before anything is requested.

    Raises:
        SettingError: names the environment variable, the value and what is allowed.
    """
    for name in misspelt(f"sources.{connector.name}", {*OF_A_CONNECTOR, *connector.settings}):
        log.warning(name)
    for check in (allow_http, automation, limits, max_loss, owners, stale_after):
        check(connector.name)
    for option in (lookback, max_parallel_requests, requests_per_minute):
        option(connector)


def check_sections(connectors: Iterable[str]) -> None:
    """Warn of settings whose connector is misspelt; `connectors` has the names of all, also if they are broken."""
    for name in misspelt_sections("sources", connectors):
        log.warning(name)


def check_shared_settings() -> None:
    """Read every option that all connectors share, so that a wrong one is found before anything is requested.

    Raises:
        SettingError: names the environment variable, the value and what is allowed.
    """
    for name in misspelt("connectors", OF_ALL):
        log.warning(name)
    warn_of_readable_secrets()
    show_examples()
    preview_rows()
    siblings_timeout()
    busy_timeout()


def start_date(connector: Connector) -> str:
    """Read the start of a connector's first window, an ISO 8601 date; by default, what the connector declares."""
    configured: Any = dlt.config.get(f"sources.{connector.name}.start_date") or connector.start_date
    return str(configured or dlt.config.get("start_date") or DEFAULT_START_DATE)


def allow_http(connector: str) -> bool:
    """Read whether a connector may use plain http to reach other machines."""
    return read(f"sources.{connector}.allow_http", bool, False)


def step(connector: Connector) -> str:
    """Read the length of a connector's windows; by default, what the connector declares."""
    return str(dlt.config.get(f"sources.{connector.name}.step") or connector.step)


def lookback(connector: Connector) -> timedelta:
    """Read how long the API of a connector may take to show a change; by default, what the connector declares."""
    return read(f"sources.{connector.name}.lookback", Lookback, connector.lookback)


def unsettled_time(resource: Resource) -> timedelta:
    """Return how long a row may change after the time in its cursor, at least the lookback."""
    cursor = resource.root.cursor
    return max(lookback(resource.connector), cursor.changing if cursor else timedelta(0))


def max_loss(connector: str) -> float:
    """Read the share of a table's rows, 0 to 1, that one load may delete because the API no longer returns them."""
    return read(f"sources.{connector}.max_loss", Share, 0.5)


def limits(connector: str) -> Limits:
    """Read what the API of a connector may send before a load fails."""
    found: dict[str, Any] = {
        limit.name: read(f"sources.{connector}.{limit.name}", Count if limit.type is int else Seconds, limit.default)
        for limit in LIMITS
    }
    return Limits(connector=connector, **found)


def max_parallel_requests(connector: Connector) -> int:
    """Read a connector's maximum of concurrent requests; by default, what the connector declares."""
    return read(f"sources.{connector.name}.max_parallel_requests", Parallel, connector.max_parallel_requests)


def requests_per_minute(connector: Connector) -> int | None:
    """Read a connector's maximum of requests per minute; by default, what it declares. None means no limit."""
    return read(f"sources.{connector.name}.requests_per_minute", CountOrNone, None) or connector.requests_per_minute


def enabled(available: Iterable[Connector]) -> tuple[str, ...]:
    """Read which connectors are enabled: those that the configuration lists, or else those enabled by default.

    Raises:
        SettingError: the configuration lists a connector that does not exist.
    """
    connectors = {connector.name: connector for connector in available}
    if unknown := [name for name in _turned_on() or () if name not in connectors]:
        hint = suggest(unknown[0], connectors)
        raise SettingError(f"{environment('connectors.enabled')} lists {unknown}, which do not exist; {hint}")
    return tuple(name for name, connector in connectors.items() if is_enabled(connector))


def is_enabled(connector: Connector) -> bool:
    """Read whether a connector is enabled; if the configuration does not list connectors, its default decides."""
    wanted = _turned_on()
    return connector.enabled if wanted is None else connector.name in wanted


def destination_name() -> str:
    """Read the type of the destination, as dlt names it."""
    return str(dlt.config.get("connectors.destination") or "duckdb")


def schedule(connector: str) -> str | None:
    """Read the schedule on which a connector is refreshed, a cron expression in UTC."""
    cron: str | None = dlt.config.get(f"sources.{connector}.schedule", str)
    return cron


def automation(connector: str) -> Automation:
    """Read what keeps a connector current: its schedule, the conditions of its assets, or nothing."""
    default: Automation = "schedule"
    of_all = read("connectors.automation", Automation, default)
    return read(f"sources.{connector}.automation", Automation, of_all)


def executor() -> str:
    """Read what executes the runs that Dagster launches: a name of Dagster's, or ``module:name``."""
    return read("connectors.executor", str, "multiprocess")


def executor_config() -> Any:
    """Read the configuration of the executor: a JSON object, or the table of a file."""
    return dlt.config.get("connectors.executor_config") or {}


def failure_webhook() -> str | None:
    """Read the URL that run failures are posted to. It may contain a token, so it is not read at import."""
    address: str | None = dlt.config.get("connectors.failure_webhook", str)
    return address


def preview_rows() -> int:
    """Read how many sample rows Dagster stores with each read; 0 keeps rows out of Dagster's storage."""
    return read("connectors.preview_rows", CountOrNone, 5)


def stale_after(connector: str) -> timedelta:
    """Read how long after a load the assets of a connector become stale; 24 hours by default.

    Raises:
        SettingError: the time is shorter than Dagster can check, or is not a number.
    """
    return timedelta(hours=read(f"sources.{connector}.stale_after_hours", Hours, 24.0))


def owners(connector: str) -> tuple[str, ...]:
    """Read the owners of a connector's assets in Dagster's form: ``team:data`` or an e-mail address.

    Raises:
        SettingError: an owner is neither.
    """
    found = tuple(names(dlt.config.get(f"sources.{connector}.owners")) or ())
    if wrong := [owner for owner in found if not re.fullmatch(r"team:\S+|[^@\s]+@[^@\s]+\.[^@\s]+", owner)]:
        name = environment_name(connector, "owners")
        raise SettingError(f"{name} has {wrong[0]!r}: it must be an e-mail address, or a team such as 'team:finance'")
    return found


def show_examples() -> bool:
    """Read whether the definitions include the examples of assets that use the loaded tables."""
    return read("connectors.examples", bool, False)


def _turned_on() -> list[str] | None:
    return names(dlt.config.get("connectors.enabled"))

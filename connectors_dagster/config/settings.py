"""Options of this project, from dlt's configuration: the environment, .dlt/config.toml and .dlt/secrets.toml."""

import json
import logging
import re
from collections.abc import Iterable
from dataclasses import fields
from datetime import timedelta
from typing import Any

from connectors_dagster.config.airbyte_engine import configured_interpreter, most_memory
from connectors_dagster.config.explained_settings import OF_A_CONNECTOR, OF_ALL
from connectors_dagster.config.look_up import look_up
from connectors_dagster.config.server_url import WEB, server_url
from connectors_dagster.config.shared_servers import locks_server, request_limits_server
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
    TableFormat,
    Value,
    environment,
    first_given,
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


def environment_name(connector: Connector, setting: str) -> str:
    """Return the environment variable of a setting."""
    return environment(setting_path(connector, setting))


def setting_path(connector: Connector, setting: str) -> str:
    """Return where a setting is in the configuration."""
    return f"sources.{connector.sections[0]}.{setting}"


def configured(connector: Connector, setting: str) -> Any:
    """Return what is configured for a connector: for its shop, or else for all its shops; None if nothing is."""
    return first_given(look_up(f"sources.{section}.{setting}") for section in connector.sections)


def check_settings(connector: Connector) -> None:
    """Read every option of a connector, so that a wrong one is found before anything is requested.

    Raises:
        SettingError: names the environment variable, the value and what is allowed.
    """
    _warn_of_misspelt(connector, connector.sections[:1])
    for option in (
        *(allow_http, automation, limits, max_loss, moved_from, owners, stale_after),
        *(lookback, max_parallel_requests, requests_per_minute),
    ):
        option(connector)


def check_common_settings(connector: Connector) -> None:
    """Warn of misspelt settings that all shops of a connector share, which is one of them."""
    _warn_of_misspelt(connector, connector.sections[1:])


def _warn_of_misspelt(connector: Connector, sections: Iterable[str]) -> None:
    for section in sections:
        for name in misspelt(f"sources.{section}", {*OF_A_CONNECTOR, *connector.settings}):
            log.warning(name)


def check_sections(connectors: Iterable[str]) -> None:
    """Warn of settings whose connector is misspelt; `connectors` has the names of all, also if they are broken."""
    known = list(connectors)
    for name in (*misspelt_sections("sources", known), *misspelt("connectors.shops", known)):
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
    table_format()
    executor_config()
    failure_webhook()
    most_memory()
    configured_interpreter()
    preview_rows()
    siblings_timeout()
    busy_timeout()
    locks_server()
    request_limits_server()


def start_date(connector: Connector) -> str:
    """Read the start of a connector's first window, an ISO 8601 date; by default, what the connector declares."""
    wanted = configured(connector, "start_date") or connector.start_date
    return str(wanted or look_up("start_date") or DEFAULT_START_DATE)


def allow_http(connector: Connector) -> bool:
    """Read whether a connector may use plain http to reach other machines."""
    return _read(connector, "allow_http", bool, False)


def step(connector: Connector) -> str:
    """Read the length of a connector's windows; by default, what the connector declares."""
    return str(configured(connector, "step") or connector.step)


def lookback(connector: Connector) -> timedelta:
    """Read how long the API of a connector may take to show a change; by default, what the connector declares."""
    return _read(connector, "lookback", Lookback, connector.lookback)


def unsettled_time(resource: Resource) -> timedelta:
    """Return how long a row may change after the time in its cursor, at least the lookback."""
    cursor = resource.root.cursor
    return max(lookback(resource.connector), cursor.changing if cursor else timedelta(0))


def max_loss(connector: Connector) -> float:
    """Read the share of a table's rows, 0 to 1, that one load may delete because the API no longer returns them."""
    return _read(connector, "max_loss", Share, 0.5)


def moved_from(connector: Connector) -> str | None:
    """Read the address at which the API of a connector was when its tables were loaded, if it has moved since."""
    return _read(connector, "moved_from", str, None)


def limits(connector: Connector) -> Limits:
    """Read what the API of a connector may send before a load fails."""
    found: dict[str, Any] = {
        limit.name: _read(connector, limit.name, Count if limit.type is int else Seconds, limit.default)
        for limit in LIMITS
    }
    return Limits(connector=connector.name, **found)


def max_parallel_requests(connector: Connector) -> int:
    """Read a connector's maximum of concurrent requests; by default, what the connector declares."""
    return _read(connector, "max_parallel_requests", Parallel, connector.max_parallel_requests)


def requests_per_minute(connector: Connector) -> int | None:
    """Read a connector's maximum of requests per minute; by default, what it declares. None means no limit."""
    return _read(connector, "requests_per_minute", CountOrNone, None) or connector.requests_per_minute


def enabled(available: Iterable[Connector]) -> tuple[str, ...]:
    """Read which connectors are enabled: those that the configuration lists, or else those enabled by default.

    Raises:
        SettingError: the configuration lists a connector that does not exist.
    """
    connectors = {connector.name: connector for connector in available}
    known = dict.fromkeys([*connectors, *(connector.common_name for connector in connectors.values())])
    if unknown := [name for name in _turned_on() or () if name not in known]:
        hint = suggest(unknown[0], known)
        raise SettingError(f"{environment('connectors.enabled')} lists {unknown}, which do not exist; {hint}")
    return tuple(name for name, connector in connectors.items() if is_enabled(connector))


def is_enabled(connector: Connector) -> bool:
    """Read whether a connector is enabled; if the configuration does not list connectors, its default decides."""
    wanted = _turned_on()
    return connector.enabled if wanted is None else not {connector.name, connector.common_name}.isdisjoint(wanted)


def destination_name() -> str:
    """Read the type of the destination, as dlt names it."""
    return str(look_up("connectors.destination") or "duckdb")


def table_format() -> TableFormat | None:
    """Read the format of the tables of a lake, for the destination ``filesystem``.

    Raises:
        SettingError: it is neither delta nor iceberg.
    """
    return read("connectors.table_format", TableFormat, None)


def schedule(connector: Connector) -> str | None:
    """Read the schedule on which a connector is refreshed, a cron expression in UTC."""
    cron = configured(connector, "schedule")
    return None if cron is None else str(cron)


def automation(connector: Connector) -> Automation:
    """Read what keeps a connector current: its schedule, the conditions of its assets, or nothing."""
    default: Automation = "schedule"
    of_all = read("connectors.automation", Automation, default)
    return _read(connector, "automation", Automation, of_all)


def executor() -> str:
    """Read what executes the runs that Dagster launches: a name of Dagster's, or ``module:name``."""
    return read("connectors.executor", str, "multiprocess")


def executor_config() -> dict[str, Any]:
    """Read the configuration of the executor: a JSON object, or the table of a file.

    Raises:
        SettingError: it is something else; does not show it, because it may contain the password of a broker.
    """
    written, why = look_up("connectors.executor_config") or {}, ""
    try:
        config = json.loads(written) if isinstance(written, str) else written
    except ValueError as error:
        config, why = None, f" ({error})"
    if not isinstance(config, dict):
        name = environment("connectors.executor_config")
        raise SettingError(f"{name} cannot be used: it must be a JSON object{why}")
    return config


def failure_webhook() -> str | None:
    """Read the URL that run failures are posted to. It may contain a token, so no message shows it.

    Raises:
        SettingError: it is no URL of a web server.
    """
    configured = look_up("connectors.failure_webhook")
    return server_url("connectors.failure_webhook", configured, WEB, "https://chat.example/hooks/…")


def preview_rows() -> int:
    """Read how many sample rows Dagster stores with each read; 0 keeps rows out of Dagster's storage."""
    return read("connectors.preview_rows", CountOrNone, 5)


def stale_after(connector: Connector) -> timedelta:
    """Read how long after a load the assets of a connector become stale; 24 hours by default.

    Raises:
        SettingError: the time is shorter than Dagster can check, or is not a number.
    """
    return timedelta(hours=_read(connector, "stale_after_hours", Hours, 24.0))


def owners(connector: Connector) -> tuple[str, ...]:
    """Read the owners of a connector's assets in Dagster's form: ``team:data`` or an e-mail address.

    Raises:
        SettingError: an owner is neither.
    """
    found = tuple(names(configured(connector, "owners")) or ())
    if wrong := [owner for owner in found if not re.fullmatch(r"team:\S+|[^@\s]+@[^@\s]+\.[^@\s]+", owner)]:
        name = environment_name(connector, "owners")
        raise SettingError(f"{name} has {wrong[0]!r}: it must be an e-mail address, or a team such as 'team:finance'")
    return found


def show_examples() -> bool:
    """Read whether the definitions include the examples of assets that use the loaded tables."""
    return read("connectors.examples", bool, False)


def is_of_shop(connector: Connector, setting: str) -> bool:
    """Return whether a setting is configured for the shop of a connector, and not for all its shops."""
    return bool(connector.shop) and look_up(setting_path(connector, setting)) not in (None, "")


def _read(connector: Connector, setting: str, kind: Any, default: Value) -> Value:
    """Read a setting of a shop, or else of all shops of a connector."""
    for section in connector.sections:
        found: Value | None = read(f"sources.{section}.{setting}", kind, None)
        if found is not None:
            return found
    return default


def _turned_on() -> list[str] | None:
    return names(look_up("connectors.enabled"))

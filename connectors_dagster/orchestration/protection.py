"""A look at load into what keeps runs apart: limits of Dagster's pools and, on several machines, what they share."""

import logging
import os
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from connectors_dagster.config.settings import executor
from connectors_dagster.config.shared_servers import LOCKS, REQUEST_LIMITS, locks_server, request_limits_server
from connectors_dagster.config.values import environment
from connectors_dagster.load.traits import destination_traits

log = logging.getLogger(__name__)
OF_ONE_MACHINE = {"multiprocess", "in_process"}
"""The executors that are named without their module."""
DAGSTER_PLUS = "DAGSTER_CLOUD_DEPLOYMENT_NAME"
"""The environment variable that Dagster+ sets where it runs code."""
UNLIMITED = (
    "{file} does not set concurrency.pools.default_limit to 1: unless every pool has a limit of its own, runs of one "
    "family may begin at the same time, and take the place of others while they wait for each other"
)
IN_FILE = (
    "{why}, so runs may be on several machines, but the destination is a DuckDB file, which one machine has: set "
    f"{environment('connectors.destination')} to a server"
)
OWN_LOCKS = (
    "{why}, so runs may be on several machines, but each has locks of its own: only Dagster's pools keep an older read "
    f"from overwriting newer rows. Set {environment(LOCKS)} to the URL of a Postgres"
)
OWN_LIMITS = (
    "{why}, so runs may be on several machines, but each counts its own requests: together they may exceed the limits "
    f"of an API. Set {environment(REQUEST_LIMITS)} to the URL of a Redis"
)


def warn_of_missing_protection() -> None:
    """Warn once of each protection that is missing; opens no instance, no storage and no connection.

    What the `dagster.yaml` in DAGSTER_HOME does not say is not known: another machine may have the file, and limits of
    single pools are in the storage, where only the sensor of the windows sees them.
    """
    for text in _missing():
        _warn(text)


@cache
def _warn(text: str) -> None:
    log.warning(text)


def _missing() -> Iterator[str]:
    home = os.environ.get("DAGSTER_HOME")
    instance = _read(Path(home) / "dagster.yaml") if home else None
    if home and instance is not None and not _limits_pools(instance):
        yield UNLIMITED.format(file=Path(home) / "dagster.yaml")
    if why := _spreads_runs(instance or {}):
        if destination_traits().in_file:
            yield IN_FILE.format(why=why)
        elif destination_traits().writer_lock is None and not locks_server():
            yield OWN_LOCKS.format(why=why)
        if not request_limits_server():
            yield OWN_LIMITS.format(why=why)


@cache
def _read(file: Path) -> Mapping[str, Any] | None:
    """Read a `dagster.yaml`; None if there is none, or Dagster itself says what is wrong with it."""
    try:
        found = yaml.safe_load(file.read_bytes()) or {}
    except (OSError, yaml.YAMLError):
        return None
    return found if isinstance(found, dict) else None


def _limits_pools(instance: Mapping[str, Any]) -> bool:
    """Return whether all pools have a limit of 1, or a class of its own configures the instance."""
    if "instance_class" in instance:
        return True
    try:
        concurrency = instance.get("concurrency") or {}
        pools = concurrency.get("pools") or {}
        return bool(pools.get("default_limit", concurrency.get("default_op_concurrency_limit")) == 1)
    except AttributeError:
        return True


def _spreads_runs(instance: Mapping[str, Any]) -> str | None:
    """Say why runs may be on several machines; None if they are on one as far as can be seen."""
    name = executor()
    if name not in OF_ONE_MACHINE and name.partition(":")[0].partition(".")[0] != "dagster":
        return f"{environment('connectors.executor')} is {name!r}"
    launcher = instance.get("run_launcher")
    module = str(launcher.get("module")) if isinstance(launcher, dict) else "dagster"
    if module.partition(".")[0] != "dagster":
        return f"the run_launcher of dagster.yaml is from {module!r}"
    return f"{DAGSTER_PLUS} is set" if os.environ.get(DAGSTER_PLUS) else None

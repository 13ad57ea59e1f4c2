"""A look at load into the `dagster.yaml` of the process: whether it limits the pools that keep loads apart."""

import logging
import os
from functools import cache
from pathlib import Path

import yaml

log = logging.getLogger(__name__)
UNLIMITED = (
    "%s does not set concurrency.pools.default_limit to 1: unless every pool has a limit of its own, runs of one "
    "family may begin at the same time, and take the place of others while they wait for each other"
)


def warn_of_unlimited_pools() -> None:
    """Warn once if the `dagster.yaml` in DAGSTER_HOME does not limit all pools; opens no instance and no storage.

    Nothing is said without DAGSTER_HOME or the file, which another machine may have, or if a class of its own
    configures the instance. Limits of single pools are in the storage: only the sensor of the windows sees them.
    """
    if home := os.environ.get("DAGSTER_HOME"):
        _warn_if_unlimited(Path(home) / "dagster.yaml")


@cache
def _warn_if_unlimited(file: Path) -> None:
    try:
        instance = yaml.safe_load(file.read_bytes()) or {}
        if "instance_class" in instance:
            return
        concurrency = instance.get("concurrency") or {}
        pools = concurrency.get("pools") or {}
        limit = pools.get("default_limit", concurrency.get("default_op_concurrency_limit"))
    except (OSError, yaml.YAMLError, AttributeError, TypeError):
        return  # Dagster says what is wrong with the file when it opens the instance
    if limit != 1:
        log.warning(UNLIMITED, file)

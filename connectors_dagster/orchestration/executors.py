"""The executor of runs that Dagster launches: processes of this machine unless configured otherwise."""

from importlib import import_module

import dagster as dg

from connectors_dagster.compat.dagster_config import config_problem
from connectors_dagster.config import settings
from connectors_dagster.config.values import environment
from connectors_dagster.errors import SettingError
from connectors_dagster.orchestration.pool_wait import patient_executor

FAMILIES_AT_ONCE = 4
# Families of a run overlap, and the seconds it takes to import Dagster and dlt are spent once: the processes
# of all steps are forked from one that has done it. A run whose steps follow one another has no process but its own.
PROCESSES = {
    "max_concurrent": FAMILIES_AT_ONCE,
    "start_method": {
        "forkserver": {"preload_modules": ["connectors_dagster.definitions", "connectors_dagster.load.pipeline"]}
    },
}
OF_DAGSTER = {"multiprocess": dg.multiprocess_executor, "in_process": dg.in_process_executor}
NAMES = ", ".join(OF_DAGSTER)


def configured_executor() -> dg.ExecutorDefinition:
    """Build the configured executor, such as ``dagster_celery:celery_executor``; its runs wait for pools patiently.

    Raises:
        SettingError: there is no such executor, or it cannot have this configuration.
    """
    name, config = settings.executor(), settings.executor_config()
    found = OF_DAGSTER.get(name) or _imported(name)
    if problem := config_problem(found, config):
        setting = environment("connectors.executor_config")
        raise SettingError(f"{setting} does not fit the executor {found.name}: {problem}")
    if name == "multiprocess":
        config = {**PROCESSES, **config}
    patient = patient_executor(found, saves_processes=name == "multiprocess")
    return patient.configured(config, name=found.name) if config else patient


def _imported(name: str) -> dg.ExecutorDefinition:
    module, _, attribute = name.partition(":")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise SettingError(
            f"{environment('connectors.executor')} is {name!r}, which cannot be imported ({error}): "
            f"it is {NAMES} or module:name, and the package of the module must be installed"
        ) from None
    if not isinstance(found, dg.ExecutorDefinition):
        raise SettingError(f"{environment('connectors.executor')} is {name!r}, which is not an executor of Dagster")
    return found

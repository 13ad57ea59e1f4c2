"""The console logger of all runs of a process. Run configuration can choose one, but only run by run."""

import dagster as dg
from dagster._core.execution import context_creation_job

__all__ = ["use_console"]


def use_console(console: dg.LoggerDefinition) -> None:
    """Log all runs of this process with this logger, unless their configuration says otherwise.

    Replaces `default_system_loggers` in `context_creation_job`, with the same level.
    """

    def loggers(instance: dg.DagsterInstance | None) -> list[tuple[dg.LoggerDefinition, dict[str, object]]]:
        level = (instance.python_log_level if instance else None) or "DEBUG"
        return [(console, {"name": "dagster", "log_level": level})]

    context_creation_job.default_system_loggers = loggers  # type: ignore[attr-defined]  # not public

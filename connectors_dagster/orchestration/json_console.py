"""The console logger of runs, as lines of JSON."""

import logging

import dagster as dg

from connectors_dagster.compat.dagster_console import use_console
from connectors_dagster.config.json_logs import json_handler, logs_are_json


@dg.logger(
    {
        "log_level": dg.Field(str, is_required=False, default_value="INFO"),
        "name": dg.Field(str, is_required=False, default_value="dagster"),
    },
    description="Writes lines of JSON to stderr.",
)
def json_console(context: dg.InitLoggerContext) -> logging.Logger:
    """Make the logger, with the configuration of Dagster's own console loggers.

    Dagster's `json_console_logger` writes whole events, which may contain secrets of errors.
    """
    logger = logging.getLoggerClass()(context.logger_config["name"], level=context.logger_config["log_level"].upper())
    logger.addHandler(json_handler())
    return logger


def log_as_configured() -> None:
    """Log the runs of this process as JSON, if that is configured."""
    if logs_are_json():
        use_console(json_console)

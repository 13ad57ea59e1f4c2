"""Logs as lines of JSON, if dlt's setting `runtime.log_format` is `JSON`."""

import json
import logging
from datetime import UTC, datetime

import dlt

from connectors_dagster.config.values import environment
from connectors_dagster.errors import SettingError
from connectors_dagster.secrets.redaction import redact

OF_DAGSTER = ("run_id", "job_name", "step_key")


def logs_are_json() -> bool:
    """Return whether logs are to be JSON; the same setting turns dlt's own log into JSON.

    Raises:
        SettingError: dlt, which begins its log when its configuration is read first, cannot use a setting of it.
    """
    try:
        return bool(dlt.config.get("runtime.log_format") == "JSON")
    except ValueError as error:
        raise SettingError(
            f"{environment('runtime.log_level')} or {environment('runtime.log_format')} cannot be used: {error}. The "
            "level is DEBUG, INFO, WARNING, ERROR or CRITICAL, the format JSON or one of Python's logging"
        ) from None


def json_handler() -> logging.Handler:
    """Return a handler that writes lines of JSON to stderr."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    return handler


class JsonFormatter(logging.Formatter):
    """Writes a record as one line of JSON, with the names of fields that dlt's own log has, and secrets masked."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; what Dagster logs has its run, job and step."""
        line = {
            "written_at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "msg": record.getMessage(),
        }
        of_dagster = getattr(record, "dagster_meta", None) or {}
        line |= {name: of_dagster[name] for name in OF_DAGSTER if of_dagster.get(name)}
        if trace := record.exc_text or (self.formatException(record.exc_info) if record.exc_info else ""):
            line["exc_info"] = trace
        return redact(json.dumps(line, ensure_ascii=False))

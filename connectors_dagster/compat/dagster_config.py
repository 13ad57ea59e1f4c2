"""How Dagster checks a configuration against what it declares, which it does not declare public."""

from typing import Any

import dagster as dg
from dagster._config import validate_config

__all__ = ["config_problem"]

LONGEST = 300
"""Characters: Dagster lists all that is allowed."""


def config_problem(definition: dg.ExecutorDefinition, config: Any) -> str | None:
    """Return what is wrong with the configuration of an executor, or None; no environment variable in it is read.

    Uses `config_schema` of the definition, `config_type` of the schema, `validate_config`, and `message` of an error.
    """
    schema: Any = definition.config_schema
    errors = validate_config(schema.config_type, config).errors or []
    said = " ".join(error.message.rstrip(".") for error in errors)
    return (said if len(said) <= LONGEST else f"{said[:LONGEST]}…") or None

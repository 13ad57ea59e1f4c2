"""How Dagster reads and checks configurations, which it does not declare public."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._config import validate_config
from dagster._core.instance.ref import InstanceRef
from dagster._serdes import ConfigurableClassData

__all__ = ["config_problem", "missing_packages"]

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


def missing_packages(home: Path) -> Mapping[str, str]:
    """Return which parts of an instance are of a package that is not installed, with its module; imports none of them.

    Dagster imports a run launcher, a coordinator and a place for logs only when they are used. Uses `from_dir` of
    `InstanceRef`, whose fields are named such as `run_launcher_data`, and `module_name` of `ConfigurableClassData`.
    """
    parts = InstanceRef.from_dir(str(home))._asdict().items()
    modules = {
        name.removesuffix("_data"): data.module_name for name, data in parts if isinstance(data, ConfigurableClassData)
    }
    packages = {name: module.partition(".")[0] for name, module in modules.items()}
    return {name: package for name, package in packages.items() if package and find_spec(package) is None}

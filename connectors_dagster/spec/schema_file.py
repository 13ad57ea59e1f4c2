"""The schema file of a connector: the declared columns of its tables, read from YAML and checked."""

from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

import yaml
from dlt.common.data_types import TDataType
from dlt.common.schema import TColumnSchema, TTableSchemaColumns

from connectors_dagster.spec.suggestion import suggest

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DATA_TYPES = get_args(TDataType)
_KINDS = {bool: "true or false, as it does no, yes, on and off", int: "a number", float: "a number"}
NESTED = "__"
"""What the names of child tables have in them; a schema that dlt exported has these too, and tables of its own."""


class StrictLoader(_Loader):  # type: ignore[misc]  # one of two classes
    """Reads YAML, but refuses a key that is written twice, of which YAML would keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Read a mapping.

        Raises:
            ConstructorError: a key is written twice.
        """
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} is written twice", key.start_mark
                )
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else None)
        found: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return found


@dataclass(frozen=True, kw_only=True)
class SchemaFile:
    """What a schema file declares, by table: the columns, and in words what a row is."""

    columns: Mapping[str, TTableSchemaColumns]
    descriptions: Mapping[str, str]


def read_schema(file: Path, resources: Collection[str]) -> SchemaFile:
    """Read a schema file.

    Raises:
        ValueError: names the file, and what in it cannot be used.
    """
    try:
        document = yaml.load(file.read_text(encoding="utf-8"), Loader=StrictLoader)  # a safe one
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ValueError(f"{file.name}{line}: is not YAML: {error.problem}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{file.name}: is not YAML: {error}") from None
    tables = document.get("tables") if isinstance(document, dict) else None
    if not isinstance(tables, dict):
        raise ValueError(
            f"{file.name}: the file must begin with 'tables:'; to declare no columns, write 'tables: {{}}'"
        )
    for name in tables:
        if name not in resources and NESTED not in str(name) and not str(name).startswith("_dlt"):
            raise ValueError(
                f"{file.name}: there is no resource for the table {name!r}; {suggest(str(name), resources)}"
            )
    columns = {name: _columns(f"{file.name}: the table {name!r}", table) for name, table in tables.items()}
    return SchemaFile(
        columns=columns, descriptions={name: str(table.get("description") or "") for name, table in tables.items()}
    )


def _columns(place: str, table: Any) -> TTableSchemaColumns:
    columns = table.get("columns") if isinstance(table, dict) else None
    if not isinstance(columns, dict):
        raise ValueError(
            f"{place} must have 'columns' with a name and hints each, as 'columns: {{id: {{data_type: text}}}}'"
        )
    return {column: _column(f"{place}, column {column!r}", column, hints) for column, hints in columns.items()}


def _column(place: str, name: Any, hints: Any) -> TColumnSchema:
    if not isinstance(name, str):
        raise ValueError(f"{place}: YAML reads this name as {_KINDS.get(type(name), 'no text')}: write it in quotes")
    if not isinstance(hints, Mapping):
        raise ValueError(f"{place}: {hints!r} is not a mapping of hints, such as {{data_type: text}}")
    data_type = hints.get("data_type")
    if data_type is not None and data_type not in DATA_TYPES:
        raise ValueError(
            f"{place}: data_type {data_type!r} does not exist; {suggest(str(data_type), sorted(DATA_TYPES))}"
        )
    return cast(TColumnSchema, {"name": name, **hints})

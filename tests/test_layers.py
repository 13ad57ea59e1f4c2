"""Imports run one way: reading knows no loading, loading knows no Dagster."""

import ast
from pathlib import Path

import pytest

import connectors_dagster

PACKAGE = Path(connectors_dagster.__file__).parent
BELOW: dict[str, set[str]] = {
    "clock": set(),
    "window": set(),
    "tally": set(),
    "errors": set(),
    "redaction": set(),
    "json_text": set(),
    "body": {"json_text"},
    "names": {"errors"},
    "arrays": {"body", "clock", "values"},
    "keys": set(),
    "noise": set(),
    "heartbeat": set(),
    "answer": {"redaction"},
    "total": {"connector"},
    "preview": {"body", "connector", "redaction", "values"},
    "parallel": set(),
    "lock": {"errors"},
    "folder": {"destination"},
    "connector": {"clock"},
    "settings": {"connector"},
    "values": {"clock", "json_text"},
    "texts": {"body"},
    "columns": {"arrays", "body", "clock", "errors", "names", "texts", "values"},
    "origin": {"errors", "redaction"},
    "response": {"body"},
    "retry": {"connector", "errors"},
    "session": {
        "answer",
        "budget",
        "connector",
        "errors",
        "origin",
        "parallel",
        "redaction",
        "response",
        "retry",
        "tally",
    },
    "paginators": {"body", "errors"},
    "links": {"errors"},
    "guard": {"answer", "body", "connector", "errors", "keys", "links", "paginators", "redaction", "tally", "total"},
    "endpoint": {"body", "connector", "errors", "guard", "links", "paginators", "redaction", "session", "settings"},
    "cut": {"body", "connector", "errors", "tally", "window"},
    "source": {
        "body",
        "columns",
        "connector",
        "cut",
        "endpoint",
        "heartbeat",
        "parallel",
        "preview",
        "session",
        "tally",
        "texts",
        "window",
    },
    "destination": {"errors", "lock"},
    "newcomers": {"destination"},
    "absent": {"connector", "errors"},
    "budget": set(),
    "causes": {"errors", "redaction"},
    "order": {"connector", "window"},
}
"""What each module of reading and loading may import from this project; others may import all of these."""


def imports(path: Path) -> set[str]:
    """Names of all modules a file imports, at any depth of its code."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def own(path: Path) -> set[str]:
    """Names of this project's modules a file imports, without the package."""
    prefix = "connectors_dagster."
    names = {name.removeprefix(prefix).split(".")[0] for name in imports(path) if name.startswith(prefix)}
    return {name for name in names if (PACKAGE / name).exists() or (PACKAGE / f"{name}.py").exists()}


@pytest.mark.parametrize("module", BELOW)
def test_a_module_imports_only_what_lies_below_it(module):
    assert own(PACKAGE / f"{module}.py") <= BELOW[module]


def test_only_defs_and_definitions_import_dagster():
    importers = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if any(name.split(".")[0] in {"dagster", "dagster_dlt"} for name in imports(path))
    }
    assert {name for name in importers if not name.startswith(("defs/", "scaffolded/"))} == {"definitions.py"}


def test_a_connector_is_a_value_and_imports_nothing_that_reads_or_loads():
    for path in (PACKAGE / "connectors").glob("*.py"):
        assert own(path) <= {"clock", "connector"}, path.name


def test_the_sandbox_knows_nothing_of_the_project():
    for path in (PACKAGE / "sandbox").rglob("*.py"):
        assert own(path) <= {"sandbox"}, path.name


def test_in_defs_the_time_is_asked_for_in_one_place_so_that_tests_can_say_it():
    asking = {path.name for path in (PACKAGE / "defs").rglob("*.py") if ".now(UTC)" in path.read_text(encoding="utf-8")}
    assert asking == {"present.py"}

"""Imports run one way: reading knows no loading, loading knows no Dagster."""

import ast
from pathlib import Path

import connectors_dagster

PACKAGE = Path(connectors_dagster.__file__).parent


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


def test_only_orchestration_and_definitions_import_dagster():
    importers = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if any(name.split(".")[0] in {"dagster", "dagster_dlt"} for name in imports(path))
    }
    assert {name for name in importers if not name.startswith(("orchestration/", "defs/"))} == {"definitions.py"}


def test_a_connector_is_a_value_and_imports_nothing_that_reads_or_loads():
    for path in (PACKAGE / "connectors").glob("*.py"):
        assert own(path) <= {"spec"}, path.name


def test_the_sandbox_knows_nothing_of_the_project():
    for path in (PACKAGE / "sandbox").rglob("*.py"):
        assert own(path) <= {"sandbox"}, path.name


def test_in_orchestration_the_time_is_asked_for_in_one_place_so_that_tests_can_say_it():
    asking = {
        path.name
        for path in (PACKAGE / "orchestration").rglob("*.py")
        if ".now(UTC)" in path.read_text(encoding="utf-8")
    }
    assert asking == {"clock.py"}

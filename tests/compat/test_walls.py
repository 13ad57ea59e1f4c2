"""Only compat/ uses what dlt and Dagster do not declare public."""

import ast
import inspect
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from textwrap import dedent

import dagster as dg
import dagster_dlt
import dlt
import pytest

import connectors_dagster
from tests.compat.test_dagster_internals import MEMBERS

PACKAGE = Path(connectors_dagster.__file__).parent
COMPAT = PACKAGE / "compat"
OUTSIDE = sorted(path for path in PACKAGE.rglob("*.py") if COMPAT not in path.parents)
TREES = {path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in OUTSIDE}
PUBLIC = {
    "dlt.common.configuration.specs",
    "dlt.common.data_types",
    "dlt.common.destination",
    "dlt.common.normalizers.naming",
    "dlt.common.pipeline",
    "dlt.common.schema",
    "dlt.destinations.exceptions",
    "dlt.destinations.impl.ducklake.configuration",
    "dlt.destinations.sql_client",
    "dlt.pipeline.exceptions",
    "dlt.sources",
    "dlt.sources.helpers.rest_client.auth",
    "dlt.sources.helpers.rest_client.client",
    "dlt.sources.helpers.rest_client.paginators",
    "dlt.sources.rest_api.typing",
}
"""Modules of dlt whose names are public: in `__all__` if the module has one, or used by dlt's documentation."""


def imported() -> Iterator[tuple[str, str, str]]:
    """Yield what is imported outside compat: the file, the module, and the name, which is empty for `import module`."""
    for file, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from ((file, alias.name, "") for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield from ((file, node.module, alias.name) for alias in node.names)


def attributes(base: str) -> set[str]:
    """Name what is used outside compat as an attribute of a name such as `dg`."""
    nodes = (node for tree in TREES.values() for node in ast.walk(tree) if isinstance(node, ast.Attribute))
    return {node.attr for node in nodes if isinstance(node.value, ast.Name) and node.value.id == base}


def is_public_in_dlt(module: str, name: str) -> bool:
    if module == "dlt" or not name:
        return module == "dlt" and name in ("", *dlt.__all__)
    return module in PUBLIC and name in getattr(import_module(module), "__all__", [name])


def test_a_name_of_dlt_that_is_not_public_is_imported_only_in_compat():
    found = [(file, module, name) for file, module, name in imported() if module.split(".")[0] == "dlt"]
    assert found
    assert [entry for entry in found if not is_public_in_dlt(*entry[1:])] == []
    assert attributes("dlt") <= set(dlt.__all__)


def test_every_module_in_the_list_is_used():
    assert PUBLIC - {module for _, module, _ in imported()} == set()


def test_a_name_of_dagster_that_is_not_public_is_imported_only_in_compat():
    found = [entry for entry in imported() if entry[1].split(".")[0] in {"dagster", "dagster_dlt", "dagster_shared"}]
    assert found
    public = {("dagster", ""), *(("dagster_dlt", name) for name in dagster_dlt.__all__)}
    assert [entry for entry in found if entry[1:] not in public] == []
    assert not [name for name in attributes("dg") if name.startswith("_") or not hasattr(dg, name)]


def test_a_member_of_dagster_that_compat_uses_is_used_nowhere_else():
    # A component also has a method of the first name, which is public, and many other objects have the second.
    members = {name for _, name, _ in MEMBERS} - {"build_defs", "timestamp"}
    using = {
        (file, node.attr)
        for file, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in members
    }
    assert using == set()


def private(tree: ast.AST) -> set[str]:
    """Name the private attributes that code uses, and the private methods that it defines."""
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    made = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return {name for name in used | made if name.startswith("_") and not name.endswith("__")}


def private_of_libraries(kind: type) -> set[str]:
    """Name the private members that a class of ours has from the classes of dlt and Dagster that it extends."""
    extended = [base for base in kind.__mro__ if base.__module__.split(".")[0] in {"dlt", "dagster", "dagster_dlt"}]
    return set().union(*(private(ast.parse(dedent(inspect.getsource(base)))) for base in extended))


def extending() -> Iterator[tuple[str, ast.ClassDef, set[str]]]:
    """Yield the classes outside compat that extend one of dlt or Dagster, with its private members."""
    for file, tree in TREES.items():
        for node in (node for node in tree.body if isinstance(node, ast.ClassDef)):
            if file == "cdk/child.py":
                continue  # it runs in the environment of airbyte-cdk
            module = f"connectors_dagster.{file.removesuffix('.py').replace('/', '.')}".removesuffix(".__init__")
            if theirs := private_of_libraries(getattr(import_module(module), node.name)):
                yield file, node, theirs


def test_a_class_that_extends_one_of_dlt_or_dagster_uses_no_private_member_of_it():
    found = list(extending())
    assert {"AnchoredOffsetPaginator", "LinkHeaderPaginator"} <= {node.name for _, node, _ in found}
    assert {(file, node.name): used for file, node, theirs in found if (used := private(node) & theirs)} == {}


def test_what_a_paginator_remembers_of_the_next_page_is_used_only_in_compat():
    private_of_paginators = {"_next_reference", "_has_next_page"}
    assert {file: used for file, tree in TREES.items() if (used := private(tree) & private_of_paginators)} == {}


@pytest.mark.parametrize("module", ["connectors_dagster.compat.dlt_internals", "connectors_dagster.spec.connector"])
def test_describing_a_connector_imports_neither_arrow_nor_dagster_nor_a_database(module):
    code = f"import sys, {module}; print(sorted({{'pyarrow', 'dagster', 'duckdb'}} & set(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


def test_compat_imports_only_rest_api_beyond_what_dlt_imports_itself():
    code = (
        "import sys, dlt, dlt.sources.rest_api.typing; before = set(sys.modules);"
        "import connectors_dagster.compat.dlt_internals;"
        "print(sorted(set(sys.modules) - before - {'connectors_dagster'}))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "['connectors_dagster.compat', 'connectors_dagster.compat.dlt_internals']"

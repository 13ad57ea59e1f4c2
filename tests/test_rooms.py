"""Imports run one way: each room imports only the rooms that the table in docs/architecture.md allows."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from pkgutil import resolve_name

import pytest

import connectors_dagster

PACKAGE = Path(connectors_dagster.__file__).parent
ARCHITECTURE = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
FACE = connectors_dagster._MODULES
DAGSTER = {"dagster", "dagster_dlt"}


def walls() -> dict[str, set[str]]:
    """What each room may import, as the table in the docs says."""
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", ARCHITECTURE, re.MULTILINE)
    named = {room: set(re.findall(r"`(\w+)`", allowed)) for room, allowed in rows}
    return {room: set(named) if "every room" in allowed else named[room] for room, allowed in rows}


WALLS = walls()


def imports(path: Path) -> Iterator[str]:
    """Yield the full names of everything a file imports, at any depth of its code."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_of(path: Path) -> set[str]:
    """Name the rooms of this project that a file imports; a public name counts for the room it is defined in."""
    names = [name.split(".")[1:] for name in imports(path) if name.startswith("connectors_dagster.")]
    return {FACE[first].split(".")[0] if first in FACE else first for first, *_ in names}


def files(room: str) -> list[Path]:
    """List the files of a room; a module beside the rooms counts as one."""
    module = PACKAGE / f"{room}.py"
    return [module] if module.exists() else sorted((PACKAGE / room).rglob("*.py"))


def test_the_table_has_every_room():
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    modules = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    assert set(WALLS) == packages | modules
    assert modules == {"definitions", "errors"}


@pytest.mark.parametrize("room", WALLS)
def test_a_room_imports_only_what_the_table_allows(room):
    crossing = {
        str(path.relative_to(PACKAGE)): found
        for path in files(room)
        if (found := rooms_of(path) - {room} - WALLS[room])
    }
    assert crossing == {}


@pytest.mark.parametrize("room", WALLS)
def test_the_table_allows_nothing_that_a_room_does_not_import(room):
    used = set().union(*map(rooms_of, files(room)))
    assert room == "cli" or WALLS[room] - used == set()


def test_no_room_imports_a_room_that_imports_it():
    circles = {(room, other) for room in WALLS for other in WALLS[room] if room in WALLS[other] and room != other}
    assert circles == set()


@pytest.mark.parametrize("room", sorted({path.parent.name for path in PACKAGE.glob("*/__init__.py")}))
def test_a_room_says_in_one_sentence_what_lives_in_it(room):
    doc = ast.get_docstring(ast.parse((PACKAGE / room / "__init__.py").read_text(encoding="utf-8")))
    assert doc and re.match(r"[A-Z].*\.", doc)


def sentence(room: str) -> str:
    """Return what the docstring of a room says about its imports, if it says anything."""
    doc = ast.get_docstring(ast.parse((PACKAGE / room / "__init__.py").read_text(encoding="utf-8"))) or ""
    found = re.search(r"May (?:import|not) ([^.]*)\.", doc)
    return found[1] if found else ""


@pytest.mark.parametrize("room", sorted({path.parent.name for path in PACKAGE.glob("*/__init__.py")}))
def test_a_room_says_whom_it_may_import_as_the_table_does(room):
    said = sentence(room)
    named = {word for word in re.findall(r"\w+", said) if word in WALLS}
    assert named == (set() if "every other room" in said else WALLS[room])


def test_only_orchestration_the_code_location_and_the_modules_for_its_internals_import_dagster():
    importers = {
        path.relative_to(PACKAGE)
        for path in PACKAGE.rglob("*.py")
        if DAGSTER & {name.split(".")[0] for name in imports(path)}
    }
    others = {path.as_posix() for path in importers if path.parts[0] not in {"orchestration", "defs"}}
    assert others == {
        "compat/dagster_config.py",
        "compat/dagster_console.py",
        "compat/dagster_internals.py",
        "compat/dagster_pools.py",
        "compat/dagster_retention.py",
        "compat/dagster_runs.py",
        "definitions.py",
    }


def test_the_time_is_read_in_one_module_of_orchestration_so_that_tests_can_set_it():
    room = (PACKAGE / "orchestration").rglob("*.py")
    reading = {path.name for path in room if ".now(UTC)" in path.read_text(encoding="utf-8")}
    assert reading == {"clock.py"}


def test_what_is_named_in_strings_exists():
    names = {
        node.value
        for folder in (PACKAGE, Path(__file__).parent)
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and re.fullmatch(r"connectors_dagster(\.[a-z_]+)+", str(node.value))
    }
    assert names
    for name in names:
        resolve_name(name)

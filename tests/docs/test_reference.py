"""The public names: each exists and is explained on the reference page."""

import re
import subprocess
import sys
import tomllib
from dataclasses import fields, is_dataclass
from inspect import getdoc, isclass, signature
from pathlib import Path

import pytest
from dlt.sources.rest_api.config_setup import AUTH_MAP, PAGINATOR_MAP

import connectors_dagster
from connectors_dagster.orchestration.docstrings import arguments
from docs import commands
from docs.reference import PAGE, build_reference

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "connectors_dagster"
NAMES = connectors_dagster.__all__


def test_the_reference_is_what_make_docs_writes():
    assert PAGE.read_text(encoding="utf-8") == build_reference(), "run make docs"


def test_commands_and_settings_are_what_make_docs_writes():
    settings = commands.SETTINGS.read_text(encoding="utf-8")
    assert commands.PAGE.read_text(encoding="utf-8") == commands.build_commands(), "run make docs"
    assert settings == commands.build_settings(settings), "run make docs"


def test_the_reference_has_every_public_name_and_no_other():
    assert re.findall(r"^## `(\w+)`$", PAGE.read_text(encoding="utf-8"), re.MULTILINE) == list(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_is_explained_with_all_its_arguments(name):
    public = getattr(connectors_dagster, name)
    assert getdoc(public)
    if is_dataclass(public):
        assert set(arguments(public)) == {field.name for field in fields(public)}
    elif not isclass(public):
        assert set(arguments(public)) == set(signature(public).parameters)


@pytest.mark.parametrize("name", NAMES)
def test_the_page_loses_nothing_that_a_docstring_says(name):
    page = " ".join(PAGE.read_text(encoding="utf-8").split())
    text, *sections = re.split(r"^(?:Args|Raises|Returns):$", getdoc(getattr(connectors_dagster, name)), flags=re.M)
    for paragraph in text.strip().split("\n\n"):
        words = re.sub(r"`+", "`", " ".join(paragraph.split()))
        assert words.partition("::")[0].strip().replace("|", "\\|") in page
    assert not re.findall(r"^\S.*", "".join(sections), re.M), "what stands below Args is not on the page"


def test_an_unknown_name_is_refused_and_the_known_ones_are_listed():
    assert set(NAMES) <= set(dir(connectors_dagster))
    with pytest.raises(AttributeError, match="no attribute 'Conector'"):
        _ = connectors_dagster.Conector


def test_importing_the_package_imports_neither_dlt_nor_dagster():
    code = "import sys, connectors_dagster; sys.exit(bool({'dlt', 'dagster'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_types_schema_files_and_queries_are_installed_with_the_package():
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    installed = {path for pattern in patterns["connectors_dagster"] for path in PACKAGE.glob(pattern)}
    others = {path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix not in {".py", ".pyc"}}
    assert PACKAGE / "py.typed" in installed
    assert others <= installed


def test_every_kind_of_authentication_and_paginator_is_explained():
    """dlt's own names, without those that stand for another one."""
    page = (PAGE.parent / "authentication.md").read_text(encoding="utf-8")
    assert {kind for kind in AUTH_MAP if f"type: {kind}" not in page} == set()
    page = (PAGE.parent / "paginators.md").read_text(encoding="utf-8")
    assert {kind for kind in PAGINATOR_MAP if f"`{kind}`" not in page} - {"auto", "json_response"} == set()

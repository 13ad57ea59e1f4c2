"""What holds the project together beside its code: bounds, pins, the workflow, the forms and the hooks."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
BOUNDS = {canonicalize_name(bound.name): bound for bound in map(Requirement, PROJECT["dependencies"])}
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
WORKFLOW = ROOT / ".github" / "workflows" / "check.yml"
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
HOOKS = ROOT / ".pre-commit-config.yaml"


def pins(file: str) -> dict[str, str]:
    """Read a file of pins: names and versions, and nothing else."""
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    found = [re.fullmatch(r"([\w.-]+)==([\w.]+)", line) for line in lines if not line.startswith("#")]
    assert all(found), f"{file} may only have lines such as dlt==1.31.0"
    return {canonicalize_name(pin[1]): pin[2] for pin in found if pin}


def parsed(file: Path) -> Any:
    return yaml.safe_load(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", BOUNDS)
def test_the_lowest_version_allowed_is_the_one_that_is_tested(name):
    lowest = [bound.version for bound in BOUNDS[name].specifier if bound.operator == ">="]
    assert lowest == [pins("constraints-lowest.txt")[name]]


@pytest.mark.parametrize("name", BOUNDS)
def test_the_pinned_version_is_allowed(name):
    assert pins("constraints.txt")[name] in BOUNDS[name].specifier


@pytest.mark.parametrize("name", ["dlt", "dagster", "dagster-dlt", "dagster-webserver", "duckdb"])
def test_what_the_next_major_release_may_break_has_an_upper_bound(name):
    assert any(bound.operator == "<" for bound in BOUNDS[name].specifier)


MADE_BY_TESTS = {"components_of_a_test", "my_defs", "translated_in_a_test"}
LAKES = "dlt[deltalake,postgres,pyiceberg]"
SDK = "opentelemetry-sdk>=1.45.2"
BY_EXTRA = {
    **{"psycopg2-binary": LAKES, "deltalake": LAKES, "pyiceberg": LAKES, "redis": "redis>=5.2.0"},
    **{canonicalize_name(name): SDK for name in packages_distributions().get("opentelemetry", ["opentelemetry"])},
}
"""Packages that are imported only where they are needed, and the requirement of an extra that installs each."""
EXTRAS = {name for extra in PROJECT["optional-dependencies"].values() for name in extra}


APART = {"airbyte_cdk", "dpath", "duckdb_extension_ducklake", "mkdocs", "xmltodict"}
"""Packages of an environment of their own, which has pins of its own."""


def imported(*folders: str) -> dict[str, str]:
    """Map each package that code in these folders imports to a file that imports it."""
    ours = {"connectors_dagster", "tests", "docs", "benchmarks", *MADE_BY_TESTS, *APART, *sys.stdlib_module_names}
    found = {}
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [name.name for name in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            found |= {name.partition(".")[0]: str(path) for name in names}
    packages = packages_distributions()
    return {
        canonicalize_name(packages[name][0]) if name in packages else name: path
        for name, path in found.items()
        if name not in ours
    }


def test_every_package_that_is_imported_is_a_dependency_with_a_lowest_version():
    used = {name: path for name, path in imported("connectors_dagster").items() if name not in BY_EXTRA}
    assert set(BY_EXTRA.values()) <= EXTRAS
    assert {name: path for name, path in used.items() if name not in BOUNDS} == {}
    assert [name for name in used if not any(bound.operator == ">=" for bound in BOUNDS[name].specifier)] == []


def test_every_package_that_tests_import_is_declared():
    extras = PROJECT["optional-dependencies"]["dev"]
    declared = {*BOUNDS, *(canonicalize_name(Requirement(extra).name) for extra in extras)}
    declared |= {name for name, extra in BY_EXTRA.items() if extra in extras}
    declared |= {"redis", "dagster_celery", "dagster-celery", "s3fs"}  # in the environment of make machines
    declared |= {"dagster_k8s", "dagster-k8s", "dagster_postgres", "dagster-postgres", "kubernetes"}  # there, too
    declared |= {"dagster-cloud-cli"}  # comes with dagster-dg-cli
    declared |= {"fsspec"}  # comes with dlt
    declared |= {"airbyte_cdk"}  # in an environment of its own, with the pins of cdk-requirements.txt
    assert {name: path for name, path in imported("tests", "docs").items() if name not in declared} == {}


def test_the_workflow_runs_what_ci_runs_and_targets_of_the_makefile():
    jobs = parsed(WORKFLOW)["jobs"]
    commands = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    assert ".ci/run" in commands
    matrix = jobs["versions"]["strategy"]["matrix"]["include"]
    made = [command.replace("${{ matrix.versions }}", row["versions"]) for row in matrix for command in commands]
    targets = {
        word for command in made if command.startswith("make ") for word in command.split()[1:] if "=" not in word
    }
    assert {"test-lowest", "test-newest", "sbom", "audit"} <= targets
    assert {target for target in targets if f"\n{target}:" not in MAKEFILE} == set()


def test_ci_runs_the_command_of_the_readme_and_every_test():
    ci = (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert re.findall(r"^make (.*)$", ci, re.MULTILINE) == [
        *(
            "postgres redis browser",
            "test",
            "environments &",
            "journeys",
            "machines",
            "example",
            "installed",
            "site",
            "parity",
        ),
        *("test-lowest", "test-destinations"),
    ]
    kinds = re.findall(r"\$\(PYTEST\) -m (.*)$", MAKEFILE, re.MULTILINE)
    assert kinds == ['"not journey and not cdk and not machines"', "journey", "cdk tests/cdk"]
    assert "/pytest -m machines tests/machines\n" in MAKEFILE
    assert "$ make test " in (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_test_that_lowest_and_newest_run_is_there():
    named = re.search(r"^TESTS \?=((?:.*\\\n)*.*)$", MAKEFILE, re.MULTILINE)
    assert named
    assert [path for path in named[1].replace("\\\n", "").split() if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.stem)
def test_a_form_asks_each_question_once(form):
    asked = parsed(form)
    assert asked["name"]
    assert asked["description"]
    questions = [item for item in asked["body"] if item["type"] != "markdown"]
    assert {item["type"] for item in questions} <= {"input", "textarea", "dropdown", "checkboxes"}
    for key in (lambda item: item["id"], lambda item: item["attributes"]["label"]):
        assert len({key(item) for item in questions}) == len(questions) > 0


def test_there_is_a_form_for_bugs_and_one_for_connectors():
    assert [form.stem for form in FORMS] == ["bug", "connector"]


def test_the_hooks_run_the_commands_of_make_test_from_its_environment():
    [repository] = parsed(HOOKS)["repos"]
    assert repository["repo"] == "local"
    checks = {" ".join(hook["entry"].replace(".venv/bin/", "$(BIN)/").split()[:2]) for hook in repository["hooks"]}
    assert checks == {"$(BIN)/ruff format", "$(BIN)/ruff check", "$(BIN)/mypy"}
    assert [check for check in checks if f"\t{check}" not in MAKEFILE] == []


def test_updates_of_pins_leave_the_lowest_versions_alone():
    [pip] = [u for u in parsed(ROOT / ".github" / "dependabot.yml")["updates"] if u["package-ecosystem"] == "pip"]
    assert pip["exclude-paths"] == ["constraints-lowest.txt"]

"""Every code block of the site is run, each by the rule for its kind; what cannot be run says here who runs it instead.

A block that no rule fits fails `test_every_block_has_a_rule`.
"""

import re
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner

import connectors_dagster
from connectors_dagster import load_connectors
from connectors_dagster.cli import main
from connectors_dagster.config.explained_settings import OF_A_CONNECTOR, OF_ALL
from connectors_dagster.connectors import ENTRY_POINTS
from connectors_dagster.sandbox import environment, generate_tables, running
from connectors_dagster.spec.schema_file import read_schema
from tests.cli.conftest import connectors  # noqa: F401  # a fixture
from tests.support.blocks import ROOT, Block, blocks

PAGES = [*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), *(ROOT / "examples").rglob("*.md")]
BLOCKS = [block for page in sorted(PAGES) for block in blocks(str(page.relative_to(ROOT)))]
OF_A_PAGE: Mapping[str, str] = {
    "docs/your-own-dagster-project.md python yaml toml": "tests/docs/test_own_project_page.py",
    "docs/coming-from-airbyte.md yaml json toml sql": "tests/docs/test_coming_from_airbyte_page.py",
    "docs/examples-of-apis.md yaml": "tests/docs/test_examples_page.py",
    "docs/tutorial.md python yaml json toml": "tests/docs/test_tutorial.py",
    "docs/querying.md sql python": "tests/docs/test_querying_page.py",
    "README.md python yaml": "tests/docs/test_readme.py",
}
"""Pages, with the kinds of blocks that a test of their own runs."""
NOT_CODE = {"text", "console", "sh"}
"""What a program prints; lines of consoles and shells have rules of their own below."""
OUTSIDE: Mapping[str, str] = {
    "pip": ".ci/installed",
    "python": ".ci/installed",
    "python3": ".ci/installed",
    "cd": ".ci/installed",
    "mkdir": ".ci/installed",
    "source": ".ci/installed",
    "make": "tests/docs/test_every_page.py",
    "pytest": "Makefile",
    "curl": "tests/docs/test_tutorial.py",
    "dg": "tests/orchestration/test_component.py",
    "duckdb": "tests/docs/test_querying_page.py",
    "cp": "tests/test_deploy.py",
    "docker": "tests/test_deploy.py",
    "helm": "tests/machines/test_kubernetes.py",
    "kubectl": "tests/test_deploy.py",
    "celery": "tests/machines/test_celery.py",
}
"""Programs that these tests do not start, with the file that does the same: installs, or asks the same API or file."""
SERVED: Mapping[str, str] = {
    "dev": "tests/cli/test_dev.py",
    "sandbox": "tests/cli/test_dev.py",
    "demo": "tests/cli/test_commands.py",
    "init": "tests/cli/test_init.py",
    "new": "tests/orchestration/test_own_connectors.py",
    "explain": "tests/docs/test_coming_from_airbyte_page.py",
    "import": "tests/docs/test_coming_from_airbyte_page.py",
    "copy": "tests/cli/test_copy.py",
}
"""Commands that serve until they are stopped, ask questions, or need a manifest or two databases, with their tests."""
FRAME: Mapping[str, Any] = {
    "name": "desk",
    "description": "A frame for fragments",
    "config": {"client": {"base_url": "https://desk.example"}, "resources": []},
}

pytestmark = pytest.mark.filterwarnings("ignore:`parse_obj_as` is deprecated")  # Dagster's


def of_kind(*kinds: str) -> list[Block]:
    """List the blocks of these kinds that no test of their page runs."""
    apart = {(line.split()[0], kind) for line in OF_A_PAGE for kind in line.split()[1:]}
    return [block for block in BLOCKS if block.kind in kinds and (block.page, block.kind) not in apart]


def console_lines() -> list[tuple[Block, list[str]]]:
    """List the commands of console blocks as words, without settings before them and comments."""
    found = []
    for block in BLOCKS:
        for line in re.findall(r"^\$ (.*)$", block.text, re.MULTILINE) if block.kind == "console" else ():
            for command in re.split(r" && ", line.split(" #")[0]):
                words = [word for word in command.split() if not re.match(r"[A-Z_]+=", word)]
                found.append((block, words))
    return found


def name_of(words: list[str]) -> str:
    return words[0].removeprefix(".venv/bin/")


def test_every_block_has_a_rule():
    ruled = {"python", "yaml", "yaml fragment", "toml", *NOT_CODE}
    apart = {(line.split()[0], kind) for line in OF_A_PAGE for kind in line.split()[1:]}
    left = [str(block) for block in BLOCKS if block.kind not in ruled and (block.page, block.kind) not in apart]
    assert left == []
    assert {(block.page, block.kind) for block in BLOCKS} >= apart, "a page lost the blocks that its test runs"


@pytest.mark.parametrize("file", sorted({*OF_A_PAGE.values(), *OUTSIDE.values(), *SERVED.values()}))
def test_whoever_runs_a_block_instead_is_there(file):
    assert (ROOT / file).is_file()


def test_every_program_of_a_console_block_has_a_rule():
    ruled = {"connectors", "export", "dagster", "dagster-cloud", "dagster-daemon", "dagster-webserver", *OUTSIDE}
    assert {str(block): words for block, words in console_lines() if name_of(words) not in ruled} == {}


@pytest.mark.parametrize("block", of_kind("python"), ids=str)
def test_python_runs_with_the_public_names(block, tmp_path):
    public = {name: getattr(connectors_dagster, name) for name in connectors_dagster.__all__}
    file = tmp_path / "shown.py"
    for name in ("shown", "desk", "helpdesk"):
        file.with_name(f"{name}.schema.yaml").write_text("tables: {}")
    code = f"from __future__ import annotations\n{block.text}"
    names: dict[str, Any] = {**public, "date": date, "__file__": str(file)}
    exec(compile(code, str(block), "exec"), names)
    connector = names.get("connector")
    assert connector is None or list(connector.graph)


@pytest.mark.parametrize("block", of_kind("yaml"), ids=str)
def test_yaml_is_a_component_or_a_schema_file(block, scaffolded, tmp_path):
    content = yaml.safe_load(block.text)
    if "type" in content:
        scaffolded.put(content["attributes"]["name"], block.text)
        component, _ = scaffolded.load()
        assert list(component.connector.graph)
    else:
        file = tmp_path / "schema.yaml"
        file.write_text(block.text)
        assert set(read_schema(file, list(content["tables"])).columns) == set(content["tables"])


def completed(fragment: Any) -> dict[str, Any]:
    """Put a fragment into a component that has the resources that it gives options for."""
    given = fragment.get("attributes", fragment)
    config = {**FRAME["config"], **given.get("config", {})}
    config["client"] = {**FRAME["config"]["client"], **config.get("client", {})}
    written = {one["name"]: one for one in config["resources"]}
    for name, options in given.get("resources", {}).items():
        cursor = {"incremental": {"cursor_path": "day"}} if "cursor" in options else {}
        pages = {} if "next_page" in options else {"paginator": "single_page"}
        key = {} if "key" in options else {"primary_key": "id"}
        written.setdefault(name, {"name": name, **key, "endpoint": {"path": f"/{name}", **pages, **cursor}})
    settings = dict(given.get("settings", {}))
    unused = {name: f"{{{{ setting.{name} }}}}" for name in settings if f"setting.{name} " not in str(config)}
    if not written:
        written["things"] = {"name": "things", "primary_key": "id", "endpoint": {"path": "/things", "params": unused}}
    config["resources"] = [{"write_disposition": "merge", **one} for one in written.values()]
    lists = {name: {"type": "list"} for name in re.findall(r"setting\.(\w+)", str(given.get("resources")))}
    return {**FRAME, **given, "config": config, **({"settings": {**lists, **settings}} if lists or settings else {})}


@pytest.mark.parametrize("block", of_kind("yaml fragment"), ids=str)
def test_a_fragment_of_yaml_is_a_part_of_a_component(block, scaffolded):
    fragment = yaml.safe_load(textwrap.dedent(block.text))
    if str(fragment.get("type", "")).endswith("AirbyteManifest"):
        assert set(fragment["attributes"]) == {"name", "manifest"}  # tests/airbyte loads such components
        return
    component = {"type": "connectors_dagster.RestConnector", "attributes": completed(fragment)}
    scaffolded.put("desk", yaml.safe_dump(component, sort_keys=False))
    loaded, _ = scaffolded.load()
    assert set(fragment.get("resources", ())) <= {resource.name for resource in loaded.connector.graph.values()}


@pytest.mark.parametrize("block", of_kind("toml"), ids=str)
def test_toml_has_settings_that_exist(block):
    content = tomllib.loads(block.text)
    assert set(content.pop("connectors", {})) <= set(OF_ALL)
    for name, given in content.pop("sources", {}).items():
        of_shops = [own for own in given.values() if isinstance(own, dict)]
        of_all = {setting: value for setting, value in given.items() if value not in of_shops}
        for part in (of_all, *of_shops):
            assert set(part) <= {*OF_A_CONNECTOR, *map(str, load_connectors()[name].settings)}
    assert set(content.pop("project", {}).get("entry-points", ())) <= {ENTRY_POINTS}
    assert content == {}


def exported() -> Iterator[tuple[str, str]]:
    for block, words in ((block, block.text) for block in BLOCKS if block.kind == "console"):
        for name in re.findall(r"\b((?:SOURCES|CONNECTORS)__\w+)=", words):
            yield str(block), name


def test_every_setting_that_a_console_block_gives_exists():
    made_up = {"HELPDESK": ["BASE_URL", "TOKEN"], "MY_API": ["BASE_URL", "TOKEN"]}
    made_up["DESK"] = ["BASE_URL", "TOKEN", "TOKEN_URL", "CLIENT_ID", "CLIENT_SECRET"]
    own = {name.upper(): [str(one).upper() for one in it.settings] for name, it in load_connectors().items()}
    known = {f"CONNECTORS__{name.upper()}" for name in OF_ALL}
    for name, settings in {**own, **made_up}.items():
        known |= {f"SOURCES__{name}__{setting}" for setting in [*settings, *map(str.upper, OF_A_CONNECTOR)]}
    assert [item for item in exported() if item[1] not in known] == []


def dagsters() -> dict[str, list[str]]:
    own = [words for _, words in console_lines() if words[0].startswith("dagster") and words[0] not in OUTSIDE]
    return {" ".join(words): words for words in own}


@pytest.mark.journey
@pytest.mark.parametrize("line", dagsters())
def test_a_command_of_dagster_exists_with_its_options(line):
    words = line.split()
    options = {word for word in words if word.startswith("-")}
    until = next((place for place, word in enumerate(words) if word.startswith("-")), len(words))
    command = [str(Path(sys.executable).with_name(words[0])), *words[1:until], "--help"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert {option for option in options if not re.search(rf"{option}\b", done.stdout)} == set()


@pytest.mark.parametrize("block", of_kind("sh"), ids=str)
def test_a_line_for_a_shell_gives_its_completion(block):
    shell = re.search(r"_CONNECTORS_COMPLETE=(\w+)_source", block.text)
    assert shell
    try:
        done = CliRunner().invoke(main, env={"_CONNECTORS_COMPLETE": f"{shell[1]}_source"}, prog_name="connectors")
    except RuntimeError as error:  # click asks bash for its version
        pytest.skip(f"{shell[1]}: {error}")
    assert "_CONNECTORS_COMPLETE" in done.output, done.output


def typed() -> list[str]:
    """List each different command line of `connectors` that can be run here, in the order of a first hour."""
    order = ["--version", "list", "check", "run", "status", "show", "retype", "reset", "prune"]
    lines = {" ".join(words[1:]) for _, words in console_lines() if name_of(words) == "connectors"}
    return sorted((line for line in lines if line.split()[0] not in SERVED), key=lambda x: order.index(x.split()[0]))


@pytest.mark.journey
def test_every_command_line_of_a_page_runs_against_the_sandbox(connectors, scaffolded, monkeypatch):  # noqa: F811
    [my_api] = [block for block in BLOCKS if "name: my_api" in block.text]
    desk, *_ = (block for block in BLOCKS if block.page == "docs/examples-of-apis.md" and block.kind == "yaml")
    scaffolded.put("my_api", my_api.text)
    scaffolded.put("desk", desk.text)
    scaffolded.put("helpdesk", desk.text.replace("name: desk", "name: helpdesk"))
    with running(generate_tables(scale=0.05)) as port:
        base = f"http://127.0.0.1:{port}"
        for name in ("DESK", "HELPDESK"):
            monkeypatch.setenv(f"SOURCES__{name}__BASE_URL", f"{base}/helpdesk")
            monkeypatch.setenv(f"SOURCES__{name}__TOKEN", "sandbox-helpdesk-token")
        for name, value in environment(port).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("CONNECTORS__ENABLED", "storefront")
        for name in ("STOREFRONT", "WOOCOMMERCE", "BILLING", "DESK", "HELPDESK"):
            monkeypatch.setenv(f"SOURCES__{name}__STEP", "P1Y")
        for line in typed():
            done = connectors(*line.split(), input="y\n")
            assert done.exit_code == 0, f"connectors {line}\n{done.output}"


def test_every_command_that_is_not_run_here_is_one_of_the_command_line():
    assert set(SERVED) <= set(main.list_commands(click.Context(main)))

"""The tutorial: its API, its files and its commands."""

import json
import re
import shlex
import tomllib
from pathlib import Path

import dlt
import httpx
import pytest
import yaml

from connectors_dagster.sandbox import helpdesk, running
from tests.cli.conftest import connectors  # noqa: F401  # a fixture
from tests.support.blocks import blocks

BLOCKS = blocks("docs/tutorial.md")


def of(kind: str) -> list[str]:
    return [block.text for block in BLOCKS if block.kind == kind]


COMMANDS = [line for text in of("console") for line in re.findall(r"^\$ (.*)$", text, re.MULTILINE)]
LOAD = [line for line in COMMANDS if re.match("connectors (run|show|status) ", line)]
[SETTINGS] = (tomllib.loads(text) for text in of("toml"))


@pytest.fixture
def my_connectors(project: Path) -> Path:
    """The files of the tutorial."""
    folder = project / "connectors"
    folder.mkdir()
    (folder / "desk.py").write_text(of("python")[0])
    (folder / "desk.schema.yaml").write_text(of("yaml")[0])
    return project


def test_the_api_answers_as_the_page_shows():
    [command] = [shlex.split(line) for line in COMMANDS if line.startswith("curl")]
    name, _, value = command[2].partition(": ")
    with running({}) as port:
        found = httpx.get(command[3].replace(":8765", f":{port}"), headers={name: value})
    assert found.json() == json.loads(of("json")[0])


@pytest.mark.journey
def test_the_commands_configure_check_and_load_it_as_the_page_shows(my_connectors, connectors):  # noqa: F811
    assert connectors("init", "--project").exit_code == 0
    with running({}) as port:
        text = f"http://127.0.0.1:{port}/helpdesk\nsandbox-helpdesk-token\n\n"
        assert connectors("init", "desk", input=text).exit_code == 0
        dlt.current.run_context().reload()  # a new process would read the files
        done = connectors("check", "desk")
        assert "ok      desk/tickets: /tickets returned 0 rows on its first page" in done.output
        for command in LOAD:
            done = connectors(*command.split()[1:])
            assert done.exit_code == 0, f"{command}\n{done.output}"
    assert re.search(r"^desk/tickets +120 ", done.output, re.MULTILINE), done.output
    assert SETTINGS == {"connectors": {"enabled": ["desk"]}}
    declared = yaml.safe_load(of("yaml")[0])["tables"]["tickets"]["columns"]
    assert set(declared) == set(helpdesk.TICKETS[0])

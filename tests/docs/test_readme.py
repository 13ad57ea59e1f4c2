"""The README tells the truth."""

import re
from pathlib import Path

import yaml

from connectors_dagster import Connector
from connectors_dagster.connectors import load_connectors
from docs.pages import build_readme

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_of_connectors_is_the_registry():
    assert build_readme(README, load_connectors().values()) == README


def test_every_file_the_readme_links_to_is_there():
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_command_the_readme_shows_is_there():
    commands = set(re.findall(r"connectors (list|check|run|sandbox|demo|dev)\b", README))
    targets = re.findall(r"^\$ make (\w+)", README, re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert {"check", "run"} <= commands
    assert [target for target in targets if f"\n{target}:" not in makefile] == []


def test_the_connector_the_readme_adds_is_one(tmp_path):
    code = next(block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "helpdesk" in block)
    schema = next(block for block in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL))
    file = tmp_path / "helpdesk.py"
    file.write_text(code)
    file.with_suffix(".schema.yaml").write_text(schema)
    names: dict[str, object] = {"__file__": str(file)}
    exec(compile(code, str(file), "exec"), names)
    connector = names["connector"]
    assert isinstance(connector, Connector)
    assert [r.name for r in connector.graph.values()] == ["tickets", "comments"]
    assert set(connector.tables["tickets"]) == set(yaml.safe_load(schema)["tables"]["tickets"]["columns"])


def test_every_test_the_readme_names_is_there():
    named = set(re.findall(r"`(test_\w+)`", README))
    there = {
        name
        for path in Path(__file__).parents[1].rglob("test_*.py")
        for name in re.findall(r"def (test_\w+)", path.read_text())
    }
    assert named
    assert named - there == set()

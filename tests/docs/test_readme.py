"""The README matches the code."""

import re
from pathlib import Path

import yaml

from connectors_dagster import Connector, load_connectors
from docs.pages import build_readme

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_the_table_of_connectors_is_the_registry():
    assert build_readme(README, load_connectors().values()) == README


def test_the_connector_in_the_readme_is_valid(tmp_path):
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

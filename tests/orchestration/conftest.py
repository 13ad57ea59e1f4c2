from importlib import import_module
from pathlib import Path
from uuid import uuid4

import pytest

from connectors_dagster.orchestration import location
from tests.support.scaffolded import Scaffolded


@pytest.fixture
def scaffolded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scaffolded:
    """An empty folder for the output of `dg scaffold defs`."""
    folder = tmp_path / f"scaffolded_{uuid4().hex}"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    module = import_module(folder.name)
    monkeypatch.setattr(location, "defs_folder", module)
    return Scaffolded(folder, module)

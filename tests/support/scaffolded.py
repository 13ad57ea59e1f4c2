"""A folder in place of the project's own for what `dg scaffold defs` writes."""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import dagster as dg

from connectors_dagster import RestConnector


@dataclass
class Scaffolded:
    """The folder, and the module it is."""

    folder: Path
    module: ModuleType

    def put(self, name: str, text: str, schema: str = "tables: {}") -> None:
        """Write a component."""
        (self.folder / name).mkdir(exist_ok=True)
        (self.folder / name / "schema.yaml").write_text(schema, encoding="utf-8")
        (self.folder / name / "defs.yaml").write_text(text, encoding="utf-8")

    def load(self) -> tuple[RestConnector, dg.Definitions]:
        """Load the only component and its definitions."""
        tree = dg.ComponentTree.from_module(defs_module=self.module, project_root=self.folder.parent)
        (component,) = tree.get_all_components(of_type=RestConnector)
        return component, component.build_defs(tree.load_context)

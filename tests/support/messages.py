"""The messages in the code, with `…` for each value that is put in."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "connectors_dagster"
LEFT_OUT = {"sandbox", "connectors"}


def messages() -> set[str]:
    """List every text in the code that is no docstring."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        if not LEFT_OUT & set(path.relative_to(PACKAGE).parts):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.JoinedStr):
                    found.add("".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.add(node.value)
    return found

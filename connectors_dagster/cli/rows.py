"""The newest rows of a table on the terminal."""

import json
from decimal import Decimal
from typing import Any

from connectors_dagster.cli import terminal
from connectors_dagster.cli.demo_project import follow_demo
from connectors_dagster.cli.terminal import say, show_json, show_table
from connectors_dagster.load.newest_rows import newest_rows
from connectors_dagster.orchestration.location import load_location
from connectors_dagster.orchestration.selection import select_one
from connectors_dagster.spec.plural import noun

CELL = 40
"""The longest text of a cell."""
GAP = 3
"""The width of what separates two columns."""


def show_rows(name: str, *, limit: int, as_json: bool = False) -> None:
    """Print the newest rows of a resource; what does not fit into the terminal is named below.

    Raises:
        UnknownNameError: the name is not that of a resource.
        LoadError: the resource is not loaded yet.
    """
    location = load_location()
    _, resource = select_one(location, name)
    follow_demo(location, quiet=as_json)
    rows = newest_rows(resource, limit)
    if as_json:
        show_json(rows)
        return
    if not rows:
        say(f"{name} has no rows", style="yellow")
        return
    first = [*resource.primary_key, *([resource.cursor_path] if resource.cursor_path else [])]
    known = [head for head in rows[0] if any(row[head] not in (None, "") for row in rows)]
    nested = [head for head in known if any(isinstance(row[head], dict | list) for row in rows)]
    heads = list(dict.fromkeys([*(head for head in first if head in known), *sorted(known, key=nested.__contains__)]))
    cells = [[readable(row[head]) for head in heads] for row in rows]
    fitting = _fitting(heads, cells)
    show_table(heads[:fitting], [line[:fitting] for line in cells])
    if left := heads[fitting:]:
        say(f"{len(left)} more {noun(len(left), 'column')}: {', '.join(left)}; --json shows them")


def readable(value: Any, *, most: int = CELL) -> str:
    """Write a value in one short line: nested fields as ``name: value``, lists with their length."""
    if value is None:
        return ""
    if isinstance(value, dict):
        text = ", ".join(f"{name}: {readable(item)}" for name, item in value.items() if item not in (None, "", [], {}))
    elif isinstance(value, list):
        text = f"{len(value)} × {readable(value[0])}" if len(value) > 1 else readable(value[0]) if value else "none"
    elif isinstance(value, bool):
        text = json.dumps(value)
    elif isinstance(value, Decimal):
        text = f"{value.normalize():f}"  # without the zeros that only the column has
    else:
        text = str(value)
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _fitting(heads: list[str], cells: list[list[str]]) -> int:
    """Count the columns that fit beside each other, at least one."""
    width = 1
    for at, head in enumerate(heads):
        width += GAP + max(len(head), *(len(line[at]) for line in cells))
        if width > terminal.out.width and at:
            return at
    return len(heads)

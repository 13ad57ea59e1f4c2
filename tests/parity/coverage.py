"""Which features of the documentation no case has."""

import re
from collections.abc import Sequence
from pathlib import Path

from tests.parity.parts import Case

PAGE = Path(__file__).parents[2] / "docs" / "airbyte.md"


def features() -> list[str]:
    """List the first cells of the table of what is translated."""
    table = PAGE.read_text(encoding="utf-8").partition("| in the manifest |")[2]
    return re.findall(r"^\| (.+?) \|", table.partition("\n\n")[0], re.MULTILINE)[1:]


def uncovered(cases: Sequence[Case]) -> list[str]:
    """List the features that no case has, and the names in cases that are no features."""
    written, named = features(), {name for case in cases for name in case.covers}
    missing = [row for row in written if not any(row.startswith(name) for name in named)]
    return missing + [
        f"{name} (which the page does not have)" for name in named if not any(row.startswith(name) for row in written)
    ]

"""The code blocks of the pages."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^( *)```([^\n`]*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One code block: its page, what follows its fence, its text without indentation, and the line it begins at."""

    page: str
    kind: str
    text: str
    line: int

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: str) -> list[Block]:
    """List the blocks of a page, given by its path in the repository."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [
        Block(page, found[2], re.sub(rf"^{found[1]}", "", found[3], flags=re.M), text.count("\n", 0, found.start()) + 2)
        for found in FENCE.finditer(text)
    ]

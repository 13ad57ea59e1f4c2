"""Results in a file, so that a comparison of hours that was interrupted can go on."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.parity.comparison import Compared, Reader


@dataclass(kw_only=True)
class Kept:
    """The results of manifests, a line of JSON for each manifest and engine; without a file, there are none.

    Args:
        file: where they are.
    """

    file: Path | None
    _known: dict[tuple[str, Reader], list[Compared]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Read the file."""
        lines = self.file.read_text(encoding="utf-8").splitlines() if self.file and self.file.exists() else ()
        for line in map(json.loads, lines):
            self._known[line["name"], line["engine"]] = [Compared(**one) for one in line["compared"]]

    def of(self, name: str, engine: Reader) -> list[Compared] | None:
        """Return the results of a manifest; None if it was not compared."""
        return self._known.get((name, engine))

    def add(self, name: str, engine: Reader, compared: Sequence[Compared]) -> None:
        """Write the results of a manifest."""
        if self.file:
            line = {"name": name, "engine": engine, "compared": [asdict(one) for one in compared]}
            with self.file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")

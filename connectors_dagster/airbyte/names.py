"""Names of tables and settings: lower-case identifiers made of the vendor's names."""

import re
from collections.abc import Iterable

WORD_BEGINS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
NO_LETTER = re.compile(r"[^a-z0-9]+")


def identifier(name: str) -> str:
    """Return a name in lower case, with `_` for everything else: ``orderItems`` and ``Order items`` are order_items."""
    written = NO_LETTER.sub("_", WORD_BEGINS.sub("_", name).lower()).strip("_")
    return written if written[:1].isalpha() else f"n_{written}".strip("_")


def identifiers(names: Iterable[str]) -> dict[str, str]:
    """Return the identifier of each name; a later name that would have the same one gets a number."""
    found: dict[str, str] = {}
    for name in names:
        written, number = identifier(name), 1
        while written in found.values():
            number += 1
            written = f"{identifier(name)}_{number}"
        found[name] = written
    return found

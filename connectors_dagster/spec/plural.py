"""The noun behind a number."""


def noun(count: int, one: str, several: str = "") -> str:
    """Return the noun for so many: `one`, or `several`, by default `one` with an s."""
    return one if count == 1 else several or f"{one}s"

"""What a DuckDB file that cannot be opened suffers from, and what to do about it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

LOCKED = ("could not set lock on file", "used by another process")
OUT_OF_MEMORY = ("out of memory error", "could not allocate block", "failed to pin block", "failed to allocate data")
LATER = "windows that are not in the file count as not loaded, and the next runs load them"
ADVICE: Mapping[str, tuple[Sequence[str], str]] = {
    "was written by another version of DuckDB": (
        ("storage version number", "different version of duckdb"),
        "Nothing was changed. Install a version of the package duckdb that can read the file, or move the file away: "
        + LATER,
    ),
    "has a damaged write-ahead log": (
        ("replaying wal", "corrupt wal"),
        "Move the file {path}.wal away. It has only what was loaded last: " + LATER,
    ),
    "is damaged": (
        ("not a valid duckdb", "corrupt", "checksum", "could not read enough bytes"),
        "Restore a backup, or move the file and its .wal away: " + LATER,
    ),
    "cannot be written": (
        ("read-only file system", "permission denied", "no space left", "operation not permitted", "read-only mode"),
        "Nothing was changed. The disk must have space and allow writing; then run again",
    ),
}
"""By problem: parts of DuckDB's messages, in lower case, as its error classes do not tell these apart; what to do."""


def is_locked(error: Exception) -> bool:
    """Return whether another program has the file open."""
    return _found_in(str(error), LOCKED)


def is_out_of_memory(error: Exception | str) -> bool:
    """Return whether an error, or its text, says that DuckDB needs more memory than it may use."""
    return _found_in(str(error), OUT_OF_MEMORY)


def explain(error: Exception, path: Path) -> str | None:
    """Say what is wrong with a DuckDB file and what to do; None if an error has another cause."""
    for problem, (parts, advice) in ADVICE.items():
        if _found_in(str(error), parts):
            said = str(error).partition("\n\n")[0].replace("\n", " ").rstrip(".")
            return f"{path} {problem}: {said}. {advice.format(path=path)}"
    return None


def _found_in(message: str, parts: Sequence[str]) -> bool:
    return any(part in message.lower() for part in parts)

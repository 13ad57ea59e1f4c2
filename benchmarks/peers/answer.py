"""What a peer prints last: which ids it loaded, and how long that took if not all of the process counts."""

import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage

ANSWER = "answer "
DATABASE = Path("orders.duckdb")
IDS = "SELECT count(DISTINCT id), min(id), max(id), count(*) FROM"


def arguments() -> tuple[str, int]:
    """Return the server's address and how many connections to use."""
    return sys.argv[1], int(sys.argv[2])


@contextmanager
def timed() -> Iterator[dict[str, float]]:
    """Time a part: `seconds` by the clock and `cpu` of this process and its children, known at the end."""
    part: dict[str, float] = {}
    started, cpu = time.monotonic(), _cpu()
    yield part
    part |= {"seconds": time.monotonic() - started, "cpu": _cpu() - cpu}


def answer_table(table: str, *, part: dict[str, float] | None = None) -> None:
    """Look at a loaded table."""
    import duckdb  # only peers that load have it

    with duckdb.connect(str(DATABASE)) as connection:
        answer(connection.execute(f"{IDS} {table}").fetchall()[0], part=part)


def answer_ids(ids: Iterable[int], *, part: dict[str, float] | None = None) -> None:
    """Look at ids that were extracted."""
    rows = list(ids)
    distinct = set(rows) or {0}
    answer((len(distinct), min(distinct), max(distinct), len(rows)), part=part)


def answer(numbers: Iterable[int | None], *, part: dict[str, float] | None = None) -> None:
    """Say what `IDS` has found."""
    found = dict(zip(("ids", "first", "last", "rows"), (int(number or 0) for number in numbers), strict=True))
    say(found | (part or {}))


def say(found: Mapping[str, float]) -> None:
    """Print what was found in a line that cannot be mistaken."""
    sys.stdout.write(f"\n{ANSWER}{json.dumps(found)}\n")


def _cpu() -> float:
    return sum(used.ru_utime + used.ru_stime for used in map(getrusage, (RUSAGE_SELF, RUSAGE_CHILDREN)))

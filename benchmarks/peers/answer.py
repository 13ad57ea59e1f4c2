"""The last line that a peer prints: the ids it loaded, and the time if only a part of the process is timed."""

import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage

from benchmarks.shapes import BY_NAME, ORDERS, Shape

ANSWER = "answer "
DATABASE = Path("orders.duckdb")
IDS = "SELECT count(DISTINCT id), min(id), max(id), count(*) FROM"


def arguments() -> tuple[str, int]:
    """Return the server's address and the number of connections."""
    return sys.argv[1], int(sys.argv[2])


def chosen_shape() -> Shape:
    """Return the shape of what is loaded."""
    return BY_NAME[sys.argv[3]] if sys.argv[3:] else ORDERS


def postgres() -> str | None:
    """Return the URL of the Postgres to load into; None for a file of DuckDB."""
    return sys.argv[4] if sys.argv[4:] else None


@contextmanager
def timed() -> Iterator[dict[str, float]]:
    """Time a block: wall clock `seconds`, and `cpu` of this process and its children, both set at the end."""
    part: dict[str, float] = {}
    started, cpu = time.monotonic(), _cpu()
    yield part
    part |= {"seconds": time.monotonic() - started, "cpu": _cpu() - cpu}


def answer_table(table: str, *, part: dict[str, float] | None = None) -> None:
    """Print the figures of a loaded table."""
    if url := postgres():
        import psycopg2

        # Without `with`, which would end a transaction and not the connection.
        cursor = psycopg2.connect(url).cursor()
        cursor.execute(f"{IDS} {table}")
        answer(cursor.fetchone() or (), part=part)
        return
    import duckdb  # peers that only extract do not install it

    with duckdb.connect(str(DATABASE)) as connection:
        answer(connection.execute(f"{IDS} {table}").fetchall()[0], part=part)


def answer_ids(ids: Iterable[int], *, part: dict[str, float] | None = None) -> None:
    """Print the figures of extracted ids."""
    rows = list(ids)
    distinct = set(rows) or {0}
    answer((len(distinct), min(distinct), max(distinct), len(rows)), part=part)


def answer(numbers: Iterable[int | None], *, part: dict[str, float] | None = None) -> None:
    """Print the figures that `IDS` selects."""
    found = dict(zip(("ids", "first", "last", "rows"), (int(number or 0) for number in numbers), strict=True))
    say(found | (part or {}))


def say(found: Mapping[str, float]) -> None:
    """Print figures on a marked line."""
    sys.stdout.write(f"\n{ANSWER}{json.dumps(found)}\n")


def _cpu() -> float:
    return sum(used.ru_utime + used.ru_stime for used in map(getrusage, (RUSAGE_SELF, RUSAGE_CHILDREN)))

"""Very many orders through the command line: ``python -m benchmarks.alone.many [ROWS …]``, in an empty folder.

For each number of rows: the time, the most memory and the most disk that the load took, and how large its database is
beside one that DuckDB alone writes. Ten million orders are 20 GB of JSON, which are made first.
"""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from benchmarks.measure import measure
from benchmarks.peers.answer import DATABASE, IDS, say
from benchmarks.script import RunError
from benchmarks.server import serving

ROWS = (1_000_000, 10_000_000)
LONGEST = 3 * 3600.0
PLAIN = Path("plain.duckdb")
SAMPLE = 1.0


def main(rows: int) -> None:
    """Load so many orders and print figures; raises RunError if others arrived."""
    folder = Path(f"{rows}").absolute()
    folder.mkdir()
    with serving(rows) as address, most_bytes(folder) as disk:
        command = [sys.executable, "-m", "benchmarks.peers.ours", f"{address}/0", "4"]
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
        usage = measure(command, folder=folder, environment=environment, timeout=LONGEST)
    database = folder / DATABASE
    with duckdb.connect(str(database)) as connection:
        found = connection.execute(f"{IDS} storefront.orders").fetchone()
        if usage.status or found != (rows, 1, rows, rows):
            raise RunError(f"ended with status {usage.status}, loaded {found}; the output is in {folder}")
        connection.execute(f"ATTACH '{folder / PLAIN}' AS plain")
        connection.execute("CREATE TABLE plain.orders AS FROM storefront.orders")
    figures = {
        "seconds": usage.seconds,
        "seconds of the CPU": usage.cpu,
        "most MB of memory": usage.memory / 1e6,
        "most MB on disk": disk[0] / 1e6,
        "MB of the database": database.stat().st_size / 1e6,
        "MB of a database that DuckDB alone writes": (folder / PLAIN).stat().st_size / 1e6,
    }
    say({f"{name}, {rows:,} orders": figure for name, figure in figures.items()})
    database.unlink()
    (folder / PLAIN).unlink()


@contextmanager
def most_bytes(folder: Path) -> Iterator[list[int]]:
    """Look each second how many bytes the files in a folder have; the largest number is in the list."""
    most, done = [0], threading.Event()

    def look() -> None:
        while not done.wait(SAMPLE):
            most[0] = max(most[0], sum(map(_size, folder.rglob("*"))))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield most
    finally:
        done.set()
        thread.join()


def _size(path: Path) -> int:
    with suppress(OSError):  # it was deleted meanwhile
        return path.stat().st_size
    return 0


if __name__ == "__main__":
    for number in map(int, sys.argv[1:] or ROWS):
        main(number)

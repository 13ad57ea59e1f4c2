"""What two processes could reach at most: ``python -m benchmarks.alone.two_processes``.

Each loads half of the windows into a database of its own, at the same time as the other. They are compared with the
floor and with the step in one process, in the same rounds. The server responds after 0 and after 50 ms.
"""

import os
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import median
from subprocess import PIPE, Popen

from benchmarks.contest import Trial, run_trial
from benchmarks.entrants import ENTRANTS
from benchmarks.peers.answer import say
from benchmarks.peers.settings import storefront_settings
from benchmarks.peers.step import build_order
from benchmarks.script import RunError
from benchmarks.server import serving
from connectors_dagster.load.pipeline import load_in_turn
from connectors_dagster.orchestration.window_runs import loads

ROWS, ROUNDS = 100_000, 3
CONNECTIONS = {0: 4, 50: 16}
"""The connections of all processes together, by latency."""
READY, LOADED = "ready\n", "loaded\n"


def main() -> None:
    """Time all three in turn and print the medians of their ratios."""
    by_name = {entrant.name: entrant for entrant in ENTRANTS}
    with serving(ROWS) as address:
        for latency, connections in CONNECTIONS.items():
            rounds = []
            for _ in range(ROUNDS):
                floor, step = (
                    run_trial(
                        Trial(entrant=by_name[name], connections=count, latency=latency, rows=ROWS), address=address
                    ).seconds
                    for name, count in (("floor", 1 if latency == 0 else connections), ("step", connections))
                )
                rounds.append((floor, step, seconds_of_two(f"{address}/{latency}", connections // 2)))
            say(
                {
                    f"seconds of the floor, {latency} ms": median(floor for floor, _, _ in rounds),
                    "seconds of the step in one process": median(step for _, step, _ in rounds),
                    "seconds of two processes": median(two for _, _, two in rounds),
                    "two processes, times the step": median(two / step for _, step, two in rounds),
                    "two processes, times the floor": median(two / floor for floor, _, two in rounds),
                }
            )


def seconds_of_two(address: str, connections: int) -> float:
    """Start two processes and let them load at once, when both have imported everything."""
    with ExitStack() as stack:
        halves = []
        for number in range(2):
            command = [sys.executable, "-m", "benchmarks.alone.two_processes", address, f"{connections}", f"{number}"]
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
            half = Popen(command, cwd=folder, env=environment, stdin=PIPE, stdout=PIPE, text=True)
            halves.append(stack.enter_context(half))
        if [half.stdout and half.stdout.readline() for half in halves] != [READY, READY]:
            raise RunError("a process did not start")
        started = time.monotonic()
        for half in halves:
            assert half.stdin
            half.stdin.close()
        if [half.stdout and half.stdout.readline() for half in halves] != [LOADED, LOADED]:
            raise RunError("a process failed")
        return time.monotonic() - started


def load_half(address: str, connections: int, number: int) -> None:
    """Load every window of one half once standard input is closed."""
    os.environ.update(storefront_settings(address, connections))
    order = build_order()
    middle = len(order.slices) // 2
    slices = order.slices[:middle] if number == 0 else order.slices[middle:]
    sys.stdout.write(READY)
    sys.stdout.flush()
    sys.stdin.read()
    for load in load_in_turn([replace(order, slices=part) for part in loads(order.resources[0], slices)]):
        if load.failed:
            raise RunError("a window could not be read")
    sys.stdout.write(LOADED)


if __name__ == "__main__":
    if sys.argv[1:]:
        load_half(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    else:
        main()

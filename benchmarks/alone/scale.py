"""The costs of the model on this machine, and real loads against it: ``python -m benchmarks.alone.scale``.

Takes two or three minutes, of which one is a wait for a rate limit. What else the machine does is in the costs, too.
"""

import os
import sys
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.peers.answer import timed
from benchmarks.peers.settings import storefront_settings
from benchmarks.peers.step import build_order
from benchmarks.scale import COSTS, Api, Costs, first_load
from benchmarks.server import serving
from connectors_dagster.load.pipeline import loading

ROWS, FEW = 20_000, 3_600
PLAIN = Api(rows=ROWS, latency=0.0, workers=1)
CHECKED = (
    Api(rows=ROWS, latency=0.0, workers=4),
    Api(rows=ROWS, latency=0.05, workers=4),
    Api(rows=ROWS, latency=0.05, workers=16),
    Api(rows=FEW, latency=0.5, workers=2),
    Api(rows=FEW, latency=0.0, workers=4, per_minute=20),
)
LOADS = 1
"""A step without Dagster loads all windows at once."""


def main() -> None:
    """Print the costs, and for each load the seconds that it took and those that the model says."""
    with serving(ROWS) as many, serving(FEW) as few:
        address = {ROWS: many, FEW: few}
        costs = calibrate(address)
        sys.stdout.write(f"{costs}\n")
        [[usual, _, _]] = measure(PLAIN, many)
        for api in CHECKED:
            # Other programs change the speed of the machine from one minute to the next.
            [[now, _, _]] = measure(PLAIN, many)
            [[took, _, _]] = measure(api, address[api.rows])
            found = first_load(api, slower(costs, now / usual))
            predicted = found.seconds - costs.load * now / usual * (found.loads - LOADS)
            sys.stdout.write(f"{api}: {took:.1f} s, predicted {predicted:.1f} s, {predicted / took - 1:+.0%}\n")


def slower(costs: Costs, factor: float) -> Costs:
    """Return the costs on a machine that takes longer by a factor."""
    return Costs(**{name: value * factor for name, value in asdict(costs).items()})


def calibrate(address: dict[int, str]) -> Costs:
    """Measure the costs by two loads of many and of few rows each: the second ones find all keys in the table."""
    few, many = Api(rows=FEW, latency=0.0, workers=1), PLAIN
    measure(few, address[FEW])  # imports, and compiles
    (_, read_few, load_few), _ = measure(few, address[FEW], times=2)
    (_, read, append), (_, _, merge) = measure(many, address[ROWS], times=2)
    requests = first_load(many, COSTS).requests
    row = max(append - load_few, 0.0) / (ROWS - FEW)
    window = read_few / few.windows - COSTS.request
    return Costs(
        run=0.0,
        load=load_few - row * FEW,
        window=window,
        request=COSTS.request,
        read_row=(read - requests * COSTS.request - many.windows * window) / ROWS,
        append_row=row,
        merge_row=row + (merge - append) / ROWS,
    )


def measure(api: Api, address: str, *, times: int = 1) -> list[tuple[float, float, float]]:
    """Load everything some times into one file; returns the seconds of each load, of its reading and of the rest."""
    home, found = Path.cwd(), []
    os.environ |= storefront_settings(f"{address}/{round(api.latency * 1000)}", api.workers)
    os.environ["SOURCES__STOREFRONT__REQUESTS_PER_MINUTE"] = str(api.per_minute or 1_000_000)
    with TemporaryDirectory() as folder:
        os.chdir(folder)
        for _ in range(times):
            with timed() as part, loading(build_order()) as load:
                errors = load.outcomes["orders"].errors
            if errors:
                raise errors[0]
            found.append((part["seconds"], load.seconds["extract"], part["seconds"] - load.seconds["extract"]))
        os.chdir(home)
    return found


if __name__ == "__main__":
    main()

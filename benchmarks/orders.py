"""The orders that all programs load: made once, and kept as the bytes of the responses."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import timedelta
from random import Random

import orjson

from benchmarks.task import last_change
from connectors_dagster.sandbox.rows import storefront
from connectors_dagster.sandbox.rows.draw import Recipe
from connectors_dagster.sandbox.rows.storefront_orders import order
from connectors_dagster.sandbox.rows.timeline import Life

SEED = 7
LONGEST_LIFE = 20 * 24 * 3600


class Orders:
    """Orders with ids from 1, in order of their last change, spread evenly over all windows."""

    def __init__(self, rows: int) -> None:
        """Make that many orders of about 2 KB each."""
        self._changes = array("q")
        self._edges = array("Q", [0])
        self._bytes = bytearray()
        for change, row in _make(rows):
            self._changes.append(change)
            self._bytes += row + b","
            self._edges.append(len(self._bytes))

    def page(self, first: int, last: int) -> memoryview:
        """Return the orders from `first` to `last`, exclusive, separated by commas."""
        start, end = self._edges[first], self._edges[last]
        return memoryview(self._bytes)[start : max(start, end - 1)]

    def between(self, after: int | None, before: int | None) -> tuple[int, int]:
        """Find the orders changed between two bounds, both exclusive, in seconds since 1970."""
        first = 0 if after is None else bisect_right(self._changes, after)
        last = len(self._changes) if before is None else bisect_left(self._changes, before)
        return first, max(first, last)


def _make(rows: int) -> Iterator[tuple[int, bytes]]:
    dice = Random(SEED)
    shop = storefront.build_rows(Recipe(scale=0.1, seed=SEED))
    for number in range(rows):
        updated = last_change(number, rows)
        life = Life(updated - timedelta(seconds=dice.randrange(LONGEST_LIFE)), updated)
        customer, coupon = dice.choice(shop["customers"]), dice.choice(shop["coupons"])
        row = order(dice, number + 1, life=life, customer=customer, coupon=coupon)
        yield int(updated.timestamp()), orjson.dumps(row)

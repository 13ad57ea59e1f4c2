"""The rows that all programs load: made once, and kept as the bytes of the responses."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from mmap import ACCESS_READ, mmap
from random import Random
from tempfile import TemporaryFile
from typing import Any

import orjson

from benchmarks.shapes import CURSOR, Shape
from benchmarks.task import FORMAT, last_change
from connectors_dagster.sandbox.rows import storefront
from connectors_dagster.sandbox.rows.draw import Recipe
from connectors_dagster.sandbox.rows.storefront_orders import order
from connectors_dagster.sandbox.rows.timeline import Life

SEED = 7
LONGEST_LIFE = 20 * 24 * 3600
LINES = 62
"""Of a deep order: with them it has about 20 KB."""
REASONS = ("sold", "returned", "received", "counted")


class Rows:
    """The rows of a shape with ids from 1, in order of their last change, spread evenly over all windows.

    They are in a file without a name, because there may be more than the memory has room for.
    """

    def __init__(self, shape: Shape, rows: int) -> None:
        """Make that many rows."""
        self.shape, self.count = shape, rows
        self._changes = array("q")
        self._edges = array("Q", [0])
        with TemporaryFile() as file:
            for change, row in _make(shape, rows):
                self._changes.append(int(change.timestamp()))
                self._edges.append(self._edges[-1] + file.write(orjson.dumps(row) + b","))
            file.flush()
            self._bytes = memoryview(mmap(file.fileno(), 0, access=ACCESS_READ))

    def page(self, first: int, last: int) -> memoryview:
        """Return the rows from `first` to `last`, exclusive, separated by commas."""
        start, end = self._edges[first], self._edges[last]
        return self._bytes[start : max(start, end - 1)]

    def between(self, after: int | None, before: int | None) -> tuple[int, int]:
        """Find the rows changed between two bounds, both exclusive, in seconds since 1970."""
        first = 0 if after is None else bisect_right(self._changes, after)
        last = len(self._changes) if before is None else bisect_left(self._changes, before)
        return first, max(first, last)

    def children(self, parent: int) -> bytes:
        """Return the children of a row, separated by commas."""
        first = (parent - 1) * self.shape.children + 1
        return b",".join(orjson.dumps(_address(first + number, parent)) for number in range(self.shape.children))


def _make(shape: Shape, rows: int) -> Iterator[tuple[datetime, Mapping[str, Any]]]:
    dice = Random(SEED)
    shop = storefront.build_rows(Recipe(scale=0.1, seed=SEED))
    for number in range(rows):
        updated = last_change(number, rows)
        if shape.resource == "orders":
            life = Life(updated - timedelta(seconds=dice.randrange(LONGEST_LIFE)), updated)
            customer, coupon = dice.choice(shop["customers"]), dice.choice(shop["coupons"])
            row = order(dice, number + 1, life=life, customer=customer, coupon=coupon)
            yield updated, _deep(row) if shape.name == "deep" else row
        else:
            make = {"movements": _movement, "customers": _customer}[shape.resource]
            yield updated, {"id": number + 1, CURSOR: updated.strftime(FORMAT), **make(dice)}


def _deep(row: Mapping[str, Any]) -> Mapping[str, Any]:
    line = row["line_items"][0]
    return {**row, "line_items": [{**line, "id": line["id"] * LINES + number} for number in range(LINES)]}


def _movement(dice: Random) -> Mapping[str, Any]:
    return {
        "sku": f"SKU-{dice.randrange(100_000):06}-{dice.randrange(10)}",
        "warehouse_id": dice.randrange(20),
        "quantity": dice.randrange(-50, 50),
        "reason": dice.choice(REASONS),
        "reference": f"document {dice.getrandbits(128):032x}",
    }


def _customer(dice: Random) -> Mapping[str, Any]:
    name = f"customer {dice.getrandbits(32):08x}"
    return {"name": name, "email": f"{name[-8:]}@example.com"}


def _address(number: int, parent: int) -> Mapping[str, Any]:
    return {"id": number, "customer_id": parent, "city": "Oslo", "street": f"Storgata {number}"}

"""Counts repeated keys by their hashes."""

from array import array
from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

FEW = 10_000
"""Of fewer keys, a set is made faster than Arrow is called: most lists of children have a handful."""


class KeyCounter:
    """The keys of many rows, in 8 bytes each.

    Two different keys with the same hash count as a repeated key. That is rare, and callers must tolerate it.
    """

    def __init__(self) -> None:
        """Start without keys."""
        self._hashes = array("q")

    def add(self, keys: Iterable[Hashable]) -> None:
        """Add keys."""
        self._hashes.extend(map(hash, keys))

    def __len__(self) -> int:
        """Count all keys, including repeated ones."""
        return len(self._hashes)

    def different(self) -> int:
        """Count the distinct keys."""
        if len(self) < FEW:
            return len(self.hashes())
        # Imported here because `connectors check` checks a page without loading Arrow.
        import pyarrow.compute as pc

        return int(pc.count_distinct(self._array()).as_py())

    def hashes(self) -> set[int]:
        """Return the hashes of all keys."""
        return set(self._hashes)

    def repeated(self) -> "pa.BooleanArray | None":
        """Mark, in the order they were added, the keys that were added more than once; None if there are none."""
        import pyarrow.compute as pc

        if self.different() == len(self):
            return None
        counts = pc.value_counts(self._array())
        several = counts.filter(pc.greater(counts.field("counts"), 1)).field("values")
        return pc.is_in(self._array(), value_set=several)

    def _array(self) -> "pa.Int64Array":
        import pyarrow as pa

        return pa.Array.from_buffers(pa.int64(), len(self._hashes), [None, pa.py_buffer(self._hashes)])

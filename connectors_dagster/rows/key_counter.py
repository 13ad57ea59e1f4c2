"""Counts repeated keys by their hashes."""

from array import array
from collections.abc import Hashable, Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

FEW, MANY = 10_000, 250_000
"""Of few keys, a set is made faster than Arrow is called: most lists of children have a handful. Many are counted in
parts, because Arrow takes ten times the memory of those that it counts at once."""


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

        return sum(int(pc.count_distinct(part).as_py()) for part in self._parts())

    def hashes(self) -> set[int]:
        """Return the hashes of all keys."""
        return set(self._hashes)

    def repeated(self) -> "pa.BooleanArray | None":
        """Mark, in the order they were added, the keys that were added more than once; None if there are none."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if self.different() == len(self):
            return None
        counts = [pc.value_counts(part) for part in self._parts()]
        several = [part.filter(pc.greater(part.field("counts"), 1)).field("values") for part in counts]
        return pc.is_in(self._array(), value_set=pa.concat_arrays(several))

    def _parts(self) -> "Iterator[pa.Int64Array]":
        """Yield the hashes in parts, equal ones in one part."""
        import pyarrow as pa
        import pyarrow.compute as pc

        hashes, parts = self._array(), 1 << (len(self) // MANY).bit_length()
        if parts == 1:
            yield hashes
            return
        slices = (hashes.slice(at, MANY) for at in range(0, len(hashes), MANY))
        last_bits = pa.concat_arrays([pc.bit_wise_and(slice_, parts - 1).cast(pa.uint16()) for slice_ in slices])
        for part in range(parts):
            yield hashes.filter(pc.equal(last_bits, part))

    def _array(self) -> "pa.Int64Array":
        import pyarrow as pa

        return pa.Array.from_buffers(pa.int64(), len(self._hashes), [None, pa.py_buffer(self._hashes)])

"""Which keys came more than once, told by their hashes."""

from array import array
from collections.abc import Hashable, Iterable


class KeyCounter:
    """The keys of many rows in 8 bytes each, however long they are.

    Two keys with the same hash count as one that came twice: it is rare, and nothing may depend on its being so.
    """

    def __init__(self) -> None:
        """Start with none."""
        self._hashes = array("q")

    def add(self, keys: Iterable[Hashable]) -> None:
        """Take note of keys."""
        self._hashes.extend(map(hash, keys))

    def __len__(self) -> int:
        """Count every key as often as it came."""
        return len(self._hashes)

    def different(self) -> int:
        """Count each key once."""
        # Imported here because a page is checked without Arrow, as `connectors check` does.
        import pyarrow as pa
        import pyarrow.compute as pc

        hashes = pa.Array.from_buffers(pa.int64(), len(self._hashes), [None, pa.py_buffer(self._hashes)])
        return int(pc.count_distinct(hashes).as_py())

    def repeated(self) -> int:
        """Count those that had come before."""
        return len(self) - self.different()

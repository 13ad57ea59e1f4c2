"""Memory that a load has freed: Arrow and the C library keep it for themselves, beside what the next one takes.

Of a parquet file with millions of rows, they keep a hundred megabytes: the descriptions of its row groups.
"""

import ctypes
import sys
from typing import Any

import pyarrow as pa


def return_freed_memory() -> None:
    """Give all memory that is free back to the system."""
    pa.default_memory_pool().release_unused()
    if sys.platform == "linux":
        library: Any = ctypes.CDLL(None)
        if hasattr(library, "malloc_trim"):  # only glibc has it
            library.malloc_trim(0)

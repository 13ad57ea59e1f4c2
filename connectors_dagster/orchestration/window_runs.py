"""How windows are divided into runs, and the windows of a run into loads."""

from collections.abc import Collection, Iterator, Sequence

from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.windows import Slice, Window

WINDOWS_PER_RUN = 120
"""So many that the start of a process hardly counts, and few enough that a run ends within a day."""
WINDOWS_PER_LOAD = 12
"""What a run reads before it loads and records that."""


def divide(root: Resource, windows: Sequence[Window], wanted: Collection[Window]) -> Iterator[tuple[Window, ...]]:
    """Group the wanted windows into runs of consecutive windows.

    A resource that the API cannot filter is scanned once per run, so its windows are only divided where one is not
    wanted.

    Args:
        root: the root of the family to load.
        windows: all windows that have started, in order.
        wanted: those to load.
    """
    size = WINDOWS_PER_RUN if root.filtered else len(windows)
    chunk: list[Window] = []
    for window in windows:
        if window in wanted:
            chunk.append(window)
        if chunk and (window not in wanted or len(chunk) == size):
            yield tuple(chunk)
            chunk = []
    if chunk:
        yield tuple(chunk)


def loads(root: Resource, slices: Sequence[Slice]) -> Sequence[Sequence[Slice]]:
    """Group the slices of a run into loads, oldest first: what has landed stays if the run is killed afterwards.

    There is one load if all slices share requests, or a program that is started for each load.

    Args:
        root: the root of the family to load.
        slices: those to read; a family without windows has none, and one load.
    """
    alone = root.bounded and not root.program and not any(slice_.unfiltered for slice_ in slices)
    size = WINDOWS_PER_LOAD if alone and slices else len(slices) or 1
    return [slices[at : at + size] for at in range(0, len(slices) or 1, size)]

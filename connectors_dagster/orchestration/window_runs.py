"""How windows are divided into runs."""

from collections.abc import Collection, Iterator, Sequence

from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.windows import Window

WINDOWS_PER_RUN = 12


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

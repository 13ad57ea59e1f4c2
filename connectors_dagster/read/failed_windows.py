"""The windows of a read that failed: the others are read to their end and loaded."""

from collections.abc import Collection, Iterator, Sequence
from typing import TypeVar

from connectors_dagster.errors import ApiError, caused_by, is_same_for_all
from connectors_dagster.read.concurrency import AbandonedError, end_waits
from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.windows import Slice, describe_windows

T = TypeVar("T")


class FailedWindows:
    """Keeps the error of each window that failed, so that it does not end the read of the others.

    Args:
        resource: what is read.
        slices: all slices of the read; None stands for a read without windows.
    """

    def __init__(self, resource: Resource, slices: Collection[Slice | None]) -> None:
        """Start without a failure."""
        self.resource, self.slices = resource, slices
        self.errors: dict[Slice | None, ApiError] = {}
        self._skipped: set[Slice] = set()
        self._stopped_by: ApiError | None = None

    def __contains__(self, slice_: object) -> bool:
        """Whether a slice failed."""
        return slice_ in self.errors

    def guard(self, slices: Sequence[Slice | None], pages: Iterator[T]) -> Iterator[T]:
        """Yield the pages of some slices; an error of the API is kept as the error of these slices.

        Raises:
            ApiError: no slice is left that could be loaded.
        """
        if self._stopped_by:
            self._skipped.update(slice_ for slice_ in slices if slice_)
            return
        try:
            yield from pages
        except ApiError as error:
            self.add(slices, error)
        except AbandonedError:
            if self._stopped_by is None:
                raise
            self._skipped.update(slice_ for slice_ in slices if slice_)

    def add(self, slices: Sequence[Slice | None], error: ApiError) -> None:
        """Keep the error of some slices, and decide whether to read others.

        Raises:
            ApiError: no slice is left that could be loaded.
        """
        self._add(slices, error)
        if not self.resource.merges_only_by_key or all(slice_ in self for slice_ in self.slices):
            raise error
        if is_same_for_all(error):
            self._stopped_by = self._stopped_by or error
            end_waits()

    def close(self) -> None:
        """Give the slices that were skipped an error of their own.

        Raises:
            ApiError: no slice was read well.
        """
        if self._stopped_by is None:
            return
        if self._skipped - self.errors.keys():
            skipped = describe_windows(slice_.window for slice_ in self._skipped if slice_ not in self)
            message = f"{self.resource} window {skipped}: not read, because other windows failed"
            error = caused_by([self._stopped_by], message)
            self._add(sorted(self._skipped), error)
        if all(slice_ in self for slice_ in self.slices):
            raise self._stopped_by

    def _add(self, slices: Sequence[Slice | None], error: ApiError) -> None:
        for slice_ in slices:
            self.errors.setdefault(slice_, error)

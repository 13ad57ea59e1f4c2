"""A program that reads the rows of a resource, instead of requests of this project."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from connectors_dagster.spec.placeholders import Setting


class Program(Protocol):
    """What reads the rows of a resource in a process of its own.

    It writes rows as lines of JSON, and asks before each request. `settings` has the placeholders that it needs.
    """

    @property
    def settings(self) -> Mapping[str, Any]:
        """What it is given, with placeholders."""

    @property
    def forks(self) -> bool:
        """Whether it takes the argument ``forks``: it then imports what it needs, and forks whenever it is asked."""

    def command(self) -> Sequence[str]:
        """Return how to start it; may install what it needs."""

    def job(self, values: Mapping[Setting, Any]) -> Mapping[str, Any]:
        """Return what it gets first, with the values of the placeholders."""

    def addresses(self, values: Mapping[Setting, Any]) -> Sequence[str]:
        """Return the addresses whose origins it may send requests to."""

    def running(self, values: Mapping[Setting, Any]) -> AbstractContextManager[None]:
        """Return a block in which the process runs; it may wait for others."""

    def keep(self, values: Mapping[Setting, Any], changes: Any) -> None:
        """Keep what the process says for the next one."""

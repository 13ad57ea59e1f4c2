"""A stream of a manifest that airbyte-cdk reads."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connectors_dagster.airbyte.manifest import Component
from connectors_dagster.cdk.configuration import Configuration
from connectors_dagster.cdk.environment import interpreter
from connectors_dagster.cdk.origins import addresses
from connectors_dagster.cdk.tokens import Changes, KeptTokens
from connectors_dagster.config.airbyte_engine import most_memory
from connectors_dagster.spec.placeholders import Setting

CHILD = Path(__file__).with_name("child.py")


@dataclass(frozen=True, kw_only=True)
class Python:
    """The connector's own Python: a file, and the names under which its manifest imports it."""

    file: Path
    names: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class CdkStream:
    """A program that reads one stream of a manifest with airbyte-cdk.

    Args:
        version: of airbyte-cdk that the manifest was written for.
        definition: the stream, with everything in its place.
        rest: what else of the manifest the stream needs.
        configuration: what Airbyte would be configured with.
        condition: which settings turn the stream on; None if all do.
        partitions: columns for what a row was requested for, each with its path in that; an empty path is all of it.
        copies: columns for what is inside of an object, each with its path.
        windows: whether windows are read, or always everything.
        granularity: how many seconds before the end of a window the last requested moment is.
        python: the connector's own Python, if it may run.
        token: where the configuration has a refresh token that is another one after each use.
    """

    version: str
    definition: Component
    rest: Mapping[str, Any]
    configuration: Configuration
    condition: str | None = None
    partitions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    copies: Mapping[str, Sequence[str]] = field(default_factory=dict)
    windows: bool = False
    granularity: float = 0.0
    python: Python | None = None
    token: tuple[str, ...] | None = None

    @property
    def settings(self) -> Mapping[str, Any]:
        """The placeholders of the configuration."""
        return self.configuration.settings

    @property
    def forks(self) -> bool:
        """Airbyte-cdk takes seconds to import."""
        return True

    def command(self) -> Sequence[str]:
        """Return how to start it; the environment is made if needed."""
        # Isolated: neither the current folder nor variables of the environment change what is imported.
        return (str(interpreter()), "-I", str(CHILD))

    def job(self, values: Mapping[Setting, Any]) -> Mapping[str, Any]:
        """Return what the process gets."""
        config = self.configuration.filled(values)
        return {
            "manifest": {"version": self.version, "type": "DeclarativeSource", **self.rest},
            "stream": self.definition,
            "config": kept.apply(config) if (kept := self._kept(config)) else config,
            "condition": self.condition,
            "partitions": self.partitions,
            "copies": self.copies,
            "windows": self.windows,
            "granularity": self.granularity,
            "memory": most_memory(),
            "python": self.python and {"file": str(self.python.file), "names": list(self.python.names)},
        }

    def addresses(self, values: Mapping[Setting, Any]) -> Sequence[str]:
        """Return the addresses that the stream and its parents are read from, and those for tokens."""
        return addresses(self.definition, self.configuration.filled(values))

    def running(self, values: Mapping[Setting, Any]) -> AbstractContextManager[None]:
        """Let no other process use the same refresh token, if it changes with each use."""
        kept = self._kept(self.configuration.filled(values))
        return kept.alone() if kept else nullcontext()

    def keep(self, values: Mapping[Setting, Any], changes: Changes) -> None:
        """Keep the tokens that the process was given, for the next one."""
        if kept := self._kept(self.configuration.filled(values)):
            kept.keep(changes)

    def _kept(self, config: Mapping[str, Any]) -> KeptTokens | None:
        found: Any = config
        for step in self.token or ():
            found = found.get(step) if isinstance(found, Mapping) else None
        return KeptTokens(token=found, path=self.token) if self.token and isinstance(found, str) else None

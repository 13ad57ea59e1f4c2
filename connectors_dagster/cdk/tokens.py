"""Refresh tokens that are other ones after each use: the newest is kept in a private file of the work folder."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from filelock import Timeout

from connectors_dagster.config.workdir import kept_secrets
from connectors_dagster.errors import TransientLoadError
from connectors_dagster.files.kept_secrets import REFRESH_TOKEN

OTHERS = "others"
USUAL = ("credentials", "refresh_token")
Changes = Sequence[tuple[Sequence[str], Any]]
"""Values of a configuration, each with its path."""


def path_of_token(component: Any) -> tuple[str, ...] | None:
    """Return where the configuration has the refresh token that changes with each use; None if there is none."""
    items = component.values() if isinstance(component, Mapping) else component if isinstance(component, list) else ()
    updater = component.get("refresh_token_updater") if isinstance(component, Mapping) else None
    if isinstance(updater, Mapping):
        return tuple(map(str, updater.get("refresh_token_config_path") or USUAL))
    return next((found for item in items if (found := path_of_token(item))), None)


@dataclass(frozen=True, kw_only=True)
class KeptTokens:
    """What became of a refresh token. Another token in the settings begins anew. Native streams use the same one.

    Args:
        token: the refresh token as it is configured.
        path: where the configuration has it.
    """

    token: str
    path: tuple[str, ...]

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let no other process use the token.

        Raises:
            TransientLoadError: another one has used it for too long.
        """
        try:
            held = kept_secrets().alone(self.token)
        except Timeout:
            raise TransientLoadError("another run uses the refresh token, which only one can use at a time") from None
        with held:
            yield

    def apply(self, config: dict[str, Any]) -> dict[str, Any]:
        """Return a configuration with what was kept."""
        kept = kept_secrets().read(self.token)
        for path, value in kept.get(OTHERS, ()):
            _put(config, path, value)
        if REFRESH_TOKEN in kept:
            _put(config, self.path, kept[REFRESH_TOKEN])
        return config

    def keep(self, changes: Changes) -> None:
        """Keep values for the next process; they are on disk when this returns."""
        newest = next((value for path, value in changes if tuple(path) == self.path), None)
        others = [(path, value) for path, value in changes if tuple(path) != self.path]
        kept_secrets().keep(self.token, {REFRESH_TOKEN: newest or self.token, OTHERS: others})


def _put(config: dict[str, Any], path: Sequence[str], value: Any) -> None:
    at = config
    for step in path[:-1]:
        at = at.setdefault(step, {})
    at[path[-1]] = value

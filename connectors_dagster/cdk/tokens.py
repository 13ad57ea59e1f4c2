"""Refresh tokens that are other ones after each use: the newest is kept in a private file of the work folder."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from connectors_dagster.config.timeouts import siblings_timeout
from connectors_dagster.config.workdir import work_subfolder
from connectors_dagster.errors import TransientLoadError
from connectors_dagster.files.cache_files import acquire
from connectors_dagster.files.private_files import private_files

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
    """What became of a refresh token. Another token in the settings begins anew.

    Args:
        token: the refresh token as it is configured.
    """

    token: str

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let no other process use the token.

        Raises:
            TransientLoadError: another one has used it for too long.
        """
        try:
            held = acquire(FileLock(self._file.with_suffix(".lock"), timeout=siblings_timeout()), within=self._folder)
        except Timeout:
            raise TransientLoadError("another run uses the refresh token, which only one can use at a time") from None
        with held:
            yield

    def apply(self, config: dict[str, Any]) -> dict[str, Any]:
        """Return a configuration with what was kept."""
        try:
            changes: Changes = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return config
        for path, value in changes:
            _put(config, path, value)
        return config

    def keep(self, changes: Changes) -> None:
        """Keep values for the next process; they are on disk when this returns."""
        draft = self._file.with_suffix(".new")
        with private_files():
            draft.write_text(json.dumps(changes), encoding="utf-8")
            draft.replace(self._file)

    @property
    def _folder(self) -> Path:
        return work_subfolder("airbyte", "tokens")

    @property
    def _file(self) -> Path:
        return self._folder / f"{hashlib.sha256(self.token.encode()).hexdigest()[:24]}.json"


def _put(config: dict[str, Any], path: Sequence[str], value: Any) -> None:
    at = config
    for step in path[:-1]:
        at = at.setdefault(step, {})
    at[path[-1]] = value

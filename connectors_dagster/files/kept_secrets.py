"""What takes the place of secrets in the settings, such as newer refresh tokens: private files of the work folder."""

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from connectors_dagster.files.cache_files import acquire
from connectors_dagster.files.private_files import private_files

REFRESH_TOKEN = "refresh_token"
"""The name under which the newest refresh token is kept, whoever has received it; OAuth2 calls it the same."""


@dataclass(frozen=True, kw_only=True)
class KeptSecrets:
    """Files that only their owner can read, one for each secret of the settings. Another secret there begins anew.

    Args:
        folder: where the files are.
        timeout: how many seconds to wait for another thread or process.
    """

    folder: Path
    timeout: float

    def alone(self, configured: str) -> AbstractContextManager[object]:
        """Let no other thread or process use what is kept for a secret until the result is released.

        Raises:
            Timeout: another one uses it for too long.
            OSError: the folder cannot be written.
        """
        lock = FileLock(self._file(configured).with_suffix(".lock"), timeout=self.timeout)
        return acquire(lock, within=self.folder)

    def read(self, configured: str) -> Mapping[str, Any]:
        """Return what is kept for a secret; nothing if there is nothing that can be read."""
        try:
            found = json.loads(self._file(configured).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def keep(self, configured: str, kept: Mapping[str, Any]) -> None:
        """Keep JSON values for a secret in the place of those before; they are on disk when this returns.

        Raises:
            OSError: the file cannot be written.
        """
        draft = self._file(configured).with_suffix(".new")
        with private_files(), draft.open("w", encoding="utf-8") as file:
            json.dump(kept, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._file(configured))

    def _file(self, configured: str) -> Path:
        return self.folder / f"{hashlib.sha256(configured.encode()).hexdigest()[:24]}.json"

"""Writes settings into a TOML file without changing anything else in it, comments included."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from connectors_dagster.errors import SettingError
from connectors_dagster.files.private_files import private_files

OWNER_ONLY = 0o600


def write_settings(file: Path, settings: Mapping[str, Any], *, secret: bool = False) -> None:
    """Set values by their path, such as ``sources.storefront.base_url``; the file is replaced as a whole.

    A new file can be read by its owner only. So can one with secrets, whatever it was before.

    Raises:
        SettingError: the file is not TOML, or has a value where a section must be; it is not changed.
    """
    target = file.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    written = target.read_text(encoding="utf-8") if target.exists() else ""
    try:
        document = tomlkit.parse(written)
        for path, value in settings.items():
            *sections, key = path.split(".")
            _section(document, sections)[key] = value
    except (TOMLKitError, TypeError, AttributeError) as error:
        # The message of the parser could quote a secret.
        line = getattr(error, "line", None)
        where = f", line {line}" if line else ""
        raise SettingError(f"{file}{where}: cannot be changed, because it is not the TOML it should be") from None
    mode = target.stat().st_mode & 0o777 if target.exists() and not secret else OWNER_ONLY
    _replace(target, tomlkit.dumps(document), mode)


def _section(document: Any, names: list[str]) -> Any:
    for name in names:
        if name not in document:
            document[name] = tomlkit.table(is_super_table=name != names[-1])
        document = document[name]
    return document


def _replace(target: Path, text: str, mode: int) -> None:
    with private_files():
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
        draft.chmod(mode)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)

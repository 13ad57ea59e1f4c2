"""The folder of a component that reads a manifest: its files, and its attributes."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

MANIFEST, OTHERS = "manifest.yaml", ("components.py",)
TYPE = "connectors_dagster.AirbyteManifest"


def write_component(folder: Path, manifest: Path, attributes: Mapping[str, Any], *, kind: str = TYPE) -> None:
    """Copy a manifest and the files beside it that it may need, and write a `defs.yaml` for it.

    Args:
        folder: of the component; it may be there already.
        manifest: the file, or its folder.
        attributes: of the component.
        kind: the type of the component.
    """
    file = manifest / MANIFEST if manifest.is_dir() else manifest
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(file, folder / MANIFEST)
    copy_others(file.parent, folder)
    text = yaml.safe_dump({"attributes": {**attributes, "manifest": MANIFEST}}, sort_keys=False, allow_unicode=True)
    (folder / "defs.yaml").write_text(f"type: {kind}\n\n{text}", encoding="utf-8")


def copy_others(source: Path, folder: Path) -> None:
    """Copy the files beside a manifest that it may need into another folder."""
    for name in OTHERS:
        if (source / name).is_file():
            shutil.copy(source / name, folder / name)
    if (schemas := source / "schemas").is_dir():
        shutil.copytree(schemas, folder / "schemas", dirs_exist_ok=True)

"""The time and memory to load many manifests of Airbyte: ``python -m benchmarks.alone.manifests FOLDER``."""

import shutil
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

import dagster as dg  # noqa: TID251  # what is measured is how Dagster loads
import yaml

from benchmarks.measure import MAXRSS_UNIT
from benchmarks.peers.answer import say, timed

PROJECT = "many_manifests"
PYPROJECT = f"""\
[project]
name = "{PROJECT}"
version = "0"

[tool.dg]
directory_type = "project"

[tool.dg.project]
root_module = "{PROJECT}"
"""
LOAD = "from benchmarks.alone.manifests import load; load()"


def main(manifests: Path) -> None:
    """Make a project with a component for each manifest that has a native stream, and load it in a new process."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
        defs = Path(folder) / PROJECT / "defs"
        defs.mkdir(parents=True)
        for package in (defs.parent, defs):
            (package / "__init__.py").touch()
        for file in sorted(manifests.glob("*/manifest.yaml")):
            if has_native_streams(file):
                add(defs, file)
        subprocess.run([sys.executable, "-W", "ignore", "-c", LOAD], cwd=folder, check=True)


def has_native_streams(file: Path) -> bool:
    """Return whether anything of a manifest can be loaded without airbyte-cdk."""
    from connectors_dagster.airbyte.manifest import read_manifest
    from connectors_dagster.airbyte.translation import translate

    return translate(read_manifest(file)).connector is not None


def add(defs: Path, file: Path) -> None:
    """Add the component of a manifest, with the files beside it."""
    name = f"m_{file.parent.name.removeprefix('source-').replace('-', '_')}"[:40].rstrip("_")
    shutil.copytree(file.parent, defs / name)
    component = {"type": "connectors_dagster.AirbyteManifest", "attributes": {"name": name}}
    (defs / name / "defs.yaml").write_text(yaml.safe_dump(component), encoding="utf-8")


def load() -> None:
    """Load the project in this folder as Dagster's code server does, and print the figures."""
    sys.path.insert(0, ".")
    with timed() as imports:
        import_module("connectors_dagster.orchestration.manifest_component")
    with timed() as loading:
        repository = dg.load_from_defs_folder(path_within_project=Path.cwd()).get_repository_def()
    say(
        {
            "seconds of CPU to import the component": imports["cpu"],
            "seconds to load the definitions": loading["seconds"],
            "seconds of CPU to load the definitions": loading["cpu"],
            "peak MB": getrusage(RUSAGE_SELF).ru_maxrss * MAXRSS_UNIT / 1e6,
            "connectors": len(repository.get_all_jobs()) - 1,  # and the job of all assets
            "assets": len(repository.asset_graph.get_all_asset_keys()),
            "checks": len(repository.asset_graph.asset_check_keys),
        }
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))

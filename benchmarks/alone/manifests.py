"""The time and memory to load many manifests of Airbyte: ``python -m benchmarks.alone.manifests FOLDER``."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

import dagster as dg  # noqa: TID251  # what is measured is how Dagster loads
import yaml

from benchmarks.environment import ROOT
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
    """Make a project with a component for each manifest of which anything can be read, and load it in two processes.

    The first translates the manifests; the second finds them translated, as all that come after it.
    """
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
        defs = Path(folder) / PROJECT / "defs"
        defs.mkdir(parents=True)
        for package in (defs.parent, defs):
            (package / "__init__.py").touch()
        for file in sorted(manifests.glob("*/manifest.yaml")):
            if can_be_read(file):
                add(defs, file)
        here = {**os.environ, "PYTHONPATH": str(ROOT)}
        for _ in range(2):
            subprocess.run([sys.executable, "-W", "ignore", "-c", LOAD], cwd=folder, env=here, check=True)


def can_be_read(file: Path) -> bool:
    """Return whether anything of a manifest can be read, by requests of this project or by airbyte-cdk."""
    from connectors_dagster.airbyte.manifest import read_manifest
    from connectors_dagster.cdk.translation import translate_with

    return translate_with(read_manifest(file)).connector is not None


def add(defs: Path, file: Path) -> None:
    """Add the component of a manifest, with the files beside it."""
    name = f"m_{file.parent.name.removeprefix('source-').replace('-', '_')}"[:40].rstrip("_")
    shutil.copytree(file.parent, defs / name)
    component = {"type": "connectors_dagster.AirbyteManifest", "attributes": {"name": name, "engine": "auto"}}
    (defs / name / "defs.yaml").write_text(yaml.safe_dump(component), encoding="utf-8")


def load() -> None:
    """Load the project in this folder as Dagster's code server does, and print the figures."""
    sys.path.insert(0, ".")
    with timed() as imports:
        import_module("connectors_dagster.orchestration.manifest_component")
    with timed() as loading:
        repository = dg.load_from_defs_folder(path_within_project=Path.cwd()).get_repository_def()
    peak = getrusage(RUSAGE_SELF).ru_maxrss * MAXRSS_UNIT / 1e6
    connectors = len(repository.get_all_jobs()) - 1  # and the job of all assets
    assets, checks = len(repository.asset_graph.get_all_asset_keys()), len(repository.asset_graph.asset_check_keys)
    say(
        {
            "seconds of CPU to import the component": imports["cpu"],
            "seconds to load the definitions": loading["seconds"],
            "seconds of CPU to load the definitions": loading["cpu"],
            "seconds of CPU to load as many plain ones": plain_seconds(connectors, assets, checks),
            "peak MB": peak,
            "connectors": connectors,
            "assets": assets,
            "checks": checks,
        }
    )


def plain_seconds(connectors: int, assets: int, checks: int) -> float:
    """Return the seconds of CPU that Dagster takes, in a new process, for as many assets without columns."""
    code = f"from benchmarks.alone.manifests import load_plain; load_plain({connectors}, {assets}, {checks})"
    command = [sys.executable, "-W", "ignore", "-c", code]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def load_plain(connectors: int, assets: int, checks: int) -> None:
    """Make definitions with a job, a schedule and a sensor for each connector, and print the seconds of CPU."""
    with timed() as loading:
        parts = [plain(number, assets // connectors, checks // connectors) for number in range(connectors)]
        dg.Definitions.merge(*parts).get_repository_def()
    sys.stdout.write(f"{loading['cpu']}\n")


def plain(number: int, assets: int, checks: int) -> dg.Definitions:
    """Return the definitions of one connector, each asset with an op of its own."""
    keys = [dg.AssetKey([f"c{number}", f"a{one}"]) for one in range(assets)]
    specs = [dg.AssetCheckSpec(f"k{one}", asset=keys[one % assets]) for one in range(checks)]
    job = dg.define_asset_job(f"job_{number}", selection=dg.AssetSelection.assets(*keys))

    @dg.multi_asset_check(name=f"checks_{number}", specs=specs, can_subset=True)
    def check() -> Iterator[dg.AssetCheckResult]:
        yield from ()

    @dg.sensor(name=f"sensor_{number}", job=job)
    def sensor() -> None:
        return None

    return dg.Definitions(
        assets=[dg.asset(key=key)(lambda: None) for key in keys],
        asset_checks=[check],
        jobs=[job],
        schedules=[dg.ScheduleDefinition(name=f"schedule_{number}", job=job, cron_schedule="0 * * * *")],
        sensors=[sensor],
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Runs a script once: in its own process and folder, without the settings of this machine."""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.environment import BASE, ROOT
from benchmarks.measure import Usage, measure
from benchmarks.peers.answer import ANSWER

TIMEOUT = 3600.0
PASSED_ON = ("PATH", "LANG", "LC_ALL")
PRIVATE = ("HOME", "TMPDIR", "AIRBYTE_LOGGING_ROOT")
QUIET = {"AIRBYTE_OFFLINE_MODE": "1", "DO_NOT_TRACK": "1", "RUNTIME__DLTHUB_TELEMETRY": "false"}


class RunError(Exception):
    """A script failed, or loaded the wrong rows."""


def run_script(
    name: str, python: str, command: Sequence[str], *, root: Path = ROOT, again: bool = False
) -> tuple[Mapping[str, float], Usage]:
    """Run ``python -m …`` with the modules of a checkout and return the figures it printed and its usage.

    If it is to run `again`, those of its second run in the same folder are returned.

    Raises:
        RunError: it failed or printed no figures; the message names the folder with its output.
    """
    folder = BASE / "run"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    program, environment = [python, "-m", *command], _environment(folder, root)
    usage = measure(program, folder=folder, environment=environment, timeout=TIMEOUT)
    if again and not usage.status:
        usage = measure(program, folder=folder, environment=environment, timeout=TIMEOUT)
    lines = (folder / "out").read_text(encoding="utf-8", errors="replace").splitlines()
    printed = [line.removeprefix(ANSWER) for line in lines if line.startswith(ANSWER)]
    if usage.status or not printed:
        raise RunError(
            f"{name}: ended with status {usage.status} after {usage.seconds:.0f} s; "
            f"its output is in {_keep(folder, name).relative_to(ROOT)}/out and err"
        )
    shutil.rmtree(folder)
    return json.loads(printed[-1]), usage


def _environment(folder: Path, root: Path) -> dict[str, str]:
    own = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return {**own, **QUIET, "PYTHONPATH": str(root), **dict.fromkeys(PRIVATE, str(folder))}


def _keep(folder: Path, name: str) -> Path:
    kept = folder.with_name("failed-" + name.replace(", ", "-").replace(" ", ""))
    shutil.rmtree(kept, ignore_errors=True)
    return folder.rename(kept)

"""This project at an earlier commit, as another program in the comparison."""

import subprocess
import tarfile
from dataclasses import replace
from io import BytesIO

import click

from benchmarks.entrants import ENTRANTS, Entrant
from benchmarks.environment import BASE, ROOT


def entrants_at(revision: str) -> list[Entrant]:
    """Return this project's entrants as they were at a commit, with the libraries of that commit.

    Raises:
        click.BadParameter: git does not know the commit.
    """
    archive = subprocess.run(["git", "archive", revision], cwd=ROOT, capture_output=True, check=False)
    if archive.returncode:
        raise click.BadParameter(f"{revision}: {archive.stderr.decode().strip()}", param_hint="--against")
    root = BASE / "revisions" / revision.replace("/", "-")
    with tarfile.open(fileobj=BytesIO(archive.stdout)) as files:
        files.extractall(root, filter="data")
    requirements = root.with_suffix(".txt")
    requirements.write_text(f"-c {root / 'constraints.txt'}\n-e {root}\n", encoding="utf-8")
    own = [entrant for entrant in ENTRANTS if entrant.name in {"step", "ours"}]
    return [
        replace(
            entrant,
            name=f"{entrant.name} at {revision}",
            label=f"{entrant.label}, at {revision}",
            requirements=requirements,
            root=root,
        )
        for entrant in own
    ]

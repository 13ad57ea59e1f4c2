"""The virtual environments of peers: created when first needed, and again when their requirements change."""

import subprocess
import sys
from pathlib import Path

import click

ROOT = Path(__file__).parent.parent
BASE = ROOT / ".benchmarks"


def python_of(requirements: Path | None) -> str:
    """Return the Python that runs a peer.

    Raises:
        subprocess.CalledProcessError: pip could not install it.
    """
    if requirements is None:
        return sys.executable
    folder = BASE / "environments" / requirements.stem
    python, installed = folder / "bin" / "python", folder / "installed.txt"
    wanted = requirements.read_text(encoding="utf-8")
    if not installed.exists() or installed.read_text(encoding="utf-8") != wanted:
        click.echo(f"installing {requirements.name}")
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        pip = [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check", "-r", str(requirements)]
        subprocess.run(pip, check=True)
        installed.write_text(wanted, encoding="utf-8")
    return str(python)

"""The command line in this process, with what it prints."""

import sys
from collections.abc import Callable
from io import StringIO

import click.testing
import pytest
from click.testing import CliRunner
from rich.console import Console

from connectors_dagster.cli import main, process, terminal


@pytest.fixture
def connectors(monkeypatch: pytest.MonkeyPatch) -> Callable[..., click.testing.Result]:
    """Run the command line in this process: ``connectors("run", "storefront").output``."""

    def run(*arguments: str, **more: str) -> click.testing.Result:
        shown = StringIO()
        monkeypatch.setattr(terminal, "out", Console(file=shown, soft_wrap=True, width=100))
        monkeypatch.setattr(process, "end", sys.exit)  # not at once
        result = CliRunner().invoke(main, arguments, **more)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        result.stdout_bytes = shown.getvalue().encode() + result.stdout_bytes
        result.output_bytes = shown.getvalue().encode() + result.output_bytes
        return result

    return run

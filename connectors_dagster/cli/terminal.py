"""Output for people: tables and progress bars on a terminal, plain lines elsewhere."""

import json
import logging
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from connectors_dagster.config.json_logs import JsonFormatter, json_handler, logs_are_json
from connectors_dagster.secrets.redaction import redact

OURS = "connectors_dagster"
READS = f"{OURS}.read.reader"
LEVELS = {"red": logging.ERROR, "yellow": logging.WARNING}
"""What a color means in a log."""


def _console() -> Console:
    # Dagster captures the streams of the process into its logs during a run; this output bypasses them.
    try:
        stream = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1, encoding="utf-8")
    except (OSError, ValueError):
        return Console(soft_wrap=True)
    return Console(file=stream, soft_wrap=True)


out = _console()


def say(text: str, *, style: str | None = None) -> None:
    """Print a line without markup; with JSON logs, as one of them."""
    if writes_json():
        text, style = _as_json(text, LEVELS.get(style or "", logging.INFO)), None
    out.print(redact(text), style=style, markup=False, highlight=False)


def say_beside(texts: Iterable[object]) -> None:
    """Print lines beside JSON: on standard error."""
    for text in texts:
        click.echo(redact(str(text)), err=True)


def log_as_configured() -> None:
    """Write the log of this process as JSON, if it is configured, else only its warnings."""
    root = logging.getLogger()
    if logs_are_json():
        root.handlers = [json_handler()]
    elif not root.handlers and logging.lastResort:
        # What Python does without a handler. Else it adds another one as soon as somebody, such as `dagster-postgres`
        # while it waits for its server, warns without a logger: each line of progress would be written twice.
        root.addHandler(logging.lastResort)


def writes_json() -> bool:
    """Return whether this process writes its log as JSON."""
    return any(isinstance(handler.formatter, JsonFormatter) for handler in logging.getLogger().handlers)


def end_with_error(error: click.ClickException) -> NoReturn:
    """End the process with an error; with JSON logs, it is a line of them."""
    if not writes_json():
        raise error
    click.echo(_as_json(error.format_message(), logging.ERROR), err=True)
    sys.exit(error.exit_code)


def show_json(value: object) -> None:
    """Print a value as JSON, and nothing else; secrets in its texts are masked."""
    out.print(redact(json.dumps(value, indent=2, default=str, ensure_ascii=False)), markup=False, highlight=False)


def show_table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table; without a terminal, print aligned plain lines."""
    texts = [[f"{cell:,}" if isinstance(cell, int) else redact(str(cell)) for cell in row] for row in rows]
    right = [all(isinstance(row[index], int | float) for row in rows) and bool(rows) for index in range(len(heads))]
    if out.is_terminal and not writes_json():
        table = Table(*heads)
        for column, number in zip(table.columns, right, strict=True):
            column.justify = "right" if number else "left"
        for text in texts:
            table.add_row(*text)
        out.print(table)
        return
    widths = [max(len(text[index]) for text in [list(heads), *texts]) for index in range(len(heads))]
    for text in [list(heads), *texts]:
        cells = zip(text, widths, right, strict=True)
        say("  ".join(cell.rjust(width) if number else cell.ljust(width) for cell, width, number in cells).rstrip())


@contextmanager
def show_reads(total: int) -> Iterator[None]:
    """Show each finished read of a window, and each warning, while a load runs.

    Args:
        total: the number of reads.
    """
    log, handler = logging.getLogger(OURS), _Reads(total)
    level, beside = log.level, logging.lastResort or logging.NullHandler()
    log.setLevel(logging.INFO)
    if not writes_json():  # else the handler of the process writes everything
        log.addHandler(handler)
        beside.addFilter(_is_of_others)
    try:
        with handler.progress if out.is_terminal and not writes_json() else _nothing():
            yield
    finally:
        beside.removeFilter(_is_of_others)
        log.removeHandler(handler)
        log.setLevel(level)


def _is_of_others(record: logging.LogRecord) -> bool:
    """Return whether a library logged this: what we log is already shown."""
    return record.name.partition(".")[0] != OURS


class _Reads(logging.Handler):
    def __init__(self, total: int) -> None:
        super().__init__()
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
        )
        times = (TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
        self.progress = Progress(*columns, *times, console=out, transient=True)
        self.task = self.progress.add_task("starting", total=total, speed="")
        self.rows, self.started = 0, time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if not out.is_terminal:
            say(text)
        elif record.name == READS:
            self.rows += int(str(record.args[1])) if isinstance(record.args, tuple) else 0
            self.progress.update(self.task, advance=1, description=text.partition(":")[0], speed=self._speed())
        else:
            self.progress.console.print(text, markup=False, highlight=False)

    def _speed(self) -> str:
        seconds = max(time.monotonic() - self.started, 0.001)
        return f"{self.rows:,} rows, {self.rows / seconds:,.0f}/s"


def _as_json(text: str, level: int) -> str:
    return JsonFormatter().format(logging.LogRecord("connectors_dagster.cli", level, "", 0, text, (), None))


@contextmanager
def _nothing() -> Iterator[None]:
    yield

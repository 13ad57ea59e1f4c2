"""What a load shows while it runs."""

import logging
from io import StringIO

from rich.console import Console

from connectors_dagster.cli import terminal
from connectors_dagster.read import reader


def test_progress_shows_reads_rows_and_speed(monkeypatch):
    shown = StringIO()
    console = Console(file=shown, force_terminal=True, width=140)
    monkeypatch.setattr(terminal, "out", console)
    with terminal.show_reads(2):
        reader.logger.info("%s: %d rows on %d pages, %d retries", "storefront/orders", 1200, 12, 0)
        [handler] = [one for one in logging.getLogger("connectors_dagster").handlers if hasattr(one, "progress")]
        handler.progress.refresh()
    said = shown.getvalue()
    assert "storefront/orders" in said and "1/2" in said and "1,200 rows, " in said


def test_numbers_that_are_given_as_text_have_no_separators(monkeypatch):
    shown = StringIO()
    monkeypatch.setattr(terminal, "out", Console(file=shown))
    terminal.show_table(("id", "rows"), [("1001", 1001)])
    assert shown.getvalue().splitlines()[1].split() == ["1001", "1,001"]

"""What a load shows while it runs."""

import logging
from decimal import Decimal
from io import StringIO

from rich.console import Console

from connectors_dagster.cli import terminal
from connectors_dagster.cli.rows import readable
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


def test_a_warning_of_a_load_is_written_once_and_others_still_are(monkeypatch, capsys):
    shown = StringIO()
    monkeypatch.setattr(terminal, "out", Console(file=shown, soft_wrap=True))
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    terminal.log_as_configured()
    with terminal.show_reads(1):
        reader.logger.warning("storefront/orders: retry 1 of 5")
        logging.getLogger("dagster_postgres").warning("no connection")
    reader.logger.warning("storefront/orders: after all")
    said = shown.getvalue() + capsys.readouterr().err
    assert [said.count(text) for text in ("retry 1 of 5", "no connection", "after all")] == [1, 1, 1]


def test_numbers_that_are_given_as_text_have_no_separators(monkeypatch):
    shown = StringIO()
    monkeypatch.setattr(terminal, "out", Console(file=shown))
    terminal.show_table(("id", "rows"), [("1001", 1001)])
    assert shown.getvalue().splitlines()[1].split() == ["1001", "1,001"]


def test_decimals_are_shown_without_the_zeros_that_only_their_column_has():
    shown = [readable(Decimal(text)) for text in ("676.310000000", "10.000000000", "0E-9", "1E+3", "-0.50")]
    assert shown == ["676.31", "10", "0", "1000", "-0.5"]

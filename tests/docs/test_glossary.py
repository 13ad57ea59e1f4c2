"""The glossary has what Dagster records."""

from pathlib import Path

from connectors_dagster.http.read_stats import ReadStats
from connectors_dagster.orchestration.glossary import FIELDS, fields_glossary
from connectors_dagster.orchestration.metadata import COUNTS, in_order

PAGE = (Path(__file__).parents[2] / "docs" / "glossary.md").read_text(encoding="utf-8")


def test_the_page_and_the_ui_explain_every_field_alike():
    assert str(fields_glossary().md_str) in PAGE
    assert set(COUNTS) <= set(FIELDS)
    assert set(vars(ReadStats())) - {"keys", "waited", "clock_lag", "untyped"} <= set(FIELDS)


def test_fields_are_in_the_order_of_the_glossary_and_those_of_dagster_last():
    mixed = dict.fromkeys(["dagster/row_count", "load_id", "pages", "preview", "complete", "rows"])
    assert list(in_order(mixed)) == ["rows", "complete", "preview", "pages", "load_id", "dagster/row_count"]

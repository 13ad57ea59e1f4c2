"""Missing limits of pools are said when the code loads, without opening the instance."""

import logging
from pathlib import Path

import pytest

from connectors_dagster import build_definitions, load_connectors

LIMITED = "concurrency: {pools: {default_limit: 1, granularity: op}}\n"
OF_POSTGRES = "storage: {postgres: {postgres_url: 'postgresql://nobody@127.0.0.1:9/none'}}\n"


def said(caplog: pytest.LogCaptureFixture, home: Path, text: str | None) -> list[str]:
    """Load two connectors where the instance has this `dagster.yaml`."""
    home.mkdir()
    if text is not None:
        (home / "dagster.yaml").write_text(text)
    before = sorted(home.iterdir())
    with caplog.at_level(logging.WARNING, logger="connectors_dagster"):
        for name in ("storefront", "billing"):
            build_definitions(load_connectors()[name])
    assert sorted(home.iterdir()) == before
    return [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize(
    "text", ["telemetry: {enabled: false}\n", OF_POSTGRES, LIMITED.replace("1", "2"), "concurrency:\n", ""]
)
def test_a_dagster_yaml_that_does_not_limit_pools_is_named_once(caplog, project, text):
    [warning] = said(caplog, project / ".dagster", text)
    assert f"{project / '.dagster' / 'dagster.yaml'} does not set concurrency.pools.default_limit to 1" in warning


@pytest.mark.parametrize(
    "text",
    [
        LIMITED,
        OF_POSTGRES + LIMITED,
        "concurrency: {default_op_concurrency_limit: 1}\n",
        "instance_class: {module: somewhere, class: Else}\n",
        "concurrency: [",
        "a text\n",
        None,
    ],
)
def test_nothing_is_said_about_limited_pools_and_about_what_only_dagster_knows(caplog, project, text):
    assert said(caplog, project / ".dagster", text) == []


def test_nothing_is_said_without_an_instance(caplog, project, monkeypatch):
    monkeypatch.delenv("DAGSTER_HOME")
    assert said(caplog, project / ".dagster", "telemetry: {enabled: false}\n") == []

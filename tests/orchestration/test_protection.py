"""What keeps runs apart and is missing is said when the code loads, without opening the instance."""

import logging
from pathlib import Path

import pytest

from connectors_dagster import build_definitions, load_connectors
from connectors_dagster.orchestration import protection

LIMITED = "concurrency: {pools: {default_limit: 1, granularity: op}}\n"
OF_POSTGRES = "storage: {postgres: {postgres_url: 'postgresql://nobody@127.0.0.1:9/none'}}\n"


@pytest.fixture(autouse=True)
def nothing_said() -> None:
    """Forget what another test of this process was told."""
    protection._warn.cache_clear()


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


ELSEWHERE = "dagster_celery:celery_executor"
LAUNCHER = "run_launcher: {module: dagster_k8s, class: K8sRunLauncher}\n"
LOCKS, LIMITS = "postgresql://keeper@127.0.0.1:9/none", "redis://127.0.0.1:9/0"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, ["CONNECTORS__DESTINATION", "CONNECTORS__REQUEST_LIMITS"]),
        ({"DESTINATION": "bigquery"}, ["CONNECTORS__LOCKS", "CONNECTORS__REQUEST_LIMITS"]),
        ({"DESTINATION": "bigquery", "LOCKS": LOCKS}, ["CONNECTORS__REQUEST_LIMITS"]),
        ({"DESTINATION": "postgres"}, ["CONNECTORS__REQUEST_LIMITS"]),
        ({"DESTINATION": "postgres", "REQUEST_LIMITS": LIMITS}, []),
    ],
)
@pytest.mark.parametrize("why", [ELSEWHERE, "dagster_k8s", "DAGSTER_CLOUD_DEPLOYMENT_NAME"])
def test_what_several_machines_do_not_share_is_said_once_with_the_setting(
    caplog, project, monkeypatch, why, settings, words
):
    if why == ELSEWHERE:
        monkeypatch.setenv("CONNECTORS__EXECUTOR", why)
    elif why.isupper():
        monkeypatch.setenv(why, "prod")
    for name, value in settings.items():
        monkeypatch.setenv(f"CONNECTORS__{name}", value)
    warnings = said(caplog, project / ".dagster", LIMITED + (LAUNCHER if why == "dagster_k8s" else ""))
    assert len(warnings) == len(words)
    for word, warning in zip(words, warnings, strict=True):
        assert f"et {word} to " in warning and why in warning


def test_nothing_is_said_about_several_machines_where_runs_are_on_one(caplog, project, monkeypatch):
    monkeypatch.setenv("CONNECTORS__EXECUTOR", "dagster:in_process_executor")
    launcher = "run_launcher: {module: dagster.core.launcher, class: DefaultRunLauncher}\n"
    assert said(caplog, project / ".dagster", LIMITED + launcher) == []

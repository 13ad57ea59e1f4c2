"""With dlt's `runtime.log_format`, everything that commands and runs log is a line of JSON, with secrets masked."""

import json
import logging
import os
import subprocess
import sys

import pytest
from dagster._core.execution import context_creation_job

from connectors_dagster.cli.dev import ui_command
from connectors_dagster.cli.terminal import log_as_configured
from connectors_dagster.definitions import defs
from connectors_dagster.sandbox import CREDENTIALS
from tests.support.leaks import leaks
from tests.support.rows import order

KEY = CREDENTIALS["catalog"]["api_key"]


@pytest.fixture
def json_logs(monkeypatch, shipped_configuration):
    monkeypatch.setenv("RUNTIME__LOG_FORMAT", "JSON")
    root = logging.getLogger()
    handlers = list(root.handlers)
    monkeypatch.setattr(context_creation_job, "default_system_loggers", context_creation_job.default_system_loggers)
    yield
    root.handlers = handlers


def lines(text: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_run_logs_its_reads_and_its_result_as_json(json_logs, api, connectors):
    api.set("storefront/orders", [order(1, "2024-01-05T00:00:00")])
    result = connectors("run", "storefront/orders", "--to", "2024-01-20")
    found = lines(result.stdout) + lines(result.stderr)
    assert all(line["written_at"] and line["level"] and line["logger"] for line in found)
    said = [line["msg"] for line in found]
    assert any("storefront/orders window 2024-01-01: 1 row on 1 page" in text for text in said)
    assert any(text.split()[:3] == ["storefront/orders", "1", "1"] for text in said)


def test_errors_are_lines_of_json_with_secrets_masked(json_logs, api, connectors, monkeypatch):
    api.answer("/resource", 401, {"error": f"wrong key {KEY}"})
    result = connectors("run", "catalog/ecommerce_data")
    assert result.exit_code == 1
    said = lines(result.stdout) + lines(result.stderr)
    assert any("***" in line["msg"] for line in said if line["level"] == "ERROR")
    assert leaks(result.output, [KEY]) == []
    unknown = connectors("run", "nothing")
    assert unknown.exit_code == 1 and lines(unknown.stderr)[-1]["level"] == "ERROR"
    assert connectors("run", "--no-such-option").exit_code == 2


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [("RUNTIME__LOG_LEVEL", "info", "Unknown level: 'info'"), ("RUNTIME__LOG_FORMAT", "json", "invalid format")],
)
def test_a_setting_of_the_log_that_dlt_cannot_use_is_one_line(project, name, value, said):
    command = [sys.executable, "-m", "connectors_dagster.cli", "list"]
    done = subprocess.run(command, env={**os.environ, name: value}, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    [line] = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert "Traceback" not in done.stderr
    assert name in line and said in line and "JSON" in line


def test_a_run_of_dagster_logs_json_with_its_run_and_step(json_logs, api, instance, capfd):
    api.answer("/resource", 401, {"error": f"wrong key {KEY}"})
    run = defs().resolve_job_def("catalog").execute_in_process(instance=instance, raise_on_error=False)
    text = capfd.readouterr().err
    found = [line for line in lines(text) if line.get("run_id") == run.run_id]
    assert "ERROR" in {line["level"] for line in found}
    assert any("ecommerce_data" in line.get("step_key", "") for line in found)
    assert leaks(text, [KEY]) == []


def test_the_ui_gets_the_option_of_dagster(json_logs, project, monkeypatch):
    assert ui_command(3000)[-2:] == ["--log-format", "json"]
    monkeypatch.setenv("RUNTIME__LOG_FORMAT", "{message}")
    assert "json" not in ui_command(3000)


def test_a_warning_without_a_logger_does_not_let_the_progress_be_written_twice(monkeypatch, capsys, project):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    progress = logging.getLogger("connectors_dagster.read.reader")
    monkeypatch.setattr(progress, "level", logging.INFO)
    log_as_configured()
    logging.warning("no connection")  # as `dagster-postgres` does
    progress.info("storefront/orders: 3 rows")
    said = capsys.readouterr().err
    assert said.count("no connection") == 1 and "3 rows" not in said

"""The command line, run as people run it."""

import subprocess
import sys
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from connectors_dagster.cli import main, terminal
from connectors_dagster.cli.run import RunOptions, materialize
from connectors_dagster.orchestration.location import enabled_connectors
from connectors_dagster.sandbox import environment
from tests.support.rows import order


def connectors(*arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run the command line in its own process."""
    command = [sys.executable, "-m", "connectors_dagster.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout)


@pytest.mark.journey
def test_list_names_every_resource_with_key_cursor_partitions_and_table(project):
    done = connectors("list")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 1 + 25 + 1 + 1
    (orders,) = [line.split() for line in lines if line.endswith("storefront.orders")]
    assert orders == [
        "storefront", "orders", "id", "date_modified_gmt", "windows_P30D_from_2024-01-01", "storefront.orders",
    ]  # fmt: skip
    assert lines[-1] == f"loads into duckdb {project / 'warehouse.duckdb'}"


@pytest.mark.journey
def test_check_succeeds_when_every_api_responds(api):
    done = connectors("check")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert {line[0] for line in lines} == {"ok"}
    checked = [line[1] for line in lines]
    assert {f"{connector.name}:" for connector in enabled_connectors()} | {"destination:"} <= set(checked)
    assert len(checked) == 5 + 25 + 1 + 1


def test_a_shell_takes_the_settings_of_the_sandbox(project):
    script = f'source <("{sys.executable}" -m connectors_dagster.cli sandbox --env --port 8001); env -0'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, timeout=120)
    assert set(done.stdout.split("\0")) >= {f"{name}={value}" for name, value in environment(8001).items()}


@pytest.mark.journey
def test_check_imports_neither_arrow_nor_a_database(api):
    script = """
import atexit, sys
from connectors_dagster.cli import main
atexit.register(lambda: print("imported", sorted({"pyarrow", "duckdb"} & set(sys.modules))))
main(["check"])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout.splitlines()[-1] == "imported []", done.stdout + done.stderr


@pytest.mark.journey
def test_check_names_missing_settings_and_refused_requests_and_exits_with_1(api, monkeypatch):
    monkeypatch.delenv("SOURCES__CATALOG__API_KEY")
    monkeypatch.setenv("SOURCES__BILLING__API_KEY", "revoked")
    done = connectors("check")
    assert done.returncode == 1
    assert "SOURCES__CATALOG__API_KEY" in done.stdout
    assert "billing/customers" in done.stdout and "401" in done.stdout
    assert "revoked" not in done.stdout + done.stderr


def test_run_loads_a_selection_and_prints_a_table(api, warehouse):
    api.set("storefront/orders", [order(1, "2024-01-05T00:00:00"), order(2, "2024-02-05T00:00:00")])
    done = connectors("run", "storefront/orders", "--from", "2024-01-01", "--to", "2024-03-01")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].split()[:3] == ["storefront/orders", "2", "2"]
    assert warehouse.ids("storefront.orders") == [1, 2]
    assert warehouse.tables() >= {"storefront.orders"}
    assert "storefront.customers" not in warehouse.tables()


def test_a_failed_run_says_why_and_exits_with_1_and_everything_else_is_loaded(api, warehouse):
    api.set("storefront/customers", [{"id": 1}])
    api.answer("/orders", 403)
    done = connectors("run", "storefront", "--from", "2024-01-01", "--to", "2024-01-31")
    assert done.returncode == 1
    assert "storefront/orders window 2024-01-01" in done.stdout and "403" in done.stdout
    assert warehouse.ids("storefront.customers") == [1]


@pytest.mark.journey
def test_the_demo_loads_what_the_sandbox_serves_and_a_second_run_changes_no_count(project: Path, monkeypatch):
    for connector in enabled_connectors():
        monkeypatch.setenv(f"SOURCES__{connector.name.upper()}__STEP", "P1Y")  # a few windows are enough
    for _ in range(2):
        done = connectors("demo", "--scale", "0.02", timeout=400)
        assert done.returncode == 0, done.stdout + done.stderr
        compared = [line.split() for line in done.stdout.splitlines() if line.endswith(("same", "DIFFERENT"))]
        assert len(compared) == 26
        assert "storefront.order_lines" in {table for table, *_ in compared}
        assert all(loaded == served for _, loaded, served, _ in compared)
        assert "72 of 75 checks passed; 3 fail on purpose: the sandbox sends fields" in done.stdout
    assert (project / "demo.duckdb").exists()
    assert (project / ".dagster" / "demo" / "history").exists() and not (project / ".dagster" / "history").exists()
    assert list((project / ".connectors" / "loads").glob("load-*")) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--from", "2024-02-01", "--to", "2024-01-01"], "--from 2024-02-01 is not before --to 2024-01-01"),
        (["run", "--from", "2024-02-01", "--to", "2024-02-01"], "--from 2024-02-01 is not before --to 2024-02-01"),
    ],
)
def test_an_empty_time_range_is_refused(arguments, message):
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert message in result.output


@pytest.mark.parametrize(
    ("name", "value"), [("CONNECTORS__PREVIEW_ROWS", "few"), ("DESTINATION__DUCKDB__CREDENTIALS", ":memory:")]
)
def test_an_invalid_shared_setting_is_named_without_a_traceback(name, value, monkeypatch):
    monkeypatch.setenv(name, value)
    result = CliRunner().invoke(main, ["list"])
    assert result.exit_code == 1
    assert f"Error: {name} is '{value}'" in result.output


def test_a_mistake_in_secrets_toml_names_the_file_and_not_the_secret(project):
    (project / ".dlt").mkdir()
    (project / ".dlt" / "secrets.toml").write_text("[sources.storefront]\napi_key = t0p-s3cret\n")
    done = connectors("check")
    assert done.returncode == 1
    assert "secrets.toml" in done.stderr and "line 2" in done.stderr
    assert "Traceback" not in done.stderr and "t0p-s3cret" not in done.stdout + done.stderr


@pytest.mark.journey
def test_a_section_of_a_misspelt_connector_is_named(project):
    (project / ".dlt").mkdir()
    (project / ".dlt" / "config.toml").write_text('[sources.storefrnt]\nbase_url = "https://shop.example"\n')
    done = connectors("check", "storefront")
    assert "[sources.storefrnt] in config.toml is for no connector: did you mean storefront?" in done.stderr


def test_a_run_that_has_nothing_to_load_says_why(api, monkeypatch):
    shown = StringIO()
    monkeypatch.setattr(terminal, "out", Console(file=shown, soft_wrap=True))
    assert materialize(["storefront/orders"], RunOptions(until=datetime(2020, 1, 1, tzinfo=UTC))).errors == []
    assert "storefront: no windows to load, check --from, --to and SOURCES__STOREFRONT__START_DATE" in shown.getvalue()
    monkeypatch.setenv("CONNECTORS__ENABLED", "")
    assert materialize([]).errors == []
    assert "nothing to load: no working connector is enabled, see CONNECTORS__ENABLED" in shown.getvalue()


@pytest.mark.only_in("duckdb")
def test_a_destination_that_cannot_be_used_is_one_line_that_names_the_resource(materialize, tmp_path, monkeypatch):
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(tmp_path))
    [error] = materialize("catalog/ecommerce_data").errors
    assert error.startswith("catalog/ecommerce_data: DESTINATION__DUCKDB__CREDENTIALS is")
    assert "which is a folder: set the path of a file in it" in error and "Traceback" not in error

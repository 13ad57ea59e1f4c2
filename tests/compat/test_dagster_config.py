"""What this project takes from Dagster's check of configurations, see `connectors_dagster.compat.dagster_config`."""

import dagster as dg

from connectors_dagster.compat.dagster_config import config_problem, missing_packages


def test_what_an_executor_does_not_know_is_named_and_an_environment_variable_is_not_read():
    declared = dg.executor(config_schema={"broker": dg.Noneable(dg.StringSource)})(lambda _: None)
    assert config_problem(declared, {"broker": {"env": "NOT_SET"}}) is None
    assert '"brooker"' in str(config_problem(declared, {"brooker": "redis"}))
    anything = dg.executor()(lambda _: None)
    assert config_problem(anything, {"anything": 1}) is None


def test_packages_that_are_not_installed_are_found_in_all_parts_of_an_instance(tmp_path):
    assert missing_packages(tmp_path) == {}
    parts = {"run_launcher": "none_at_all.launcher", "compute_logs": "dagster", "scheduler": ""}
    written = [f"{part}: {{module: '{module}', class: Part}}" for part, module in parts.items()]
    (tmp_path / "dagster.yaml").write_text("\n".join(written))
    assert missing_packages(tmp_path) == {"run_launcher": "none_at_all"}

"""What this project takes from Dagster's check of configurations, see `connectors_dagster.compat.dagster_config`."""

import dagster as dg

from connectors_dagster.compat.dagster_config import config_problem


def test_what_an_executor_does_not_know_is_named_and_an_environment_variable_is_not_read():
    declared = dg.executor(config_schema={"broker": dg.Noneable(dg.StringSource)})(lambda _: None)
    assert config_problem(declared, {"broker": {"env": "NOT_SET"}}) is None
    assert '"brooker"' in str(config_problem(declared, {"brooker": "redis"}))
    anything = dg.executor()(lambda _: None)
    assert config_problem(anything, {"anything": 1}) is None

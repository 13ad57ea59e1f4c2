"""Runs the asset checks of what was loaded, in this process."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import dagster as dg

from connectors_dagster.compat.dagster_internals import check_results, checks_of, find_job
from connectors_dagster.compat.dagster_runs import RunResult, execute_run
from connectors_dagster.orchestration.checks import CHECKS
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.orchestration.orphaned_runs import process_of_runs
from connectors_dagster.orchestration.runs import HERE, LOADED_BY, QUIET, stop_if_interrupted
from connectors_dagster.orchestration.selection import Selected
from connectors_dagster.spec.resource import Resource


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """The result of one check of one asset."""

    asset: str
    check: str
    passed: bool
    serious: bool
    found: str

    def __str__(self) -> str:
        """Say what the check expects, and what it has found."""
        if self.passed:
            return f"{self.asset}: the check '{self.check}' passed: {CHECKS[self.check].says} {self.found}".rstrip()
        return f"{self.asset}: the check '{self.check}' failed: {self.found}. Expected: {CHECKS[self.check].says}"


def run_checks(definitions: dg.Definitions, instance: dg.DagsterInstance, selected: Selected) -> Iterator[CheckResult]:
    """Run all checks of the selected resources, one run for each connector.

    Raises:
        KeyboardInterrupt: a signal ended the process.
        RuntimeError: Dagster could not run the checks.
    """
    for assets, resources in selected.items():
        result = _run(definitions, instance, assets, resources)
        if result is None:
            continue
        for found in check_results(instance, result.run.run_id):
            yield CheckResult(
                asset=found.asset_key.to_user_string(),
                check=found.check_name,
                passed=found.passed,
                serious=found.severity == dg.AssetCheckSeverity.ERROR,
                found="; ".join(
                    f"{name}: {_said(value.value)}" for name, value in found.metadata.items() if value.value
                ),
            )
        stop_if_interrupted(result)
        if not result.success:
            raise RuntimeError(f"{assets.connector.name}: the checks could not be run: see run {result.run.run_id}")


def _run(
    definitions: dg.Definitions, instance: dg.DagsterInstance, assets: ConnectorAssets, resources: Sequence[Resource]
) -> RunResult | None:
    job = find_job(definitions, assets.job_in(definitions))
    checks = checks_of(job, {assets.key(resource) for resource in resources})
    if not checks:
        return None
    with process_of_runs(instance) as note:
        note(run_id := str(uuid4()))
        return execute_run(job, instance, run_id=run_id, location=HERE, checks=checks, tags=LOADED_BY, run_config=QUIET)


def _said(value: Any) -> str:
    """Say what a check has found without the brackets of Python."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} ({found})" for name, found in value.items())
    return ", ".join(map(str, value)) if isinstance(value, Sequence) and not isinstance(value, str) else str(value)

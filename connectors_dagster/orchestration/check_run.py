"""Runs the asset checks of what was loaded, in this process."""

from collections.abc import Iterator
from dataclasses import dataclass

import dagster as dg

from connectors_dagster.compat.dagster_internals import build_check_job, check_results
from connectors_dagster.orchestration.checks import CHECKS
from connectors_dagster.orchestration.runs import QUIET
from connectors_dagster.orchestration.selection import Selected


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """The result of one check of one asset."""

    asset: str
    check: str
    passed: bool
    serious: bool
    found: str

    def __str__(self) -> str:
        """Say what the check says, and what it has found."""
        verdict = "passed" if self.passed else "failed"
        return f"{self.asset}: the check '{self.check}' {verdict}: {CHECKS[self.check].says} {self.found}".rstrip()


def run_checks(definitions: dg.Definitions, instance: dg.DagsterInstance, selected: Selected) -> Iterator[CheckResult]:
    """Run all checks of the selected resources, one run for each connector.

    Raises:
        RuntimeError: Dagster could not run the checks.
    """
    for assets, resources in selected.items():
        job = build_check_job(definitions, {assets.key(resource) for resource in resources})
        if job is None:
            continue
        result = job.execute_in_process(run_config=QUIET, instance=instance, raise_on_error=False)
        for found in check_results(instance, result.run_id):
            yield CheckResult(
                asset=found.asset_key.to_user_string(),
                check=found.check_name,
                passed=found.passed,
                serious=found.severity == dg.AssetCheckSeverity.ERROR,
                found=", ".join(f"{name}: {value.value}" for name, value in found.metadata.items()),
            )
        if not result.success:
            raise RuntimeError(f"{assets.connector.name}: the checks could not be run: see run {result.run_id}")

"""Asset checks of every loaded table, to be run from the UI."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import dagster as dg
from dlt.destinations.exceptions import DatabaseUndefinedRelation

from connectors_dagster.orchestration.check_queries import (
    Finding,
    columns_as_declared,
    complete_is_read,
    cursor_in_windows,
    key_is_unique,
    source_count,
)
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.orchestration.later_runs import left_to_later_runs
from connectors_dagster.orchestration.masked import masked, masked_errors
from connectors_dagster.spec.resource import Resource

ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN


@dataclass(frozen=True, kw_only=True)
class Check:
    """One check of a table.

    Args:
        says: what is true if the check passes, in one sentence.
        find: runs the check.
        severity: an error if rows are wrong, a warning if somebody should look.
        applies: whether a resource has this check.
    """

    says: str
    find: Callable[[dg.DagsterInstance, Resource, dg.AssetKey], Finding]
    severity: dg.AssetCheckSeverity = ERROR
    applies: Callable[[Resource], bool] = lambda _: True


CHECKS = {
    "key": Check(says="The key is unique and never null.", find=key_is_unique),
    "columns": Check(
        says="The table has exactly the declared columns and types: the API has not changed.",
        find=columns_as_declared,
        severity=WARN,
        applies=lambda resource: resource.name in resource.connector.tables,
    ),
    "source_count": Check(
        says="The number of distinct keys matches the API's total.",
        find=source_count,
        severity=WARN,
        applies=lambda resource: resource.has_total,
    ),
    "cursor_in_windows": Check(
        says="Every cursor is inside a loaded window.",
        find=cursor_in_windows,
        severity=WARN,
        applies=lambda resource: resource.cursor is not None,
    ),
    "complete_is_read": Check(
        says="Every window marked complete was read to its end.",
        find=complete_is_read,
        applies=lambda resource: resource.cursor is not None,
    ),
}


def build_checks(assets: ConnectorAssets) -> dg.AssetChecksDefinition:
    """Build the checks of all resources of a connector as one op that can run any subset of them."""

    @dg.multi_asset_check(
        name=assets.checks_name,
        specs=[spec for key, resource in assets.by_key.items() for spec in _specs(resource, key)],
        can_subset=True,
    )
    def check(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        later = left_to_later_runs(context.instance, context.run, assets)
        if later:
            context.log.info(f"left to a run that loads more of them: the checks of {', '.join(sorted(later))}")
        for key in sorted(context.selected_asset_check_keys, key=lambda key: (key.asset_key.path, key.name)):
            if assets.op_name(assets.by_key[key.asset_key]) in later:
                continue
            with masked_errors():
                result = _result(context.instance, key, assets.by_key[key.asset_key])
            yield result

    return check


def _specs(resource: Resource, key: dg.AssetKey) -> Iterator[dg.AssetCheckSpec]:
    for name, check in CHECKS.items():
        if check.applies(resource):
            yield dg.AssetCheckSpec(name, asset=key, description=check.says)


def _result(instance: dg.DagsterInstance, key: dg.AssetCheckKey, resource: Resource) -> dg.AssetCheckResult:
    check = CHECKS[key.name]
    try:
        passed, numbers = check.find(instance, resource, key.asset_key)
    except DatabaseUndefinedRelation:
        passed, numbers = False, {"reason": "the table does not exist yet: materialize the asset"}
    return dg.AssetCheckResult(
        asset_key=key.asset_key, check_name=key.name, passed=passed, severity=check.severity, metadata=masked(numbers)
    )

"""Build everything that Dagster shows of one connector."""

from collections.abc import Sequence

import dagster as dg

from connectors_dagster.config.look_up import look_ups_kept
from connectors_dagster.config.placeholders import check_declared_settings
from connectors_dagster.config.settings import check_common_settings, check_settings
from connectors_dagster.config.shops import each_shop
from connectors_dagster.orchestration.asset_specs import Translation, translated
from connectors_dagster.orchestration.assets import build_assets
from connectors_dagster.orchestration.automation import build_automation
from connectors_dagster.orchestration.checks import build_checks
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.orchestration.paused_collector import paused_collector
from connectors_dagster.orchestration.protection import warn_of_missing_protection
from connectors_dagster.spec.connector import Connector


def build_definitions(
    connector: Connector,
    *,
    select: str | Sequence[str] | None = None,
    key_prefix: str | Sequence[str] = (),
    translation: Translation | None = None,
) -> dg.Definitions:
    """Build the assets, checks, job, schedule and sensor of a connector; uses no secret, network or disk.

    If several shops are configured for it, each has assets of its own.

    Args:
        connector: what to build.
        select: names of the resources to load; defaults to all. The setting `SOURCES__<CONNECTOR>__RESOURCES`
            overrides it. The parent of a selected resource need not be selected: then only its keys are read.
        key_prefix: is put before every asset key, and before the names of ops, job, schedule and sensor, so that a
            connector can be built more than once.
        translation: a function that takes an asset and its `Resource` or `Api`, and returns the changed asset, for
            example with another key, group, owner or tag. Dependencies, checks, schedule and command line follow a
            changed key. The prefix is added to the key afterwards.

    Raises:
        ValueError: a resource does not exist, two assets have the same key, or a setting is wrong.
    """
    describe = translated(translation)
    return definitions_of(
        [
            ConnectorAssets(connector=shop, select=select, key_prefix=key_prefix, describe=describe)
            for shop in each_shop(connector)
        ]
    )


@paused_collector()
@look_ups_kept()
def definitions_of(shops: Sequence[ConnectorAssets]) -> dg.Definitions:
    """Build everything Dagster shows of a connector; of each of its shops, if there are several.

    Raises:
        SettingError: an option of the connector has a value that cannot be used.
    """
    warn_of_missing_protection()
    for connector in {assets.connector.common_name: assets.connector for assets in shops}.values():
        check_common_settings(connector)
    for assets in shops:
        check_settings(assets.connector)
        check_declared_settings(assets.connector)
    alike: dict[str, list[ConnectorAssets]] = {}
    for assets in shops:
        alike.setdefault(assets.job_name, []).append(assets)
    automation = [build_automation(group) for group in alike.values()]  # first, because it checks the cron expressions
    return dg.Definitions.merge(*map(build_loaded, shops), *automation)


def build_loaded(assets: ConnectorAssets) -> dg.Definitions:
    """Build what is loaded of a connector or a shop, and its checks, without what keeps it current."""
    return dg.Definitions(
        assets=[assets.specs[assets.api.name], *build_assets(assets)], asset_checks=[build_checks(assets)]
    )

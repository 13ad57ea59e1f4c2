"""Several shops of one connector: assets, tables, windows, credentials and limits of their own, from configuration."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import dlt
import pytest

from connectors_dagster.config import placeholders, settings
from connectors_dagster.config.shops import each_shop
from connectors_dagster.connectors import load_connector
from connectors_dagster.definitions import defs
from connectors_dagster.errors import SettingError
from connectors_dagster.orchestration.automation import build_automation
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.orchestration.location import load_location
from tests.support.api import Api
from tests.support.rows import order

SHOPS = ("nl", "de")


@pytest.fixture
def shops(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Api]]:
    """Two shops of the storefront, each with a server of its own."""
    monkeypatch.setenv("CONNECTORS__ENABLED", "storefront")
    monkeypatch.setenv("CONNECTORS__SHOPS__STOREFRONT", ", ".join(SHOPS))
    with ExitStack() as stack:
        found = {shop: stack.enter_context(Api().served()) for shop in SHOPS}
        for shop, api in found.items():
            for name, value in api.environment.items():
                if name.startswith("SOURCES__STOREFRONT__"):
                    monkeypatch.setenv(name.replace("STOREFRONT", f"STOREFRONT__{shop.upper()}"), value)
        yield found


def assets_of(name: str) -> list[ConnectorAssets]:
    return [ConnectorAssets(connector=shop) for shop in each_shop(load_connector(name))]


def test_each_shop_is_loaded_from_its_own_account_into_tables_of_its_own(shops, materialize, warehouse):
    shops["nl"].set("storefront/orders", [order(1, "2024-01-05T00:00:00"), order(2, "2024-01-06T00:00:00")])
    shops["de"].set("storefront/orders", [order(7, "2024-01-05T00:00:00")])
    assert not materialize("storefront", until=datetime(2024, 1, 30, tzinfo=UTC)).errors
    assert warehouse.query("SELECT id FROM storefront_nl.orders ORDER BY id") == [(1,), (2,)]
    assert warehouse.query("SELECT id FROM storefront_de.orders") == [(7,)]


def test_one_shop_can_be_loaded_alone(shops, materialize):
    shops["de"].set("storefront/orders", [order(7, "2024-01-05T00:00:00")])
    summary = materialize("storefront_de/orders", until=datetime(2024, 1, 30, tzinfo=UTC))
    assert summary.lines["storefront_de/orders"].rows == 1 and not shops["nl"].requests


def test_shops_share_job_schedule_and_sensor_and_have_assets_and_checks_of_their_own(shops):
    repository = defs().get_repository_def()
    keys = {key.to_user_string() for key in repository.asset_graph.get_all_asset_keys()}
    assert {"storefront_nl/orders", "storefront_de/orders", "storefront_de/api"} <= keys
    assert not any(key.startswith("storefront/") for key in keys)
    assert [one.name for one in repository.schedule_defs] == ["refresh_storefront"]
    assert [one.name for one in repository.sensor_defs if "windows" in one.name] == ["open_windows_storefront"]
    assert {job.name for job in repository.get_all_jobs()} == {"__ASSET_JOB", "storefront"}
    checked = {key.asset_key.to_user_string() for key in repository.asset_graph.asset_check_keys}
    assert {"storefront_nl/orders", "storefront_de/orders"} <= checked


def test_a_setting_of_a_shop_overrides_that_of_all_shops(shops, monkeypatch):
    monkeypatch.setenv("SOURCES__STOREFRONT__REQUESTS_PER_MINUTE", "60")
    monkeypatch.setenv("SOURCES__STOREFRONT__DE__REQUESTS_PER_MINUTE", "10")
    monkeypatch.setenv("SOURCES__STOREFRONT__DE__START_DATE", "2025-01-01")
    monkeypatch.setenv("SOURCES__STOREFRONT__DE__RESOURCES", "orders")
    nl, de = assets_of("storefront")
    assert [settings.requests_per_minute(one.connector) for one in (nl, de)] == [60, 10]
    assert nl.grid.name != de.grid.name and de.grid.name.endswith("2025-01-01")
    assert [resource.name for resource in de.resources] == ["orders"] and len(nl.resources) > 1


def test_windows_of_different_start_dates_are_opened_by_one_sensor(shops, instance, monkeypatch):
    monkeypatch.setenv("SOURCES__STOREFRONT__DE__START_DATE", "2025-01-01")
    found = assets_of("storefront")
    [sensor] = [one for one in build_automation(found).sensors or () if one.name == "open_windows_storefront"]
    with dg.build_sensor_context(instance) as context:
        result = sensor(context)
    assert isinstance(result, dg.SensorResult)
    assert {one.partitions_def_name for one in result.dynamic_partitions_requests or ()} == {
        assets.grid.name for assets in found
    }
    assert len(result.asset_events) == len(SHOPS)


def test_a_shop_with_a_schedule_of_its_own_has_one(shops, monkeypatch):
    monkeypatch.setenv("SOURCES__STOREFRONT__DE__SCHEDULE", "0 5 * * *")
    names = {one.name: one.cron_schedule for one in defs().get_repository_def().schedule_defs}
    assert names.keys() == {"refresh_storefront", "refresh_storefront_de"}
    assert names["refresh_storefront_de"] == "0 5 * * *"


def test_one_tick_requests_what_each_shop_lacks(shops, instance):
    [schedule] = build_automation(assets_of("storefront")).schedules or ()
    context = dg.build_schedule_context(instance=instance)
    requests = list(schedule.evaluate_tick(context).run_requests or ())
    connectors = {key.path[0] for request in requests for key in request.asset_selection or ()}
    assert connectors == {"storefront_nl", "storefront_de"}


def test_a_shop_without_a_setting_of_its_own_is_not_read_with_the_account_of_another(shops, monkeypatch):
    monkeypatch.setenv("CONNECTORS__SHOPS__STOREFRONT", "nl,uk")
    for name, value in shops["nl"].environment.items():
        if name.startswith("SOURCES__STOREFRONT__"):
            monkeypatch.setenv(name, value)
    uk = each_shop(load_connector("storefront"))[1]
    assert not placeholders.is_configured(uk)
    with pytest.raises(SettingError, match="SOURCES__STOREFRONT__UK__"):
        placeholders.read_settings(uk)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("nl,nl", "lists 'nl' twice"),
        ("Nl", "lower-case letters"),
        ("start_date", "is a setting of storefront"),
        ("n__l", "must not have '__'"),
        ("", "is empty"),
    ],
)
def test_a_shop_that_cannot_be_is_named(project, monkeypatch, written, said):
    monkeypatch.setenv("CONNECTORS__SHOPS__STOREFRONT", written)
    assert any(said in broken.reason for broken in load_location().broken)


@pytest.fixture
def written(project: Path) -> Iterator[Path]:
    """A file with settings, which are forgotten after the test."""
    file = project / ".dlt" / "config.toml"
    file.parent.mkdir()
    yield file
    file.unlink()
    dlt.current.run_context().reload()


def test_shops_can_be_listed_in_a_file(written):
    written.write_text('[connectors.shops]\nstorefront = ["nl", "de"]\n')
    dlt.current.run_context().reload()
    assert [shop.name for shop in each_shop(load_connector("storefront"))] == ["storefront_nl", "storefront_de"]

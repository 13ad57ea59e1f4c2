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
from connectors_dagster.definitions import definitions_in, defs
from connectors_dagster.errors import SettingError
from connectors_dagster.orchestration import runs
from connectors_dagster.orchestration.automation import build_automation
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.orchestration.location import including, load_location
from connectors_dagster.orchestration.selection import UnknownNameError, select, select_connector
from tests.support.api import Api
from tests.support.rows import order

SHOPS = ("nl", "de")
OWN = """
from connectors_dagster import Connector
connector = Connector(name="storefront_nl", description="x", schema={}, config={
    "client": {"base_url": "https://shop.example"},
    "resources": [{"name": "things", "primary_key": "id", "write_disposition": "merge", "endpoint": "things"}],
})
"""

COMPONENT = """
type: connectors_dagster.RestConnector
attributes:
  name: things
  description: Things
  config:
    client: {base_url: "{{ setting.base_url }}"}
    resources:
    - {name: things, primary_key: id, write_disposition: merge, endpoint: {path: /things, paginator: single_page}}
"""


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


def test_shops_with_windows_or_a_schedule_of_their_own_have_jobs_of_their_own(shops, monkeypatch):
    monkeypatch.setenv("SOURCES__STOREFRONT__DE__START_DATE", "2025-01-01")
    repository = defs().get_repository_def()
    repository.load_all_definitions()
    assert {job.name for job in repository.get_all_jobs()} == {"__ASSET_JOB", "storefront", "storefront_de"}
    assert {one.name for one in repository.schedule_defs} == {"refresh_storefront", "refresh_storefront_de"}
    sensors = {one.name for one in repository.sensor_defs}
    assert {"open_windows_storefront", "open_windows_storefront_de"} <= sensors
    monkeypatch.setenv("SOURCES__STOREFRONT__NL__SCHEDULE", "0 5 * * *")
    crons = {one.name: one.cron_schedule for one in defs().get_repository_def().schedule_defs}
    assert crons.keys() == {"refresh_storefront_nl", "refresh_storefront_de"}
    assert crons["refresh_storefront_nl"] == "0 5 * * *"


@pytest.mark.parametrize(
    ("name", "value"),
    [("SCHEDULE", "0 5 * *"), ("START_DATE", "2024-13-01"), ("MAX_PARALLEL_REQUESTS", "many"), ("RESOURCES", "ordrs")],
)
def test_a_wrong_setting_of_one_shop_leaves_the_others(shops, monkeypatch, name, value):
    monkeypatch.setenv(f"SOURCES__STOREFRONT__DE__{name}", value)
    location = load_location()
    assert [assets.connector.name for assets in location.enabled] == ["storefront_nl"]
    assert [str(broken) for broken in location.broken if f"SOURCES__STOREFRONT__DE__{name}" in str(broken)]
    assert len(location.broken) == 1
    keys = definitions_in(location).get_repository_def().asset_graph.get_all_asset_keys()
    assert {key.path[0] for key in keys} == {"storefront_nl"}


def test_a_wrong_setting_of_all_shops_is_named_once(shops, monkeypatch):
    monkeypatch.setenv("SOURCES__STOREFRONT__MAX_PARALLEL_REQUESTS", "many")
    location = load_location()
    assert not location.enabled and len(location.broken) == 1


@pytest.mark.filterwarnings("ignore:`parse_obj_as` is deprecated")  # Dagster's own use
def test_a_wrong_setting_of_a_shop_of_a_component_leaves_the_others(project, monkeypatch):
    folder = project / "connectors" / "things"
    folder.mkdir(parents=True)
    (folder / "defs.yaml").write_text(COMPONENT, encoding="utf-8")
    (folder / "schema.yaml").write_text("tables: {}", encoding="utf-8")
    monkeypatch.setenv("CONNECTORS__ENABLED", "things")
    monkeypatch.setenv("CONNECTORS__SHOPS__THINGS", "nl,de")
    monkeypatch.setenv("SOURCES__THINGS__DE__MAX_LOSS", "all")
    location = load_location()
    assert [assets.connector.name for assets in location.enabled] == ["things_nl"]
    assert ["SOURCES__THINGS__DE__MAX_LOSS" in str(broken) for broken in location.broken] == [True]


def test_a_shop_that_is_not_enabled_can_be_run_beside_one_that_is(shops, materialize, instance, monkeypatch):
    monkeypatch.setenv("CONNECTORS__ENABLED", "storefront_nl")
    shops["de"].set("storefront/orders", [order(7, "2024-01-05T00:00:00")])
    location = load_location()
    selected = select(location, ["storefront_de/orders"])
    whole = definitions_in(including(location, selected))
    plans = list(runs.plan(instance, selected, until=datetime(2024, 1, 30, tzinfo=UTC)))
    assert runs.execute(whole, instance, plans).lines["storefront_de/orders"].rows == 1


def test_one_tick_requests_what_each_shop_lacks(shops, instance):
    [schedule] = build_automation(assets_of("storefront")).schedules or ()
    context = dg.build_schedule_context(instance=instance)
    requests = list(schedule.evaluate_tick(context).run_requests or ())
    connectors = {key.path[0] for request in requests for key in request.asset_selection or ()}
    assert connectors == {"storefront_nl", "storefront_de"}


@pytest.mark.parametrize("own", [{}, {"BASE_URL": "http://127.0.0.1:9"}, {"START_DATE": "2025-01-01"}])
def test_a_shop_is_never_read_with_the_secrets_of_another(shops, monkeypatch, own):
    monkeypatch.setenv("CONNECTORS__SHOPS__STOREFRONT", "nl,uk")
    for name, value in shops["nl"].environment.items():
        if name.startswith("SOURCES__STOREFRONT__"):
            monkeypatch.setenv(name, value)
    for name, value in own.items():
        monkeypatch.setenv(f"SOURCES__STOREFRONT__UK__{name}", value)
    uk = each_shop(load_connector("storefront"))[1]
    assert not placeholders.is_configured(uk)
    with pytest.raises(SettingError, match="SOURCES__STOREFRONT__UK__API_SECRET"):
        placeholders.read_settings(uk)


def test_a_misspelt_setting_of_all_shops_is_named_once(shops, monkeypatch, caplog):
    monkeypatch.setenv("SOURCES__STOREFRONT__REQUESTS_PER_MINUT", "60")
    load_location()
    assert caplog.text.count("SOURCES__STOREFRONT__REQUESTS_PER_MINUT is not a setting") == 1


def test_a_misspelt_setting_of_each_connector_is_named_if_several_are_added_at_once(project, monkeypatch, caplog):
    monkeypatch.setenv("CONNECTORS__ENABLED", "fulfillment")
    for name in ("STOREFRONT", "BILLING"):
        monkeypatch.setenv(f"CONNECTORS__SHOPS__{name}", "nl,de")
        monkeypatch.setenv(f"SOURCES__{name}__REQUESTS_PER_MINUT", "60")
    location = load_location()
    including(location, list(select(location, ["storefront", "billing"])))
    for name in ("STOREFRONT", "BILLING"):
        assert caplog.text.count(f"SOURCES__{name}__REQUESTS_PER_MINUT is not a setting") == 1


def test_settings_of_no_shop_are_named(shops, monkeypatch, caplog):
    monkeypatch.setenv("SOURCES__STOREFRONT__NLL__API_KEY", "x")
    load_location()
    assert "SOURCES__STOREFRONT__NLL__… is for no shop: CONNECTORS__SHOPS__STOREFRONT lists nl, de" in caplog.text


def test_shops_of_no_connector_are_refused(project, monkeypatch):
    monkeypatch.setenv("CONNECTORS__SHOPS", "nl,de")
    with pytest.raises(SettingError, match="CONNECTORS__SHOPS__STOREFRONT=nl,de"):
        load_location()


def test_an_empty_text_of_a_shop_is_as_if_it_were_not_there(shops, monkeypatch):
    monkeypatch.setenv("SOURCES__STOREFRONT__SCHEDULE", "0 5 * * *")
    monkeypatch.setenv("SOURCES__STOREFRONT__DE__SCHEDULE", "")
    schedules = defs().get_repository_def().schedule_defs
    assert [(one.name, one.cron_schedule) for one in schedules] == [("refresh_storefront", "0 5 * * *")]


def test_a_name_that_means_a_shop_and_a_connector_is_refused(shops, project):
    (project / "connectors").mkdir()
    (project / "connectors" / "own.py").write_text(OWN)
    assert any("storefront_nl: both in" in broken.reason for broken in load_location().broken)


def test_init_asks_for_one_of_several_shops(shops):
    with pytest.raises(UnknownNameError, match="storefront has several shops: name one of them: storefront_de, "):
        select_connector(load_location(), "storefront")


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

"""The lineage leads from the API over parents and children to the tables built on them."""

from datetime import UTC, date, datetime
from decimal import Decimal

import dagster as dg
import pytest

from connectors_dagster import Connector, build_definitions, load_connectors
from connectors_dagster.definitions import defs
from connectors_dagster.orchestration import clock
from connectors_dagster.orchestration.examples.revenue import build_revenue
from connectors_dagster.orchestration.location import enabled_connectors
from tests.support.rows import order

ORDERS, TRANSACTIONS = dg.AssetKey(["storefront", "orders"]), dg.AssetKey(["billing", "transactions"])
REVENUE = dg.AssetKey(["examples", "revenue_by_month"])


GRAPH = defs().resolve_asset_graph()
SPECS = {spec.key.to_user_string(): spec for spec in defs().resolve_all_asset_specs()}
SENSORS = {sensor.name: sensor for sensor in defs().sensors or ()}


def upstream(key: str, assets=GRAPH) -> set[str]:
    """All direct and indirect upstream assets."""
    found, waiting = set(), [dg.AssetKey(key.split("/"))]
    while waiting:
        parents = assets.get(waiting.pop()).parent_keys
        waiting += [key for key in parents if key not in found]
        found |= parents
    return {key.to_user_string() for key in found}


def api_of(connector: Connector) -> dg.AssetSpec:
    """The API of a connector as an asset."""
    (spec,) = [s for s in build_definitions(connector).resolve_all_asset_specs() if s.key.path[-1] == "api"]
    return spec


@pytest.mark.parametrize("name", [connector.name for connector in enabled_connectors()])
def test_the_api_of_a_connector_is_an_external_asset_of_kind_http_in_its_group(name):
    spec = SPECS[f"{name}/api"]
    assert spec.kinds == {"http"}
    assert spec.group_name == name
    assert not GRAPH.get(spec.key).is_executable


def test_customer_addresses_depend_on_customers_which_depend_on_the_api():
    assert upstream("billing/customer_addresses") == {"billing/customers", "billing/api"}


def test_the_api_shows_its_address_as_configured_and_what_to_set_when_it_is_not(monkeypatch):
    billing = load_connectors()["billing"]
    assert api_of(billing).metadata["base_url"].value == "not configured: SOURCES__BILLING__BASE_URL"
    monkeypatch.setenv("SOURCES__BILLING__BASE_URL", "https://billing.example/v2")
    assert api_of(billing).metadata["base_url"] == dg.MetadataValue.url("https://billing.example/v2")


def test_the_address_shows_no_secret(monkeypatch):
    monkeypatch.setenv("SOURCES__BILLING__BASE_URL", "https://user:hunter2@billing.example/v2?api_key=k1234567")
    shown = str(api_of(load_connectors()["billing"]).metadata["base_url"].value)
    assert "billing.example/v2" in shown
    assert "hunter2" not in shown and "k1234567" not in shown


def test_beside_a_resource_that_is_called_api_the_api_has_another_name():
    billing = load_connectors()["billing"]
    config = {**billing.config, "resources": [{"name": "api", "endpoint": {"path": "/api"}}]}
    named = Connector(name="billing", description="", schema={}, config=config)
    graph = build_definitions(named).resolve_asset_graph()
    assert graph.get(dg.AssetKey(["billing", "api"])).parent_keys == {dg.AssetKey(["billing", "vendor_api"])}


def test_the_api_shows_which_window_is_open_as_soon_as_it_opens(instance, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: datetime(2024, 4, 10, tzinfo=UTC))
    result = SENSORS["open_windows_billing"](dg.build_sensor_context(instance=instance))
    (observed,) = result.asset_events
    assert observed.asset_key == dg.AssetKey(["billing", "api"])
    assert {name: value.value for name, value in observed.metadata.items()} == {
        "open_window": "2024-03-31",
        "window_start": datetime(2024, 3, 31, tzinfo=UTC).timestamp(),
        "window_end": datetime(2024, 4, 30, tzinfo=UTC).timestamp(),
        "windows": 4,
    }


def test_the_open_window_is_shown_even_if_another_connector_with_the_same_windows_opened_it(instance, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: datetime(2024, 4, 10, tzinfo=UTC))
    first = SENSORS["open_windows_billing"](dg.build_sensor_context(instance=instance))
    (request,) = first.dynamic_partitions_requests
    instance.add_dynamic_partitions(request.partitions_def_name, request.partition_keys)
    second = SENSORS["open_windows_storefront"](dg.build_sensor_context(instance=instance))
    assert not second.dynamic_partitions_requests
    assert [event.asset_key.path for event in second.asset_events] == [["storefront", "api"]]
    # This instance has no limit of pools, as one of a project that did not set it.
    skipped = SENSORS["open_windows_billing"](dg.build_sensor_context(instance=instance, cursor="2024-03-31"))
    assert "no limit of 1: billing_customers, " in skipped.skip_message


def test_examples_are_defined_only_if_they_and_their_connectors_are_enabled(monkeypatch):
    assert not GRAPH.has(REVENUE)
    monkeypatch.setenv("CONNECTORS__ENABLED", "billing")
    monkeypatch.setenv("CONNECTORS__EXAMPLES", "true")
    assert not defs().resolve_asset_graph().has(REVENUE)


def test_revenue_by_month_comes_from_assets_of_two_connectors(monkeypatch):
    monkeypatch.setenv("CONNECTORS__ENABLED", "billing storefront")
    monkeypatch.setenv("CONNECTORS__EXAMPLES", "true")
    assert upstream("examples/revenue_by_month", defs().resolve_asset_graph()) == {
        "storefront/orders",
        "storefront/api",
        "billing/transactions",
        "billing/api",
    }


@pytest.mark.filterwarnings("ignore:Parameter `include_sources` of function `AssetSelection.all`")  # Dagster's own use
def test_revenue_by_month_is_rebuilt_when_a_table_it_reads_was_loaded(instance, monkeypatch):
    monkeypatch.setenv("CONNECTORS__ENABLED", "billing storefront")
    monkeypatch.setenv("CONNECTORS__EXAMPLES", "true")
    definitions, window = defs(), "2024-01-01"
    assert definitions.resolve_sensor_def("automation_examples").default_status == dg.DefaultSensorStatus.RUNNING
    instance.add_dynamic_partitions("windows_P30D_from_2024-01-01", [window])
    evaluated: list[dg.EvaluateAutomationConditionsResult] = []

    def asked_for() -> int:
        cursor = evaluated[-1].cursor if evaluated else None
        evaluated.append(dg.evaluate_automation_conditions(definitions, instance, cursor=cursor))
        return evaluated[-1].get_num_requested(REVENUE)

    def loaded(asset: str, partition: str | None = window) -> None:
        instance.report_runless_asset_event(dg.AssetMaterialization(asset.split("/"), partition=partition))

    loaded("storefront/orders")
    assert asked_for() == 0, "of transactions there is nothing yet"
    loaded("billing/transactions")
    assert asked_for() == 1
    loaded("examples/revenue_by_month", partition=None)
    assert asked_for() == 0
    loaded("storefront/orders")
    assert asked_for() == 1


def test_revenue_by_month_sums_what_was_paid_and_billed_by_month_source_and_currency(api, load, warehouse):
    api.set(
        "storefront/orders",
        [
            order(1, "2024-01-05T00:00:00", total="10.50", currency="EUR", date_paid_gmt="2024-01-31T23:59:59"),
            order(2, "2024-01-05T00:00:00", total="2.50", currency="EUR", date_paid_gmt="2024-01-01T00:00:00"),
            order(3, "2024-01-05T00:00:00", total="1.00", currency="EUR", date_paid_gmt="2024-02-01T00:00:00"),
            order(4, "2024-01-05T00:00:00", total="99.00", currency="EUR", date_paid_gmt=None),
            order(5, "2024-01-05T00:00:00", total="99.00", currency="EUR", status="cancelled"),
        ],
    )
    api.set(
        "billing/transactions",
        [
            transaction("t1", "USD", "1250"),
            transaction("t2", "JPY", "1250"),
            transaction("t3", "USD", "9900", status="canceled"),
        ],
    )
    load("storefront/orders", windows=["2024-01-01"])
    load("billing/transactions", windows=["2024-01-01"])
    assert dg.materialize([build_revenue(orders=ORDERS, transactions=TRANSACTIONS)]).success
    assert warehouse.query("FROM examples.revenue_by_month") == [
        (date(2024, 1, 1), "billing", "JPY", 1, Decimal("1250.00")),
        (date(2024, 1, 1), "billing", "USD", 1, Decimal("12.50")),
        (date(2024, 1, 1), "storefront", "EUR", 2, Decimal("13.00")),
        (date(2024, 2, 1), "storefront", "EUR", 1, Decimal("1.00")),
    ]


def transaction(id: str, currency: str, total: str, status: str = "completed") -> dict[str, object]:
    """A billing transaction of January with its total in minor units, as text."""
    at = "2024-01-10T00:00:00Z"
    totals = {"totals": {"total": total}}
    return {
        "id": id, "status": status, "updated_at": at, "billed_at": at, "currency_code": currency, "details": totals,
    }  # fmt: skip

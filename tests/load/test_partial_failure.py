"""A failure affects nothing else, says what failed and why, and is retried only if a retry can help."""

import dagster as dg
import pytest

from connectors_dagster.orchestration import assets
from tests.support.rows import address, customer

FAMILY = ("billing/customers", "billing/customer_addresses", "billing/businesses")
FIVE = ("billing/event_types", "billing/ip_addresses", "storefront/customers", "subscriptions/addon", *FAMILY[:1])


@pytest.fixture(autouse=True)
def retry_without_delay(monkeypatch) -> None:
    monkeypatch.setattr(assets, "RETRY", assets.RETRY._replace(delay=0))


def materialized(instance) -> set[str]:
    return {key.to_user_string() for key in instance.all_asset_keys() if instance.get_latest_materialization_event(key)}


def set_two_customers(api, city: str) -> None:
    api.set("billing/customers", [customer("c1"), customer("c2")])
    api.set("billing/customer_addresses", [address("a1", "c1", city=city), address("a2", "c2", city=city)])
    api.set("billing/businesses", [{"id": "b1", "customer_id": "c2", "name": "B1"}])


def test_a_resource_that_fails_in_a_family_keeps_its_old_rows_and_the_others_get_their_new_ones(
    api, warehouse, instance, materialize
):
    set_two_customers(api, "Oslo")
    materialize("billing/customer_addresses")
    set_two_customers(api, "Bergen")
    api.answer("/c2/addresses", 403)
    summary = materialize(*FAMILY)
    assert warehouse.column("billing.customer_addresses", "city") == ["Oslo", "Oslo"]
    assert warehouse.ids("billing.customers") == ["c1", "c2"]
    assert warehouse.ids("billing.businesses") == ["b1"]
    assert set(summary.lines) >= {"billing/customers", "billing/businesses"}
    [error] = summary.errors
    assert "billing/customer_addresses" in error and "/v1/customers/c2/addresses" in error
    assert "answered 403" in error and "check their scope" in error


def test_children_of_a_parent_that_fails_are_not_read_and_say_why(api, instance, materialize):
    set_two_customers(api, "Oslo")
    api.answer("/v1/customers", 403)
    [error] = materialize(*FAMILY).errors
    assert "billing/businesses: not read, because its parent billing/customers failed" in error
    assert [path for path, _ in api.requests] == ["/billing/v1/customers"]
    assert materialized(instance) == set()


def test_a_family_that_fails_does_not_affect_four_others(api, warehouse, instance, materialize):
    set_two_customers(api, "Oslo")
    api.answer("/v1/ips", 401)
    [error] = materialize(*FIVE).errors
    assert error.startswith("billing/ip_addresses: GET ") and "check the credentials" in error
    assert materialized(instance) == set(FIVE) - {"billing/ip_addresses"}


@pytest.mark.parametrize("status", [401, 403, 422])
def test_a_permanent_failure_is_not_retried(api, instance, materialize, status):
    api.answer("/v1/ips", status)
    [error] = materialize("billing/ip_addresses").errors
    assert f"answered {status}" in error
    assert len(api.asked("/v1/ips")) == 1


@pytest.mark.journey
def test_a_transient_failure_is_retried_by_the_session_and_then_twice_more_by_dagster(
    api, instance, materialize, waits
):
    api.answer("/v1/customers", 503)
    [error] = materialize(*FAMILY).errors
    assert "billing/customers" in error and "answered 503" in error
    assert len(api.asked("/v1/customers")) == 3 * (1 + 3)
    assert materialized(instance) == set()


@pytest.mark.journey
def test_a_retry_by_dagster_that_succeeds_materializes_everything(api, warehouse, instance, materialize, waits):
    set_two_customers(api, "Oslo")
    api.answer("/v1/customers", 503, times=1 + 3)
    assert materialize(*FAMILY).errors == []
    assert materialized(instance) == set(FAMILY)
    assert warehouse.ids("billing.customer_addresses") == ["a1", "a2"]


def test_an_unexpected_error_is_not_retried(api, instance, materialize, monkeypatch):
    monkeypatch.setattr("connectors_dagster.load.pipeline.connect", lambda *_, **__: 1 / 0)
    [error] = materialize("billing/ip_addresses").errors
    assert "ZeroDivisionError" in error
    assert [run.status for run in instance.get_runs()] == [dg.DagsterRunStatus.FAILURE]

"""What every connector promises."""

from collections import Counter
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import dlt
import pytest
from dlt.common.validation import validate_dict
from dlt.sources.rest_api import rest_api_source
from dlt.sources.rest_api.typing import RESTAPIConfig

from connectors_dagster import Connector, Cursor, ResourceOptions, Secret, Setting, load_connectors
from connectors_dagster.config.selected_resources import selected_resources
from connectors_dagster.errors import ApiError
from connectors_dagster.load.request import LoadRequest
from connectors_dagster.spec.for_each import marked
from connectors_dagster.spec.groups import group_of
from connectors_dagster.spec.placeholders import fill_placeholders

CONNECTORS = load_connectors()
RESOURCES = [resource for connector in CONNECTORS.values() for resource in connector.graph.values()]
SPEC = {
    "storefront": {"customers": "id", "coupons": "id", "orders": "id", "order_lines": "_orders_id, _position"},
    "catalog": {"ecommerce_data": "id"},
    "fulfillment": {"customers": "idcustomer", "products": "idproduct", "orders": "idorder"},
    "billing": dict.fromkeys(
        "customers customer_addresses discounts prices products businesses events event_types reports "
        "ip_addresses subscriptions transactions".split(),
        "id",
    ),
    "subscriptions": dict.fromkeys("addon item attached_item customer coupon event".split(), "id"),
}
RETRIES = {
    "storefront": ({429, 500, 502, 503, 504}, 3),
    "catalog": ({429, 500, 502, 503, 504}, 3),
    "fulfillment": ({429}, 3),
    "billing": ({429, 500, 502, 503, 504}, 3),
    "subscriptions": ({429, 500, 502, 503, 504}, 10),
}
OTHER_SETTINGS = {"picqer": {"user_agent"}, "stripe": {"account"}}


def test_resources_and_keys_are_those_of_the_spec():
    keys = {
        name: {resource.name: ", ".join(resource.primary_key) for resource in connector.graph.values()}
        for name, connector in CONNECTORS.items()
        if connector.enabled
    }
    assert keys == SPEC


@pytest.mark.parametrize("connector", CONNECTORS.values(), ids=lambda c: c.name)
def test_dlt_accepts_the_configuration_and_builds_a_source_from_it(connector: Connector):
    validate_dict(RESTAPIConfig, connector.config, path=connector.name)
    values = {setting: "http://127.0.0.1:9" if setting == "base_url" else "value" for setting in connector.settings}
    filled = marked(fill_placeholders(connector.config, values))  # dlt does not know `{each.…}`
    source = rest_api_source(filled, name=connector.name)
    assert set(source.resources) == {name for name, resource in connector.graph.items() if not resource.list_of}


@pytest.mark.parametrize("name", RETRIES)
def test_the_retry_policy_is_that_of_the_spec(name: str):
    retry = CONNECTORS[name].retry
    assert (retry.statuses, retry.attempts, retry.factor) == (*RETRIES[name], 2)


@pytest.mark.parametrize("connector", CONNECTORS.values(), ids=lambda c: c.name)
def test_credentials_are_secrets_and_the_address_is_a_setting(connector: Connector):
    plain = {str(s) for s in connector.settings if not isinstance(s, Secret)}
    assert plain == {"base_url", *OTHER_SETTINGS.get(connector.name, ())}
    auth = connector.config["client"]["auth"]
    given = [value for key, value in auth.items() if key not in ("type", "name", "location") and value]
    assert all(isinstance(value, Secret) for value in given)


@pytest.mark.parametrize("resource", RESOURCES, ids=str)
def test_columns_are_declared_with_normalized_names_and_only_keys_are_required(resource):
    naming = dlt.Schema("any").naming
    renamed = [name for name in resource.columns if naming.normalize_identifier(name) != name]
    assert renamed == (["textColor"] if str(resource) == "picqer/tags" else [])
    required = {name for name, column in resource.columns.items() if column.get("nullable") is False}
    assert required == set(resource.primary_key)
    assert all(column.get("description") for column in resource.columns.values())
    assert "one row per" in resource.connector.row_descriptions[resource.name]


@pytest.mark.parametrize("resource", RESOURCES, ids=str)
def test_every_resource_is_merged_and_every_cursor_is_a_declared_column(resource):
    assert resource.definition["write_disposition"] == "merge"
    if resource.incremental:
        assert resource.incremental["cursor_path"] in resource.columns


def test_static_parameters_of_the_storefront_are_sent_with_every_resource():
    for resource in filter(lambda one: not one.list_of, CONNECTORS["storefront"].graph.values()):
        assert resource.endpoint["params"] == {"order": "asc", "orderby": "id", "dates_are_gmt": "true"}


def test_a_separate_child_is_its_own_family_and_is_loaded_whole():
    connector = CONNECTORS["woocommerce"]
    variations = connector.graph["product_variations"]
    assert [r.name for r in connector.families["products"]] == ["products"]
    assert [r.name for r in connector.families["product_variations"]] == ["product_variations"]
    assert variations.parent and variations.parent.windowed and not variations.windowed
    request = LoadRequest(resources=[variations], now=datetime(2024, 4, 10, tzinfo=UTC))
    assert [r.name for r in request.resources_to_read()] == ["products", "product_variations"]


def test_families_are_parents_with_their_children():
    families = {name: [r.name for r in family] for name, family in CONNECTORS["billing"].families.items()}
    assert families["customers"] == ["customers", "customer_addresses", "businesses"]
    assert [r.name for r in CONNECTORS["subscriptions"].families["item"]] == ["item", "attached_item"]


WITHOUT_KEY = {"client": {"base_url": Setting("base_url")}, "resources": [{"name": "orders", "endpoint": "orders"}]}


def _named(name: str, **endpoint: Any) -> Any:
    resource = {"name": name, "primary_key": "id", "endpoint": {"path": "/x", **endpoint}}
    return {"client": {"base_url": Setting("base_url")}, "resources": [resource]}


def _connector(**changes) -> Connector:
    original = CONNECTORS["storefront"]
    values = {name: getattr(original, name) for name in ("name", "description", "config", "schema", "resources")}
    return Connector(**{**values, **changes})


def _with_options(name: str, **changes: Any) -> dict[str, Any]:
    shipped = CONNECTORS["storefront"].resources
    return {"resources": {**shipped, name: replace(shipped.get(name, ResourceOptions()), **changes)}}


def _with_params(**params: str) -> Any:
    config: Any = deepcopy(dict(CONNECTORS["storefront"].config))
    config["resources"][-1]["endpoint"]["params"] = params
    return config


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "Store/Front"}, "lower-case letters"),
        ({"resources": {}}, "storefront/coupons: a cursor needs both an 'incremental'"),
        (_with_options("customers", cursor=Cursor()), "storefront/customers: a cursor needs both an 'incremental'"),
        (_with_options("orders", missing_rows="delete"), "storefront/orders: .* a window does not show"),
        ({"resources": {}, "config": WITHOUT_KEY}, "storefront/orders: primary_key is missing"),
        (_with_options("orders", separate_children=True), "no resource is requested per row of this one"),
        (_with_options("orders", has_children_field="customers"), "the resource has no parent"),
        (
            _with_options("ips", value_column="address"),
            "resources has options for .*'ips'.*, which config does not define",
        ),
        (
            {"config": _with_params(since="{incremental.last_value}")},
            "unknown placeholders: use start_value and end_value",
        ),
        ({"excluded": {"orders": "too many"}}, "are in config and also in excluded"),
        ({"groups": {"Sales!": ("orders",)}}, "the group 'Sales!' must be lower-case letters"),
        ({"groups": {"sales": ("oders",)}}, "groups has 'oders', which is not a resource; did you mean 'orders'?"),
        ({"groups": {"a": ("orders",), "b": ("orders",)}}, "'orders' is in groups 2 times"),
        ({"name": "shop__eu"}, "'shop__eu' must not have '__'"),
        ({"name": "shop_"}, "'shop_' must not have '__' or end in '_'"),
        *(({"name": name}, f"'{name}' is a schema that databases use") for name in ("main", "temp", "public", "pg_x")),
        ({"name": "information_schema"}, "is a schema that databases use"),
        ({"name": "s" * 64}, "is longer than 63 characters"),
        ({"resources": {}, "config": _named("r" * 64)}, "is longer than 63 characters"),
        ({"resources": {}, "config": _named("r" * 60)}, "are together longer than 63 characters"),
        ({"resources": {}, "config": _named("orders__lines")}, "'orders__lines' must not have '__'"),
        ({"resources": {}, "config": _named("orders", data_selector="data[[")}, "storefront/orders: data_selector"),
        ({"total_path": "a[["}, "total_path 'a.*' is not a JSON path"),
        (_with_options("orders", error_when="a[["), "storefront/orders: error_when 'a.*' is not a JSON path"),
        (_with_options("oders"), r"options for \['oders'\], which config does not define; did you mean 'orders'\?"),
        (
            {"resources": {}, "config": _named("orders", paginator={"type": "json_link", "next_url_path": "next[["})},
            "storefront/orders: paginator .* cannot be used",
        ),
        ({"resources": {}, "config": _named("orders", headers={"X-Api-Key": "k3y"})}, 'Secret."x_api_key".'),
        ({"resources": {}, "config": _named("orders", params={"access_token": "k3y"})}, "access_token of params"),
        ({"resources": {}, "config": _named("orders", auth={"type": "bearer", "token": "k3y"})}, "token of auth"),
    ],
)
def test_a_contradiction_fails_when_the_connector_is_made(changes, message):
    with pytest.raises(ValueError, match=message):
        _connector(**changes)


def test_resources_are_in_their_group_with_their_children_and_all_others_in_that_of_the_connector():
    groups = {
        str(resource): group_of(resource) for resource in _connector(groups={"sales": ("orders",)}).graph.values()
    }
    assert groups == {
        "storefront/customers": "storefront",
        "storefront/coupons": "storefront",
        "storefront/orders": "storefront_sales",
        "storefront/order_lines": "storefront_sales",
    }


@pytest.mark.parametrize("connector", [one for one in CONNECTORS.values() if not one.enabled], ids=lambda c: c.name)
def test_the_graph_of_a_group_of_a_vendor_is_no_higher_than_a_screen(connector: Connector):
    """The UI shows a resource and its first child in one row, and four rows without zooming out."""
    rows = Counter(group_of(resource) for resource in connector.graph.values() if not resource.children)
    assert len(rows) > 1 and max(rows.values()) <= 4


def test_a_misspelled_option_of_dlt_fails_when_the_connector_is_made():
    config = {**CONNECTORS["storefront"].config, "clients": {}}
    with pytest.raises(Exception, match="clients"):
        _connector(config=config)


LIST_OF = {"paddle/adjustments": "/adjustments", "shopify/orders": "/orders.json", "stripe/charges": "/v1/charges"}


@pytest.mark.parametrize(
    ("status", "advice"),
    [(400, "its message may name"), (402, "its plan"), (403, "check their scope"), (404, "check"), (422, "may name")],
)
@pytest.mark.parametrize("name", LIST_OF)
def test_an_error_that_may_be_about_one_resource_says_how_to_leave_it_out(api, read, name, status, advice):
    vendor, _, resource = name.partition("/")
    api.answer(LIST_OF[name], status, {"error": "not for you"})
    with pytest.raises(ApiError, match=f"answered {status}: .*not for you.*; .*{advice}") as failure:
        read(name)
    setting = f"SOURCES__{vendor.upper()}__RESOURCES=-{resource}"
    assert str(failure.value).endswith(f"; {setting} loads the others without it")


@pytest.mark.parametrize(("refused", "status", "other"), [("charges", 403, "payouts"), ("orders", 400, "events")])
def test_a_resource_that_is_refused_does_not_keep_the_others_out_and_is_left_out_as_its_error_says(
    api, materialize, warehouse, monkeypatch, refused, status, other
):
    vendor = "stripe" if refused == "charges" else "shopify"
    monkeypatch.setenv("CONNECTORS__ENABLED", vendor)
    monkeypatch.setenv(f"SOURCES__{vendor.upper()}__START_DATE", "2026-10-01")
    api.answer(LIST_OF[f"{vendor}/{refused}"], status, {"error": "not for you"})
    errors = materialize(f"{vendor}/{refused}", f"{vendor}/{other}").errors
    setting = f"SOURCES__{vendor.upper()}__RESOURCES"
    assert f"{setting}=-{refused} loads the others" in str(errors)
    assert f"{vendor}.{other}" in warehouse.tables()
    monkeypatch.setenv(setting, f"-{refused}")
    kept = selected_resources(CONNECTORS[vendor])
    assert other in kept
    assert not {refused, *(child.name for child in CONNECTORS[vendor].graph[refused].children)} & set(kept)

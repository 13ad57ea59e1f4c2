"""chargebee: Chargebee API v2. Source: apidocs.chargebee.com, read 2026-11-22.

Rows are inside the items of `list`, under the resource's own name; `next_offset` is sent back unchanged as `offset`
until it is missing. It contains the time and the id of a row, so rows do not move between pages (`pages_are_stable`).
Lists that can be filtered by `updated_at` are loaded in windows. The filter hides rows without `updated_at` (not
changed since 2016-09-28), so the first window is read without it, and so is one refresh in 30 days. The documentation
does not say whether `between` includes its bounds. Both are handled: the request covers one more second, and rows
outside the window are dropped. Deleted rows are requested where the list has them; their `deleted` is true.

comment and promotional_credit, which the API cannot update, have windows on `created_at`, event on `occurred_at`.
differential_price, gift, site_migration_detail and unbilled_charge cannot be filtered and are loaded whole. So are
item and its attached_item, because an attachment can change without its item. contact, quote_line_group and
subscription_with_scheduled_changes have no filter of their own: they are read for each parent that changed.

A site has one of two product catalogs. Lists of the other catalog return `configuration_incompatible`: this is
reported, and the table stays as it is. A subscription has a flag that says whether it has scheduled changes. If it lost
them in the meantime, the API returns `No changes are scheduled`, which is treated as an empty list. If a parent was
deleted, the request for its children returns 404 `resource_not_found`, which is counted; any other 404, such as
`site_not_found`, fails. Lists receive only parameters that their documentation names. The site's own fields (`cf_*`)
become columns.

Test sites and the smallest plan allow 150 requests per minute, which is the default here. Larger plans allow 1,000 or
3,500: set `requests_per_minute`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlt.sources.rest_api.typing import Endpoint, EndpointResource, ResponseActionDict

from connectors_dagster import Connector, Cursor, ResourceOptions, Retry, Secret, Setting, TimestampFormat

OTHER_CATALOG: ResponseActionDict = {"status_code": 400, "content": "configuration_incompatible", "action": "ignore"}
UNCHANGED: ResponseActionDict = {"status_code": 400, "content": "No changes are scheduled", "action": "ignore"}
GONE: ResponseActionDict = {"status_code": 404, "content": "resource_not_found", "action": "ignore"}

FILTERED = {
    **dict.fromkeys(("addon", "coupon", "credit_note", "customer", "hosted_page", "invoice"), "updated_at"),
    **dict.fromkeys(("item_family", "item_price", "order", "payment_source", "plan", "quote"), "updated_at"),
    **dict.fromkeys(("subscription", "transaction", "virtual_bank_account"), "updated_at"),
    **dict.fromkeys(("comment", "promotional_credit"), "created_at"),
    "event": "occurred_at",
}
"""The lists that can be filtered, each with the field to filter by."""
WITH_DELETED = {
    *("addon", "credit_note", "customer", "invoice", "order", "payment_source"),
    *("plan", "quote", "subscription", "transaction", "unbilled_charge"),
}
"""The lists for which `include_deleted` is documented."""
BOUNDS = "[{incremental.start_value},{incremental.end_value}]"
SECONDS = TimestampFormat(format="epoch_seconds")
CURSORS = {
    "updated_at": Cursor(timestamp_format=SECONDS, lower="exclusive", reread_without_cursor="P30D"),
    "created_at": Cursor(timestamp_format=SECONDS, lower="exclusive"),
    "occurred_at": Cursor(timestamp_format=SECONDS, lower="exclusive"),
}


def _list(name: str, path: str, *, ignoring: tuple[ResponseActionDict, ...] = ()) -> EndpointResource:
    params: dict[str, Any] = {"limit": 100} | ({"include_deleted": "true"} if name in WITH_DELETED else {})
    endpoint: Endpoint = {
        "path": path,
        "params": params,
        "data_selector": f"list[*].{name}",
        "paginator": {"type": "cursor", "cursor_path": "next_offset", "cursor_param": "offset"},
        "response_actions": [OTHER_CATALOG, *ignoring],
    }
    if field := FILTERED.get(name):
        endpoint |= {"params": {**params, f"{field}[between]": BOUNDS}, "incremental": {"cursor_path": field}}
    return {"name": name, "endpoint": endpoint}


def _of_each(name: str, path: str) -> EndpointResource:
    return {**_list(name, path, ignoring=(GONE,)), "include_from_parent": ["id"]}


UNFILTERED = "The API cannot filter by time: each refresh reads the whole list."
WITH_PARENT = "Read again when its {0} changes, one request per {0}."
ONE_CATALOG = "Only on sites with product catalog {}; on other sites it is reported as not available."
AFTER_MIGRATION = "After a migration of the catalog, backfill all windows once."
LIMITATIONS: Mapping[str, str] = {
    **{name: f"{ONE_CATALOG.format('1.0')} {AFTER_MIGRATION}" for name in ("addon", "plan")},
    **{name: f"{ONE_CATALOG.format('2.0')} {AFTER_MIGRATION}" for name in ("item_family", "item_price")},
    "item": f"{ONE_CATALOG.format('2.0')} Read whole, because attached_item is read for every item.",
    "attached_item": f"{ONE_CATALOG.format('2.0')} Each refresh makes one request per item.",
    "differential_price": f"{ONE_CATALOG.format('2.0')} {UNFILTERED}",
    "gift": UNFILTERED,
    "site_migration_detail": UNFILTERED,
    "unbilled_charge": f"{UNFILTERED} Deleted charges are requested too, with `deleted` set.",
    "contact": f"{WITH_PARENT.format('customer')} Contacts of a deleted customer keep the last row that was read.",
    "quote_line_group": WITH_PARENT.format("quote"),
    "subscription_with_scheduled_changes": (
        f"{WITH_PARENT.format('subscription')} Requested only if the subscription says that it has scheduled changes; "
        "the row is deleted once it has none."
    ),
    "event": "`content` holds the whole resource at the time of the event; its shape depends on `event_type`.",
}


HAS_CHILDREN = {"subscription_with_scheduled_changes": "has_scheduled_changes"}


def _options(name: str) -> ResourceOptions:
    return ResourceOptions(
        cursor=CURSORS[FILTERED[name]] if name in FILTERED else None,
        has_children_field=HAS_CHILDREN.get(name),
        known_limitations=LIMITATIONS.get(name, ""),
    )


connector = Connector(
    name="chargebee",
    description="Chargebee: customers, subscriptions, invoices, payments and the product catalog",
    schema=Path(__file__).with_suffix(".schema.yaml"),
    enabled=False,
    requests_per_minute=150,
    retry=Retry(attempts=10),
    pages_are_stable=True,
    ignored_responses={"configuration_incompatible": "not_available", "No changes are scheduled": "none"},
    credentials_help=(
        "In Chargebee, Settings > Configure Chargebee > API keys: create a read-only key with access to all data of "
        "the site. `base_url` is `https://<site>.chargebee.com/api/v2`; the name of a test site ends in `-test`."
    ),
    excluded={
        "card": "The API returns it next to customers and subscriptions; `payment_source` has cards and all other "
        "payment sources.",
    },
    resources={name: _options(name) for name in {**FILTERED, **LIMITATIONS}},
    groups={
        "customers": ("customer", "promotional_credit", "gift"),
        "subscriptions": ("subscription", "quote", "hosted_page"),
        "invoices": ("invoice", "credit_note", "unbilled_charge", "order"),
        "payments": ("transaction", "payment_source", "virtual_bank_account"),
        "items": ("item", "item_price", "item_family", "differential_price"),
        "plans": ("plan", "addon", "coupon"),
    },
    config={
        "client": {
            "base_url": Setting("base_url"),
            "auth": {"type": "http_basic", "username": Secret("api_key"), "password": ""},
        },
        "resource_defaults": {"primary_key": "id", "write_disposition": "merge"},
        "resources": [
            _list("customer", "/customers"),
            _of_each("contact", "/customers/{resources.customer.id}/contacts"),
            _list("subscription", "/subscriptions"),
            {
                "name": "subscription_with_scheduled_changes",
                "include_from_parent": ["id"],
                "endpoint": {
                    "path": "/subscriptions/{resources.subscription.id}/retrieve_with_scheduled_changes",
                    "data_selector": "subscription",
                    "paginator": "single_page",
                    "response_actions": [UNCHANGED, GONE],
                },
            },
            _list("invoice", "/invoices"),
            _list("credit_note", "/credit_notes"),
            _list("transaction", "/transactions"),
            _list("payment_source", "/payment_sources"),
            _list("virtual_bank_account", "/virtual_bank_accounts"),
            _list("order", "/orders"),
            _list("quote", "/quotes"),
            _of_each("quote_line_group", "/quotes/{resources.quote.id}/quote_line_groups"),
            _list("unbilled_charge", "/unbilled_charges"),
            _list("promotional_credit", "/promotional_credits"),
            _list("coupon", "/coupons"),
            _list("gift", "/gifts"),
            _list("hosted_page", "/hosted_pages"),
            _list("event", "/events"),
            _list("comment", "/comments"),
            _list("addon", "/addons"),
            _list("plan", "/plans"),
            _list("item", "/items"),
            _of_each("attached_item", "/items/{resources.item.id}/attached_items"),
            _list("item_price", "/item_prices"),
            _list("item_family", "/item_families"),
            _list("differential_price", "/differential_prices"),
            {
                **_list("site_migration_detail", "/site_migration_details"),
                "primary_key": ["entity_id", "entity_type"],
            },
        ],
    },
)

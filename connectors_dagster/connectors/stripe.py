"""stripe: Stripe API v1, version 2026-10-28.endive.

Sources, read 2026-11-27: the types, list parameters and descriptions of the vendor's package stripe 16.1.0 (PyPI),
which are generated from its OpenAPI file; openapi/fixtures3.json of github.com/stripe/openapi (f6c2a48f);
docs.stripe.com/rate-limits; and, for lists in rows, issue 381 of github.com/stripe/stripe-dotnet.

Lists are sorted by creation, the newest first. Each page is requested `starting_after` the last id of the previous one,
until `has_more` is false, so rows created in the meantime do not move others (`pages_are_stable`). Objects have no
time of change, and the only filter by time is `created`: `created[gte]` is inclusive, to the second.

What changes for some days or weeks after its creation is loaded in windows on `created`, and each refresh reads the
last 30 days again (`changes_within`): an invoice is paid, a charge is refunded. Balance transactions only become
available, which takes some days; events do not change. What may change at any time, such as customers, subscriptions
and prices, is loaded whole. So is what is rare but changes late: disputes, reviews and warnings. Subscriptions are
requested in all states. Stripe does not list deleted objects: they are marked as missing in tables that are loaded
whole.

An invoice and a subscription contain the first of their lines and items, ten at most, with `has_more`. Those become
tables. If there are more, all of them are requested into a second table, so that no line is lost and few requests are
made.

`client_secret`, with which a browser can complete a payment, is not loaded. Rows are written in the version of the API
that the header names, whatever the version of the account; the objects in events have the version of the event.
Restricted keys are answered with 403 for what they may not read.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from dlt.sources.rest_api.typing import EndpointResource, IncrementalConfig

from connectors_dagster import (
    Connector,
    Cursor,
    ResourceOptions,
    Retry,
    Secret,
    Setting,
    TimestampFormat,
    Transformation,
)

CREATED: IncrementalConfig = {"cursor_path": "created", "start_param": "created[gte]", "end_param": "created[lt]"}
SECONDS = TimestampFormat(format="epoch_seconds")
FIXED, CHANGING = Cursor(timestamp_format=SECONDS), Cursor(timestamp_format=SECONDS, changes_within="P30D")
WINDOWED: Mapping[str, str] = {
    "balance_transactions": "/v1/balance_transactions",
    "charges": "/v1/charges",
    "payment_intents": "/v1/payment_intents",
    "setup_intents": "/v1/setup_intents",
    "refunds": "/v1/refunds",
    "invoices": "/v1/invoices",
    "credit_notes": "/v1/credit_notes",
    "checkout_sessions": "/v1/checkout/sessions",
    "payouts": "/v1/payouts",
    "transfers": "/v1/transfers",
    "topups": "/v1/topups",
    "application_fees": "/v1/application_fees",
    "events": "/v1/events",
}
WHOLE: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "customers": ("/v1/customers", {}),
    "subscriptions": ("/v1/subscriptions", {"status": "all"}),
    "subscription_schedules": ("/v1/subscription_schedules", {}),
    "invoice_items": ("/v1/invoiceitems", {}),
    "products": ("/v1/products", {}),
    "prices": ("/v1/prices", {}),
    "coupons": ("/v1/coupons", {}),
    "promotion_codes": ("/v1/promotion_codes", {}),
    "tax_rates": ("/v1/tax_rates", {}),
    "shipping_rates": ("/v1/shipping_rates", {}),
    "payment_links": ("/v1/payment_links", {}),
    "quotes": ("/v1/quotes", {}),
    "disputes": ("/v1/disputes", {}),
    "reviews": ("/v1/reviews", {}),
    "early_fraud_warnings": ("/v1/radar/early_fraud_warnings", {}),
}
DELETABLE = ("customers", "invoice_items", "products", "prices", "coupons")
"""The objects that can be deleted, and then are not listed any more."""
WITH_SECRET = ("payment_intents", "setup_intents", "checkout_sessions")
WITHOUT_SECRET = Transformation(remove_fields=("client_secret",))
LATE = (
    "A change more than 30 days after the creation is not loaded until the window is read in full; `events` has it. "
    "A longer `LOOKBACK` reads more again."
)
READ_WHOLE = "The API cannot filter by time of change: each refresh reads the whole list."
MARKED = f"{READ_WHOLE} Deleted rows are marked as missing."
REST = "Requested only for rows of `{}` whose list is cut; prefer these rows to those of `{}`."


def _cut(name: str) -> Transformation:
    """Add a field that says whether a list in the row has only some of its items, or may have."""
    found = f"record['{name}']"  # `record.items` is a method of Python's
    cut = f"({found}.has_more if 'has_more' in {found} else true) if {found} else false"
    return Transformation(add_fields={f"{name}_are_cut": f"{{{{ {cut} }}}}"})


def _options(name: str) -> ResourceOptions:
    options: dict[str, Any] = {"transformations": (WITHOUT_SECRET,)} if name in WITH_SECRET else {}
    if name in WINDOWED:
        return ResourceOptions(**{"cursor": CHANGING, "known_limitations": LATE, **options, **MORE.get(name, {})})
    missing = {"missing_rows": "mark", "known_limitations": MARKED} if name in DELETABLE else {}
    return ResourceOptions(**{"known_limitations": READ_WHOLE, **missing, **MORE.get(name, {})})


MORE: Mapping[str, Mapping[str, Any]] = {
    "events": {
        "cursor": FIXED,
        "known_limitations": "Stripe keeps events for 30 days; older windows are empty or stay as loaded. The "
        "object in `data` is written in the version of the API that `api_version` names.",
    },
    "balance_transactions": {
        "cursor": replace(CHANGING, changes_within="P10D"),
        "known_limitations": "`status` is read again for 10 days after the creation, until the amount is available. "
        "Where that takes longer, read its window in full.",
    },
    "invoices": {
        "children": {"lines.data": "invoice_lines"},
        "transformations": (_cut("lines"),),
        "known_limitations": f"{LATE} A draft that is deleted keeps the last row that was read.",
    },
    "subscriptions": {"children": {"items.data": "subscription_items"}, "transformations": (_cut("items"),)},
}


def _list(name: str, path: str, params: Mapping[str, str], **endpoint: Any) -> EndpointResource:
    # No variable for the whole: dlt checks the names of an endpoint only in a literal.
    return {"name": name, "endpoint": {"path": path, "params": {"limit": 100, **params}, **endpoint}}  # type: ignore[typeddict-item]


connector = Connector(
    name="stripe",
    description="Stripe: payments, invoices, subscriptions, customers, the balance and the product catalog",
    schema=Path(__file__).with_suffix(".schema.yaml"),
    enabled=False,
    requests_per_minute=1200,
    retry=Retry(attempts=5),
    pages_are_stable=True,
    credentials_help=(
        "In Stripe, Developers > API keys: create a restricted key with the permission Read for the resources that you "
        "load. `base_url` is `https://api.stripe.com`; the key says whether it is live or a sandbox. `account` is the "
        "id of a connected account, `acct_…`, if a platform reads its data."
    ),
    excluded={
        "payment_methods": "The list requires a customer, so it would take one request per customer.",
        "customer_balance_transactions, customer_tax_ids": "One request per customer; `balance` of `customers` has the "
        "sum, and `invoices` have the tax ids.",
        "checkout_session_line_items, quote_line_items, credit_note_lines, payment_link_line_items": "One request per "
        "row. Invoices of payments by the page have lines, and credit notes contain the first of theirs in `lines`.",
        "invoice_payments": "`charges` and `payment_intents` have the payments; those made outside Stripe are in "
        "`amount_paid_off_stripe` of `invoices`.",
        "transfer_reversals, application_fee_refunds": "The first of them are in `transfers` and `application_fees`.",
        "setup_attempts": "The list requires a setup intent, so it would take one request for each of them.",
        "plans": "The older form of prices; every plan is in `prices`.",
        "files, file_links": "Contents of files are not rows.",
        "accounts, persons, capabilities": "Connected accounts of a platform: personal data for their verification.",
        "issuing, treasury, terminal, climate, identity, financial_connections, tax": "Products "
        "of Stripe with lists of their own that most accounts do not have.",
        "webhook_endpoints, configurations": "Settings of the account. Addresses of webhooks can contain passwords.",
        "balance, reports": "Figures that can be computed from `balance_transactions`; files of reports are not rows.",
    },
    resources={
        **{name: _options(name) for name in (*WINDOWED, *WHOLE)},
        "invoice_lines_in_full": ResourceOptions(
            has_children_field="lines_are_cut", known_limitations=REST.format("invoices", "invoice_lines")
        ),
        "subscription_items_in_full": ResourceOptions(
            has_children_field="items_are_cut", known_limitations=REST.format("subscriptions", "subscription_items")
        ),
    },
    groups={
        "payments": ("charges", "payment_intents", "setup_intents", "refunds"),
        "risk": ("disputes", "reviews", "early_fraud_warnings"),
        "invoices": ("invoices", "invoice_items", "credit_notes"),
        "subscriptions": ("subscriptions", "subscription_schedules", "quotes"),
        "catalog": ("products", "prices", "coupons", "promotion_codes"),
        "checkout": ("checkout_sessions", "payment_links", "tax_rates", "shipping_rates"),
        "balance": ("balance_transactions", "payouts", "transfers", "topups"),
    },
    config={
        "client": {
            "base_url": Setting("base_url"),
            "auth": {"type": "bearer", "token": Secret("api_key")},
            "headers": {
                "Stripe-Version": "2026-10-28.endive",
                "Stripe-Account": Setting("account", default=None, description="id of a connected account"),
            },
        },
        "resource_defaults": {
            "primary_key": "id",
            "write_disposition": "merge",
            "endpoint": {
                "data_selector": "data",
                "paginator": {
                    "type": "cursor",
                    "cursor_path": "data[-1].id",
                    "cursor_param": "starting_after",
                    "has_more_path": "has_more",
                },
            },
        },
        "resources": [
            *(_list(name, path, {}, incremental=CREATED) for name, path in WINDOWED.items()),
            *(_list(name, path, params) for name, (path, params) in WHOLE.items()),
            {
                **_list("invoice_lines_in_full", "/v1/invoices/{resources.invoices.id}/lines", {}),
                "include_from_parent": ["id"],
            },
            {
                **_list(
                    "subscription_items_in_full",
                    "/v1/subscription_items",
                    {"subscription": "{resources.subscriptions.id}"},
                ),
                "include_from_parent": ["id"],
            },
        ],
    },
)

"""Where the sandbox listens and the credentials it accepts, also as environment variables."""

from collections.abc import Mapping
from types import MappingProxyType

CREDENTIALS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "storefront": {"api_key": "sandbox-storefront-key", "api_secret": "sandbox-storefront-secret"},
        "catalog": {"api_key": "sandbox-catalog-key"},
        "fulfillment": {"username": "sandbox-fulfillment-user", "password": "sandbox-fulfillment-password"},
        "billing": {"api_key": "sandbox-billing-key"},
        "subscriptions": {"api_key": "sandbox-subscriptions-key"},
        "woocommerce": {"consumer_key": "ck_sandbox", "consumer_secret": "cs_sandbox"},
        "picqer": {"api_key": "sandbox-picqer-key"},
        "paddle": {"api_key": "sandbox-paddle-key"},
        "chargebee": {"api_key": "sandbox-chargebee-key"},
        "stripe": {"api_key": "rk_sandbox"},
        "shopify": {"access_token": "shpat_sandbox"},
    }
)

# Other settings of a connector.
MORE: Mapping[str, Mapping[str, str]] = MappingProxyType({"picqer": {"user_agent": "Sandbox (sandbox@example.com)"}})

# The path of each connector's base URL; the rest of a path belongs to its resources.
PREFIXES: Mapping[str, str] = MappingProxyType(
    {
        "storefront": "/storefront",
        "catalog": "/catalog",
        "fulfillment": "/fulfillment/v1/",
        "billing": "/billing",
        "subscriptions": "/subscriptions",
        "woocommerce": "/woocommerce/wp-json/wc/v3",
        "picqer": "/picqer/api/v1/",
        "paddle": "/paddle",
        "chargebee": "/chargebee/api/v2",
        "stripe": "/stripe",
        "shopify": "/shopify/admin/api/2026-07",
    }
)


def base_url(port: int, connector: str) -> str:
    """Return the base URL of a connector for a sandbox that listens on `port`."""
    return f"http://127.0.0.1:{port}{PREFIXES[connector]}"


def environment(port: int) -> dict[str, str]:
    """Return all settings of all connectors as the environment variables dlt reads."""
    settings = {
        connector: {"base_url": base_url(port, connector), **credentials, **MORE.get(connector, {})}
        for connector, credentials in CREDENTIALS.items()
    }
    return {
        f"SOURCES__{connector}__{name}".upper(): value
        for connector, values in settings.items()
        for name, value in values.items()
    }

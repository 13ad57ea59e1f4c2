"""A connector for tests: one resource, `things`, with a URL and credentials that the test chooses."""

from pathlib import Path
from typing import Any

from connectors_dagster import Connector, Resource, Retry, Secret, Setting

DEFAULT_RETRY = Retry()
SECRETS = {"api_key": "k3y/with+all%kinds&of=signs", "username": "Jürgen@example.com", "password": 'pa"ss\\wörd #1'}
AUTH: dict[str, Any] = {
    "basic": {"type": "http_basic", "username": Secret("username"), "password": Secret("password")},
    "basic without password": {"type": "http_basic", "username": Secret("api_key"), "password": ""},
    "bearer": {"type": "bearer", "token": Secret("api_key")},
    "query": {"type": "api_key", "name": "api_key", "api_key": Secret("api_key"), "location": "query"},
    "header": {"type": "api_key", "name": "X-Token", "api_key": Secret("api_key"), "location": "header"},
}


def things(
    folder: Path,
    *,
    auth: str = "bearer",
    paginator: Any = "single_page",
    path: str = "/things",
    selector: str = "data",
    retry: Retry = DEFAULT_RETRY,
    **endpoint: Any,
) -> Resource:
    """Declare the resource; its settings are read as ``SOURCES__SHOP__…``."""
    schema = folder / "shop.schema.yaml"
    schema.write_text("tables: {things: {columns: {id: {data_type: text, nullable: false}}}}\n")
    connector = Connector(
        name="shop",
        description="A shop",
        schema=schema,
        retry=retry,
        config={
            "client": {"base_url": Setting("base_url"), "auth": AUTH[auth], "paginator": paginator},
            "resources": [
                {
                    "name": "things",
                    "primary_key": "id",
                    "write_disposition": "merge",
                    "endpoint": {"path": path, "data_selector": selector, **endpoint},
                }
            ],
        },
    )
    return connector.graph["things"]


def settings(base_url: str) -> dict[str, str]:
    """Return base URL and credentials as the environment variables that dlt reads."""
    values = {"base_url": base_url, **SECRETS}
    return {f"SOURCES__SHOP__{name}".upper(): value for name, value in values.items()}

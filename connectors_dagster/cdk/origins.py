"""The addresses that a stream of a manifest sends requests to, as its settings make them."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from connectors_dagster.expressions.expression import Expression, ExpressionError

ADDRESSES = ("url_base", "url", "token_refresh_endpoint")
"""Fields of components that are an address."""
BEGINNING = re.compile(r"\s*https?://(?:\{\{.*?\}\}|[^/{])+")


def addresses(component: Any, config: Mapping[str, Any]) -> list[str]:
    """Return the addresses in a component and in everything inside it, each once.

    Of an address that is made of a row or a response, only what comes before the path counts; if that is also made of
    one, requests to it are refused.
    """
    return list(dict.fromkeys(_addresses(component, config)))


def _addresses(component: Any, config: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(component, Mapping):
        parameters = component.get("$parameters") or {}
        for key, value in component.items():
            if key in ADDRESSES and isinstance(value, str):
                yield from _rendered(value, config, parameters)
            elif key not in ("$parameters", "schema_loader"):
                yield from _addresses(value, config)
    elif isinstance(component, list):
        for item in component:
            yield from _addresses(item, config)


def _rendered(text: str, config: Mapping[str, Any], parameters: Mapping[str, Any]) -> Iterator[str]:
    beginning = BEGINNING.match(text)
    for one in (text, *([beginning[0]] if beginning else ())):
        try:
            found = Expression(one, kind="text").render(config=config, parameters=parameters)
        except ExpressionError:
            continue
        if isinstance(found, str) and re.match(r"\s*https?://", found):
            yield found.strip()
            return

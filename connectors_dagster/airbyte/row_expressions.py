"""Expressions over rows: in a filter, and as the values of added fields."""

import re

from connectors_dagster.airbyte.errors import NotNativeError
from connectors_dagster.airbyte.stream import Stream
from connectors_dagster.airbyte.texts import OVER, compiled
from connectors_dagster.expressions.expression import ALIASES, Expression
from connectors_dagster.expressions.lookup import Lookup

CLOCK = re.compile(r"\b(now_utc|today_utc|today_with_timezone)\b")


def write_expression(text: str, stream: Stream, *, typed: bool = False) -> str:
    """Return an expression over a row in which what the stream is requested for has the names of a connector.

    Args:
        text: what the manifest says.
        stream: where it says it.
        typed: whether the value must have a declared type.

    Raises:
        NotNativeError: it reads something that is not known when rows are changed, or the clock.
    """
    expression = compiled(text)
    if CLOCK.search(text):
        raise NotNativeError("a field with the time at which a row is read", text)
    if expression.names <= {"record"}:
        return text
    if expression.lookup and expression.names == {"stream_slice"} and not typed:
        return _partition(expression, expression.lookup, stream)
    raise NotNativeError(f"{OVER} {' and '.join(sorted(expression.names))} in rows", text)


def _partition(expression: Expression, lookup: Lookup, stream: Stream) -> str:
    """Return a lookup of what the stream is requested for."""
    keys = [step.key for step in lookup.steps]
    if len(keys) == 1 and stream.parent and keys[0] == str(stream.parent_config.get("partition_field")):
        return f"{{{{ parent['{stream.parent_config['parent_key']}'] }}}}"
    if len(keys) == 1 and keys[0] in stream.lists:
        return f"{{{{ each['{stream.lists[str(keys[0])]}'] }}}}"
    name = ALIASES.get(lookup.name, lookup.name)
    raise NotNativeError(f"{OVER} {name} in rows", expression.text)

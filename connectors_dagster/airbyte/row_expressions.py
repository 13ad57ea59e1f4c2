"""Expressions over rows: in a filter, and as the values of added fields."""

import re
from collections.abc import Mapping

from connectors_dagster.airbyte.clock_fields import CLOCK, MADE_UP
from connectors_dagster.airbyte.errors import NotNativeError
from connectors_dagster.airbyte.expressions import compiled
from connectors_dagster.airbyte.stream import Stream
from connectors_dagster.airbyte.texts import OVER
from connectors_dagster.expressions.expression import ALIASES
from connectors_dagster.expressions.lookup import Lookup
from connectors_dagster.spec.transformations import SCOPE

SLICE = "stream_slice"
LOOKUP = re.compile(
    r"\bstream_(?:slice|partition|interval)"
    r"(?:\.(?P<name>(?!get\b)\w+)|\[\s*(?P<q>['\"])(?P<key>\w+)(?P=q)\s*\]|\.get\(\s*(?P<p>['\"])(?P<got>\w+)(?P=p)\s*\))"
)
"""A lookup of what a stream is requested for."""


def write_expression(text: str, stream: Stream, *, typed: bool = False, clock: bool = False) -> str:
    """Return an expression over a row in which what the stream is requested for has the names of a connector.

    Args:
        text: what the manifest says.
        stream: where it says it.
        typed: whether the value must have a declared type.
        clock: whether it may be the time at which rows are read, and nothing else.

    Raises:
        NotNativeError: it reads something that is not known when rows are changed, the clock, or what is made up.
    """
    if CLOCK.search(text) and (not clock or compiled(text).names):
        raise NotNativeError("a field with the time at which a row is read", text)
    if MADE_UP.search(text):
        raise NotNativeError("a field whose value is made up for each row", text)
    expression, known = compiled(text), _known(stream, typed=typed)
    looked_up = [one for one in expression.lookups if ALIASES.get(one.name, one.name) == SLICE]
    written, count = LOOKUP.subn(lambda found: known.get(_name(found), found[0]), text)
    # A lookup in another form, of something else or inside a text is not replaced, or is counted wrongly.
    same = count == len(looked_up) and all(_key(one) in known for one in looked_up)
    if same and compiled(written).names <= SCOPE:
        return written
    raise NotNativeError(f"{OVER} {' and '.join(sorted(expression.names))} in rows", text)


def _known(stream: Stream, *, typed: bool) -> Mapping[str, str]:
    """Return what a row may be requested for, by the names in the manifest.

    A value of a list may be a number that the manifest writes in another way, so that it has no declared type.
    """
    lists = {} if typed else {name: f"each['{own}']" for name, own in stream.lists.items()}
    field = str(stream.parent_config.get("partition_field"))
    return {**lists, **({field: f"parent['{stream.parent_config['parent_key']}']"} if stream.parent else {})}


def _name(found: re.Match[str]) -> str:
    return found["name"] or found["key"] or found["got"]


def _key(lookup: Lookup) -> object:
    """Return the name that is looked up; of anything inside of it, too much may be missing."""
    return lookup.steps[0].key if len(lookup.steps) == 1 else None

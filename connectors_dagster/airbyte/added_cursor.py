"""A cursor that a transformation adds: whether it is the time by which requests filter, or another one."""

import re

from connectors_dagster.airbyte.expressions import compiled
from connectors_dagster.airbyte.stream import Stream

LOOKUP = r"""record(?:\.(?!get\b)\w+|\.get\( *(?:'[^']+'|"[^"]+") *\)|\[ *(?:'[^']+'|"[^"]+"|-?\d+) *\])+"""
PART = r"""(?:\[:10\]|\.split\( *(?:'[.T]'|"[.T]") *\)\[0\])"""
VALUE = rf"""(?:{LOOKUP}{PART}?|'[^']*'|"[^"]*")"""
FORM = r"""(?:%Y-%m-%d|[^'"]*%(?:[sST]|ms)[^'"]*)"""
FORMATTED = rf"""format_datetime\( *{LOOKUP} *, *(?:'{FORM}'|"{FORM}")(?: *, *(?:'[^']*'|"[^"]*"))? *\)"""
EXACT = re.compile(rf"\s*\{{\{{\s*(?:{VALUE}(?:\s+or\s+{VALUE})*(?:\s*\|\s*float)?|{FORMATTED})\s*\}}\}}\s*")
"""A value that is that of another field, perhaps written in another way: to the second, or as a date."""


def computed_cursor(name: str, stream: Stream, *, seen: frozenset[str] = frozenset()) -> str:
    """Return what a field is computed from, if it is no copy of another one; else an empty text.

    The API compares a time that was not computed. So a row may be requested for one window, and belong to another one.
    """
    for text in stream.added_values(name):
        if not EXACT.fullmatch(text):
            return text
        read = {str(one.steps[0].key) for one in compiled(text).lookups if one.steps} - seen - {name}
        for other in sorted(read):
            if found := computed_cursor(other, stream, seen=seen | {name}):
                return found
    return ""

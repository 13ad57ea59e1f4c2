"""Cursors in the form that most APIs use, parsed a page at a time.

Arrow parses whole batches faster, but for the 100 rows of a page, calling it takes longer than parsing.
"""

import re
from datetime import datetime, timedelta

from connectors_dagster.rows.raw_json import SEPARATOR

_ONE = rb'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3}|\.\d{6})?%b"'
_IN_UTC, _LOCAL = (re.compile(b"%b(?:%b%b)*" % (one, SEPARATOR, one)) for one in (_ONE % b"Z", _ONE % b""))
_EPOCH, _MICROSECOND = datetime(1970, 1, 1), timedelta(microseconds=1)  # without a zone, as the parsed texts


def utc_microseconds(texts: bytes, *, local_is_utc: bool) -> list[int] | None:
    """Parse timestamps in UTC, such as ``2024-01-31T12:00:00Z``, as microseconds since 1970.

    Returns None if a value has another form: then the parser of timestamp columns must read them all.

    Args:
        texts: one JSON text per row, joined by separators.
        local_is_utc: whether text without a time zone is in UTC.
    """
    if not (_IN_UTC.fullmatch(texts) or (local_is_utc and _LOCAL.fullmatch(texts))):
        return None
    values = texts[1:-1].decode().replace("Z", "").split('"\0"')
    try:
        return [(datetime.fromisoformat(value) - _EPOCH) // _MICROSECOND for value in values]
    except ValueError:  # such as 24:00, or a month 13
        return None

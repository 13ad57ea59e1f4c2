"""Errors that an API reports in the body of a successful response."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from connectors_dagster.compat.dlt_internals import find_values

FAILED = {"error", "failed", "failure", "fail"}
SUCCESS = {"success", "ok", "issuccess", "successful"}
OUTCOMES = {"status", "result", "code", "statuscode"}
ERRORS = {"error", "errors", "fault", "errorcode", "errormessage", "errormsg", "errcode", "errno", "exception"}
SHOWN = SUCCESS | OUTCOMES | ERRORS
STATUS = re.compile(r"[45]\d\d+")
NO_ERROR = {"", "0", "200", "ok", "none", "null", "false", "success"}


def reports_error(body: Any, error_when: str | None, rows_at: Sequence[str] | None = None) -> bool:
    """Return whether a body reports an error.

    Args:
        body: the parsed body.
        error_when: a JSON path whose value is an error if it is present and not empty; None to look for the shapes
            that APIs commonly use; an empty text to look for none.
        rows_at: the names on the path to the rows; some fields are an error only if there are no rows.
    """
    if error_when is not None:
        return bool(error_when) and any(find_values(error_when, body))
    return isinstance(body, Mapping) and _has_common_shape(body, has_rows=_has_rows(body, rows_at))


def _has_rows(body: Mapping[str, Any], rows_at: Sequence[str] | None) -> bool:
    """Return whether there are rows, or if the path to them is not simple, whether anything is beside an error."""
    found: Any = body
    for name in rows_at or ("*",):
        if name == "*":
            return any(value for field, value in body.items() if _plain(field) not in ERRORS)
        found = found.get(name) if isinstance(found, Mapping) else None
    return bool(found)


def _has_common_shape(body: Mapping[str, Any], *, has_rows: bool) -> bool:
    for field, value in body.items():
        name = _plain(field)
        if name not in SHOWN:
            continue  # and do not write all rows as text
        text = str(value).lower()
        if name in SUCCESS and (value is False or (not has_rows and text in ("false", "0"))):
            return True
        if name in OUTCOMES and (text in FAILED or (not has_rows and STATUS.fullmatch(text))):
            return True
        if name in ERRORS and value and text not in NO_ERROR and not has_rows and not _is_alone(body):
            return True
    return False


def _is_alone(body: Mapping[str, Any]) -> bool:
    """Return whether an error is all there is: then the list is missing, which is reported with the error."""
    return all(_plain(field) in ERRORS for field in body)


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")

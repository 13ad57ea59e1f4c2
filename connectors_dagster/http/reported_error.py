"""Errors that an API reports in the body of a successful response."""

from collections.abc import Mapping
from typing import Any

from connectors_dagster.compat.dlt_internals import jsonpath

FAILED = {"error", "failed", "failure"}


def reports_error(body: Any, error_when: str | None) -> bool:
    """Return whether a body reports an error.

    Args:
        body: the parsed body.
        error_when: a JSON path whose value is an error if it is present and not empty; None to look for the shapes
            that APIs commonly use; an empty text to look for none.
    """
    if error_when is not None:
        return bool(error_when) and any(jsonpath.find_values(jsonpath.compile_path(error_when), body))
    return isinstance(body, Mapping) and _has_common_shape(body)


def _has_common_shape(body: Mapping[str, Any]) -> bool:
    if body.get("success") is False or body.get("ok") is False or str(body.get("status")).lower() in FAILED:
        return True
    others = [value for name, value in body.items() if name not in ("errors", "error")]
    return bool(body.get("errors") or body.get("error")) and bool(others) and not any(others)

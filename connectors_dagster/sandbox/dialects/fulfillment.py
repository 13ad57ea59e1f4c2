"""The fulfillment dialect: basic credentials, offset and limit, numbered errors."""

from typing import Any

from connectors_dagster.sandbox.dialects.auth import basic
from connectors_dagster.sandbox.dialects.dialect import Dialect, RequestError
from connectors_dagster.sandbox.dialects.offset import offset_pages
from connectors_dagster.sandbox.dialects.parameters import PageSize
from connectors_dagster.sandbox.settings import CREDENTIALS

_CODES = {400: 11, 401: 2, 404: 20}
_KEYS = CREDENTIALS["fulfillment"]


def _error(problem: RequestError) -> dict[str, Any]:
    return {"error": True, "error_code": _CODES[problem.status], "error_message": problem.message}


DIALECT = Dialect(
    admits=basic(_KEYS["username"], _KEYS["password"]),
    page=offset_pages(PageSize(parameter="limit", default=10, maximum=100)),
    error=_error,
)

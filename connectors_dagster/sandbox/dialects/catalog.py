"""The catalog's dialect: a key in the query string, offset and limit."""

from typing import Any

from connectors_dagster.sandbox.dialects.auth import query_parameter
from connectors_dagster.sandbox.dialects.dialect import Dialect, RequestError
from connectors_dagster.sandbox.dialects.offset import offset_pages
from connectors_dagster.sandbox.dialects.parameters import PageSize
from connectors_dagster.sandbox.settings import CREDENTIALS


def _error(problem: RequestError) -> dict[str, Any]:
    return {"error": {"status": problem.status, "message": problem.message}}


DIALECT = Dialect(
    admits=query_parameter("api_key", CREDENTIALS["catalog"]["api_key"]),
    page=offset_pages(PageSize(parameter="limit", default=50, maximum=100)),
    error=_error,
)

"""First pages that are requested without a page number or an offset."""

from typing import Any

import requests
from dlt.sources.helpers.rest_client.paginators import RangePaginator


def omit_first_number(request: requests.Request, paginator: RangePaginator) -> None:
    """Take the page number or offset out of a request for the first page."""
    if paginator.current_value != paginator.initial_value:
        return
    if paginator.param_name:
        request.params.pop(paginator.param_name, None)
        return
    *objects, last = str(paginator.param_body_path).split(".")
    body: Any = request.json
    for name in objects:
        body = body[name]
    body.pop(last, None)

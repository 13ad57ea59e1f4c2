"""What an API answered, for the record of a run that failed."""

import requests

from connectors_dagster.secrets.redaction import excerpt, redact

REQUEST_IDS = ("X-Request-Id", "Request-Id", "X-Correlation-Id", "X-Amzn-RequestId", "CF-Ray")
BODY = 500
"""Characters."""


def name_request(request: requests.PreparedRequest) -> str:
    """Return method and address of a request, without secrets."""
    return redact(f"{request.method} {request.url}")


def describe_answer(response: requests.Response, *, body: bool = True) -> dict[str, str | int]:
    """Return request, status, the API's own number of the request where it gives one, and how the body begins."""
    found = next((response.headers[name] for name in REQUEST_IDS if name in response.headers), None)
    return {
        "request": name_request(response.request),
        "status": response.status_code,
        **({"request_id": excerpt(found, BODY)} if found else {}),
        **({"body": excerpt(response.text, BODY)} if body else {}),
    }

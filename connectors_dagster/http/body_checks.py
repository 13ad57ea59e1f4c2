"""Checks of the body of a successful response, before it is looked at as a page."""

from collections.abc import Sequence

import requests

from connectors_dagster.compat.dlt_internals import find_values
from connectors_dagster.errors import ApiError, TransientApiError
from connectors_dagster.http.failure import with_response
from connectors_dagster.http.reported_error import reports_error
from connectors_dagster.http.response import JsonResponse, describe_request
from connectors_dagster.secrets.redaction import excerpt


def check_json(request: requests.PreparedRequest, response: requests.Response, label: str) -> None:
    """Refuse a body that is not JSON.

    Raises:
        TransientApiError: says what it is instead.
    """
    try:
        response.json()
        return
    except UnicodeDecodeError as error:
        wrong = f"{error.object[error.start]:#x} at byte {error.start:,}"
        what = f"a body that is not {error.encoding}, because of {wrong}: the API must write it as it declares"
    except ValueError:
        start = excerpt(response.content.decode("utf-8", "replace"), 200)
        kind = f"a body that is not JSON ({response.headers.get('Content-Type')}), beginning with {start!r}"
        what = f"{kind if response.content else 'an empty body'}: check base_url and path"
    failure = TransientApiError(f"{label}: {describe_request(request)} answered {response.status_code} with {what}")
    raise with_response(failure, response)


def check_reported_error(
    request: requests.PreparedRequest, response: JsonResponse, label: str, *, error_when: str | None, retried: bool
) -> None:
    """Refuse a body that reports an error, see `reports_error`.

    Raises:
        TransientApiError: such errors are `retried`.
        ApiError: they are not.
    """
    if not reports_error(response.json(), error_when, response.rows_at):
        return
    kind = TransientApiError if retried else ApiError
    failure = kind(
        f"{label}: {describe_request(request)} answered {response.status_code} and reports an error: "
        f"{excerpt(response.text, 300)}; if it is not an error, set error_when"
    )
    raise with_response(failure, response)


def refuse_to_ignore(
    request: requests.PreparedRequest,
    response: requests.Response,
    label: str,
    rows_at: Sequence[str] | None,
    *,
    after_pages: bool,
) -> ApiError | None:
    """Return an error if ignoring a response would lose rows: those in it, or those on the pages that follow it.

    Args:
        request: what was sent.
        response: what is to be ignored.
        label: names the sequence of requests.
        rows_at: the names on the path to the rows.
        after_pages: whether there are pages before it.
    """
    rows = _count_rows(response, rows_at) if rows_at and response.ok else 0
    if not rows and not after_pages:
        return None
    reason = f"it has {rows} rows" if rows else "there are pages before it, so that those after it would be lost"
    what = f"{label}: {describe_request(request)} answered {response.status_code}: {excerpt(response.text, 300)}"
    return with_response(
        ApiError(f"{what}: response_actions or responses ignore it, but {reason}: narrow them"), response
    )


def _count_rows(response: requests.Response, rows_at: Sequence[str]) -> int:
    try:
        found = find_values(".".join(rows_at), response.json())
    except ValueError:
        return 0  # it is empty, or no JSON
    return sum(len(item) for item in found if isinstance(item, list))

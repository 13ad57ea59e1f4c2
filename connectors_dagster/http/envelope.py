"""The envelope of a page: where its list is, and what may be in place of one."""

import logging
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import requests
from dlt.sources.helpers.rest_client.client import PageData

from connectors_dagster.compat.dlt_internals import find_values
from connectors_dagster.errors import EnvelopeError
from connectors_dagster.http.reported_error import names_an_error
from connectors_dagster.rows.raw_json import RawRow
from connectors_dagster.secrets.redaction import excerpt

logger = logging.getLogger(__name__)
SMALL_BODY = 500
TEXTS = ("message", "msg", "detail", "details", "description", "reason", "error_description")
"""Fields that say why there is no list."""


@dataclass
class Envelope:
    """What the pages of a resource had in the place of their list.

    Args:
        seen: whether any page had a list.
        missing: the error about a first page that had null there.
        empty: describes a page without a list that is declared to be empty.
        gap: describes a page with items that lack what is selected in them, which is declared to be nothing.
    """

    seen: bool = False
    missing: EnvelopeError | None = None
    empty: str = ""
    gap: str = ""

    def check(self) -> None:
        """Refuse null instead of a list if no page of the resource had a list, or log what was declared to be empty.

        Raises:
            EnvelopeError: about a page that had null.
        """
        if self.missing is not None and not self.seen:
            raise self.missing
        if self.empty and not self.seen:
            logger.warning("%s, like all pages of this read: if the API has rows, check data_selector", self.empty)
        if self.gap:
            logger.warning("%s: the others have no rows; if they should have some, check data_selector", self.gap)


def fields_of(page: PageData[RawRow]) -> Set[str]:
    """Return the names of the fields of a body."""
    body = page.response.json()
    return body.keys() if isinstance(body, Mapping) else set()


def reason_against(
    page: PageData[RawRow], rows_at: Sequence[str], error_when: str | None, known: Set[str] | None
) -> str | None:
    """Return why a page without a list is not an empty one; None if nothing speaks against it.

    Args:
        page: a page on which the path to the list matches nothing.
        rows_at: the names on that path.
        error_when: where the connector says that errors are; if it does, other fields are not taken for one.
        known: the fields of the last page with a list; None if there was none.
    """
    body = place = page.response.json()
    for name in ("the body", *rows_at):
        place = place if name == "the body" else place.get(name)
        if not place:
            break
        if not isinstance(place, Mapping):
            return f"{name!r} is {_KIND.get(type(place), 'a single value')}"
    if error_when is not None or not isinstance(body, Mapping):
        return None
    if names_an_error(body) or any(body.get(text) for text in TEXTS):
        return "says why; if that is no error, set error_when"
    if known is not None and (new := sorted(body.keys() - known)):
        shown = excerpt(", ".join(map(repr, new)), SMALL_BODY)
        return f"has {shown}, unlike the pages before it; if that is no error, set error_when"
    return None


_KIND = {list: "a list"}


def show_body(response: requests.Response, *, has_rows: bool = False) -> str:
    """Describe an unexpected body. Large ones are described by field names only because they may contain rows."""
    body = response.json()
    if len(response.content) <= SMALL_BODY and not has_rows:
        return f"the response is {response.text}"
    fields = ", ".join(map(repr, body)) if isinstance(body, dict) else type(body).__name__
    return f"the response contains {excerpt(fields, SMALL_BODY)}"


def split_at_wildcard(selector: str) -> tuple[str, str]:
    """Split a JSON path at its first wildcard: the path to the list, and the path from an item of it to the row."""
    head, wildcard, below = selector.replace("[*]", ".*").partition(".*")
    return head, wildcard + below


def gap_in_lists(selector: str, body: Any, rows: int) -> str | None:
    """Say where an item of a list lacks what the JSON path selects in it; None if the lists make up all `rows`."""
    parts = selector.replace("[*]", ".*").split(".*")
    lists = [".*".join(parts[:end]) for end in range(1, len(parts))]
    below = [*lists[1:], selector]
    for path, within in zip(lists, below, strict=True):
        items = sum(len(found) if isinstance(found, list | dict) else 1 for found in find_values(path, body))
        selected = rows if within == selector else len(find_values(within, body))
        if items != selected:
            return f"has {items} items at {path!r} but {selected} at {within!r}"
    return None

"""What all paginators that read pages again have in common."""

from collections.abc import Sequence
from typing import Literal

from dlt.sources.helpers.rest_client.paginators import BasePaginator

from connectors_dagster.errors import TransientApiError

MAX_STEPS_BACK = 100
ListScope = Literal["whole", "scan", "open window", "ended window"]
"""Which rows a list has:

* ``whole``: all rows of a resource without windows. The next load reads them again.
* ``scan``: all rows of a resource, read for windows that have not all ended. The next load reads them again.
* ``open window``: the rows of a window in which rows can still appear.
* ``ended window``: the rows of a window that has ended. Rows can only disappear from it.
"""
Notices = Literal["moves", "deletions", "nothing"]


class RereadingPaginator(BasePaginator):
    """A paginator that reads a page again if rows may have moved to it.

    After each page:

    * `new_positions` says which rows of the page were not read before, or is None if the paginator does not know;
    * `is_reread` is true if the page was read again, or if it caused the paginator to go back;
    * `moved` is true if an earlier page had changed, or if a page was read again because rows had moved;
    * `unsettled` is true if rows moved in a way that may have hidden others: then the whole list is read again;
    * `stuck` is true if a page, the one before it and that one read again are the same: the API does not turn pages;
    * `confirming` is true if the next request only confirms that there are no more rows.

    `notices` says what the paginator notices while pages are read: rows that move for any reason, only deletions, or
    nothing.
    `end_is_reported` is true if the API says where the list ends: then the last page may repeat an earlier one, because
    the API may have filtered pages after it cut them.
    `max_repeats` is how many pages in a row may repeat earlier ones because just enough rows appeared before them.
    """

    notices: Notices = "moves"
    end_is_reported = False
    max_repeats = 0
    new_positions: Sequence[int] | None = None
    is_reread = False
    moved = False
    unsettled = False
    stuck = False
    confirming = False


def moves_too_fast(label: str, otherwise: str = "") -> TransientApiError:
    """Return the error for rows that move faster than they can be read; `otherwise` names another possible cause."""
    return TransientApiError(
        f"{label}: rows are being deleted or moved faster than they can be read: sort by a field that does not change, "
        f"or retry at a quieter time{otherwise}"
    )

"""Pages that repeat earlier ones, or are empty, so that a sequence would never end."""

from collections.abc import Callable, Sequence

from dlt.sources.helpers.rest_client.client import PageData

from connectors_dagster.compat.dlt_internals import set_has_next
from connectors_dagster.http.rereading import RereadingPaginator
from connectors_dagster.rows.raw_json import RawRow

MAX_EMPTY_PAGES = 1_000
MOST_REMEMBERED = 10_000
"""Pages among which a repeated one is found at once; a longer circle ends at the limit of pages."""
Fail = Callable[[str, str], None]
"""Raises an error about the current page; the arguments are what is wrong with it and the option to check."""


class RepeatedPages:
    """Refuses pages that were read before, requests that were made before, and too many empty pages.

    Args:
        fail: raises an error.
        explain: says why a page may be a repeated one.
        says_last: returns whether a page says that it is the last.
    """

    def __init__(
        self, fail: Fail, explain: Callable[[PageData[RawRow]], str], says_last: Callable[[PageData[RawRow]], bool]
    ) -> None:
        """Start before the first page."""
        self._fail, self._explain, self._says_last = fail, explain, says_last
        self._pages, self._requested = _Recent(), _Recent()
        self._repeats = self._empty = 0

    def check(self, page: PageData[RawRow], keys: Sequence[bytes], rereading: RereadingPaginator | None) -> None:
        """Refuse a page whose rows, with these keys, were read before, and one too many without rows."""
        self._check_repeated(page, keys, rereading)
        self._empty = 0 if page else self._empty + 1
        if self._empty > MAX_EMPTY_PAGES and page.paginator.has_next_page:
            self._fail(
                f"and the {MAX_EMPTY_PAGES} pages before it are empty, and it points to another page", "paginator"
            )

    def check_next(self, page: PageData[RawRow]) -> None:
        """Refuse a page after which a request follows that was made before; if it says that it is the last, it is."""
        following = hash(f"{page.request.url} {page.request.params} {page.request.json}")
        if following in self._requested and self._says_last(page):
            set_has_next(page.paginator, False)
        elif following in self._requested:
            self._fail("points to a page that was already requested", "paginator")
        self._requested.add(following)

    def _check_repeated(
        self, page: PageData[RawRow], keys: Sequence[bytes], rereading: RereadingPaginator | None
    ) -> None:
        """Refuse a page that was read before, except for a single row: it may only confirm the end."""
        fingerprint = hash(tuple(keys))
        self._repeats = self._repeats + 1 if page and fingerprint in self._pages else 0
        self._pages.add(fingerprint)
        # Just enough rows may have appeared before a page to bring the rows of the page before it back.
        max_repeats = rereading.max_repeats if rereading else 1
        may_be_last = rereading and (len(page) == 1 or rereading.end_is_reported)
        max_repeats = max_repeats if page.paginator.has_next_page or may_be_last else 0
        if self._repeats > max_repeats or (rereading and rereading.stuck):
            self._fail(f"repeats an earlier page: {self._explain(page)}", "paginator")


class _Recent:
    """The hashes of the latest pages: memory does not grow with the pages of a list."""

    def __init__(self) -> None:
        self._hashes: dict[int, None] = {}

    def __contains__(self, page: int) -> bool:
        return page in self._hashes

    def add(self, page: int) -> None:
        self._hashes.pop(page, None)
        self._hashes[page] = None
        if len(self._hashes) > MOST_REMEMBERED:
            del self._hashes[next(iter(self._hashes))]

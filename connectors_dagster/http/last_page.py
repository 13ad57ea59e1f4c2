"""The page that a paginator takes for the last one: nothing in it may say that another one follows."""

from collections.abc import Iterator
from dataclasses import dataclass

from dlt.sources.helpers.rest_client.client import PageData
from dlt.sources.helpers.rest_client.paginators import (
    BasePaginator,
    JSONResponseCursorPaginator,
    SinglePagePaginator,
)

from connectors_dagster.compat.dlt_internals import find_values
from connectors_dagster.http.cursors import is_end
from connectors_dagster.http.offsets import AnchoredOffsetPaginator
from connectors_dagster.http.page_numbers import RereadPageNumberPaginator
from connectors_dagster.http.repeated_pages import Fail
from connectors_dagster.http.signs_of_more import SignsOfMore
from connectors_dagster.rows.raw_json import RawRow

TRUE = {"true", "t", "yes", "y", "on", "1"}


@dataclass(frozen=True, kw_only=True)
class LastPage:
    """Refuses a last page that shows a sign of another one.

    Args:
        fail: raises an error.
        signs: finds what says that there is another page.
        guessed: whether dlt chose the paginator because the connector names none. Then a vague sign is enough.
        accept_fewer: whether the API may show such signs although there is no other page.
    """

    fail: Fail
    signs: SignsOfMore
    guessed: bool
    accept_fewer: bool

    def check_cursor(self, page: PageData[RawRow]) -> None:
        """Refuse a page that says that there are more rows, but has no cursor."""
        paginator, body = page.paginator, page.response.json()
        if not isinstance(paginator, JSONResponseCursorPaginator):
            return
        more = find_values(paginator.has_more_path, body) if paginator.has_more_path else []
        cursor = find_values(paginator.cursor_path, body)
        if more and str(more[0]).lower() in TRUE and (not cursor or is_end(cursor[0])):
            self.fail(
                f"reports {str(paginator.has_more_path)!r} but has no {str(paginator.cursor_path)!r} cursor",
                "cursor_path",
            )

    def check(self, page: PageData[RawRow], pages: int, before: PageData[RawRow] | None) -> None:
        """Refuse the last of so many pages if it shows a sign of another one.

        If it has no body, the number of pages on the page before it counts.
        """
        only = isinstance(page.paginator, SinglePagePaginator)
        signs = [] if _is_declared_end(page) else list(self._signs(page, pages, only=only))
        if before and page.response.status_code == 204 and not _is_declared_end(page):
            signs += self.signs.more_pages(before.response, pages)
        if not signs or (self.accept_fewer and not self.guessed):
            return
        shown, (_, proposed) = " and ".join(sign for sign, _ in signs), signs[0]
        if not only:
            self.fail(
                f"is the last one for the paginator, but has {shown}: declare a paginator that follows it, for example "
                f"{proposed}, or accept_fewer if there is no other page",
                "paginator",
            )
        otherwise = "single_page" if self.guessed else "accept_fewer"
        self.fail(
            f"has {shown}, but the connector does not say how to request another page: declare a paginator, for "
            f"example {proposed}, or {otherwise} if there is no other page",
            "paginator",
        )

    def explain_repetition(self, page: PageData[RawRow]) -> str:
        """Say why a page may repeat an earlier one, and which paginator would fit."""
        if not self.guessed:
            return "the API does not follow the paging parameters, or primary_key does not identify a row"
        proposed = next((f", for example {paginator}" for _, paginator in self._signs(page, 1, only=True)), "")
        return f"the connector declares no paginator, and a guessed one does not fit: declare one{proposed}"

    def check_first(self, page: PageData[RawRow]) -> None:
        """Refuse a first page that says that there is one before it: then the list begins earlier."""
        counted = isinstance(page.paginator, RereadPageNumberPaginator | AnchoredOffsetPaginator)
        if counted and (sign := next(self.signs.of_earlier_pages(page.response), None)) and not self.accept_fewer:
            self.fail(
                f"is the first one for the paginator, but has {sign}, which says that there is a page before it: "
                "set base_page or offset of the paginator to where the list begins, or accept_fewer",
                "paginator",
            )

    def says_last(self, page: PageData[RawRow]) -> bool:
        """Return whether a page says that it is the last."""
        return self.signs.says_last(page.response)

    def _signs(self, page: PageData[RawRow], pages: int, *, only: bool) -> Iterator[tuple[str, str]]:
        if page and (maximum := _reached_maximum(page.paginator)):
            yield f"rows at {maximum}, where the paginator stops", "one with a higher maximum"
        yield from self.signs.clear(page.response, pages)
        if only:
            yield from self.signs.on_a_single_page(page.response, len(page))
        if only and self.guessed:
            yield from self.signs.vague(page.response, len(page))


def _reached_maximum(paginator: BasePaginator) -> str | None:
    """Return the declared maximum of a paginator if it ends the list."""
    if not isinstance(paginator, RereadPageNumberPaginator | AnchoredOffsetPaginator):
        return None  # one that only its maximum ends
    own = paginator.pages if isinstance(paginator, RereadPageNumberPaginator) else paginator.offset
    reached = own.maximum_value is not None and own.current_value >= own.maximum_value
    return f"its maximum of {own.maximum_value}" if reached else None


def _is_declared_end(page: PageData[RawRow]) -> bool:
    """Return whether the connector says how this API ends: by `has_more_path`, or by an empty page."""
    paginator = page.paginator
    own = getattr(paginator, "pages", None) or getattr(paginator, "offset", None) or paginator
    return bool(getattr(own, "has_more_path", None)) or (not page and getattr(own, "stop_after_empty_page", False))

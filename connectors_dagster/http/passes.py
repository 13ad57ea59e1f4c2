"""How often a list is read, and which rows each pass adds."""

from array import array
from collections.abc import Sequence

from connectors_dagster.errors import EnvelopeError
from connectors_dagster.http.read_stats import ReadStats
from connectors_dagster.http.rereading import ListScope, Notices, RereadingPaginator, moves_too_fast
from connectors_dagster.rows.key_counter import KeyCounter
from connectors_dagster.rows.raw_json import RawRow

MAX_PASSES = 5
FEW_ROWS = 10


class Passes:
    """Decides whether a list must be read again, and leaves out the rows that earlier passes have read.

    A list is read again if rows moved in a way that may have hidden others, or if fewer rows were read than the API
    reported when the pass began. It is read once more if that brought more new rows than fit on a page, because that
    many cannot all be new, or if it brought some and rows are still missing.

    A window is not read again once it is recorded as read. So if the paginator does not notice rows that move, a window
    of several pages is read until two passes agree. If none do, it is unsettled, as is a scan: the next one is read
    anyway.

    Args:
        label: names the list in errors.
        accept_fewer: whether the API may report more rows than it returns.
        scope: which rows the list has.
    """

    def __init__(self, label: str, *, accept_fewer: bool, scope: ListScope = "whole") -> None:
        """Start before the first pass."""
        self.label, self.accept_fewer, self.scope = label, accept_fewer, scope
        self._notices: Notices = "moves"
        self._several = False
        self._order, self._order_before = array("q"), array("q")
        self._keys = KeyCounter()
        self._totals = set[int]()
        self._expected = self._likely = 0
        self._known: set[int] | None = None
        self._number = 1
        self._unsettled = False
        self._moved = self._new = self._largest = 0

    def note_total(self, total: int | None, likely: int | None = None) -> None:
        """Record the total number of rows that a page reports, if it does, or a number that is likely to be one."""
        if total is not None:
            self._expected = self._expected if self._totals else total
            self._totals.add(total)
        self._likely = self._likely or likely or 0

    def add(
        self, rows: list[RawRow], keys: Sequence[bytes], paginator: RereadingPaginator | None, *, more: bool
    ) -> list[RawRow]:
        """Record a page and return the rows that were not read before; `more` is true if another page follows."""
        self._notices = "nothing" if paginator is None else paginator.notices
        # A short first page that only has to be confirmed is the whole list.
        self._several = self._several or (more and not (paginator is not None and paginator.confirming))
        if self.scope != "whole" and self._notices != "moves":
            self._order.extend(map(hash, keys))
        if paginator is not None:
            self._unsettled = self._unsettled or paginator.unsettled
            self._moved += paginator.moved
        self._largest = max(self._largest, len(rows))
        new_at: Sequence[int] = range(len(rows))
        if paginator is not None and paginator.new_positions is not None:
            new_at = paginator.new_positions
        if self._known is not None:
            self._moved += 1
            new_at = [at for at in new_at if hash(keys[at]) not in self._known]
            self._known.update(hash(keys[at]) for at in new_at)
            self._new += len(new_at)
        self._keys.add(keys[at] for at in new_at)
        return rows if len(new_at) == len(rows) else [rows[at] for at in new_at]

    def start_next(self) -> bool:
        """Return whether the list must be read again, and start the next pass if so."""
        different = self._keys.different()
        complete = bool(self._totals) and different >= max(self._totals)
        lacking = different < (self._expected if self._totals else self._likely) and not self.accept_fewer
        unsettled = self._unsettled
        if self._number > 1:
            lacking, unsettled = lacking and self._new > 0, unsettled and self._new > self._largest
        doubtful = self._is_doubtful() and self.scope != "scan"
        if self._number == MAX_PASSES or not (doubtful or (not complete and (unsettled or lacking))):
            return False
        self._known = self._keys.hashes()
        self._number, self._unsettled, self._new = self._number + 1, False, 0
        self._totals, self._expected, self._likely = set(), 0, 0
        self._order_before, self._order = self._order, array("q")
        return True

    def _is_doubtful(self) -> bool:
        """Return whether rows may have moved unnoticed in a window, so that some are hidden."""
        if self.scope == "whole" or self._notices == "moves" or not self._several:
            return False
        only_disappear = self.scope == "ended window"
        if only_disappear and (self._notices == "deletions" or len(self._totals) == 1):
            return False
        return self._number == 1 or not _follows(self._order_before, self._order)

    def close(self, stats: ReadStats, *, whole: bool) -> None:
        """Add the counts to `stats`; `whole` is true if the last page was read.

        Raises:
            EnvelopeError: fewer rows were read than the API reports.
            TransientApiError: even the last pass found many new rows.
        """
        different = self._keys.different()
        stats.keys += different
        stats.duplicates += len(self._keys) - different
        stats.moved += self._moved
        stats.unsettled += whole and self._is_doubtful()
        if self._number == MAX_PASSES and self._unsettled and self._new > max(self._largest, FEW_ROWS):
            raise moves_too_fast(self.label)
        if not whole:
            return
        if not self._totals:
            # A number that is only likely to be a total is no reason to count rows as missing in a metric.
            self._check(different, self._likely)
            return
        # Rows may have appeared since the pass began: any number up to the highest total may be right.
        stats.source_rows = max(self._expected, min(different, max(self._totals))) + (stats.source_rows or 0)
        self._check(different, self._expected)

    def _check(self, different: int, total: int) -> None:
        """Refuse fewer rows than the API reports."""
        if different < total and not self.accept_fewer:
            read = f"{different} different rows were read" + (f" in {self._number} passes" if self._number > 1 else "")
            raise EnvelopeError(
                f"{self.label}: {read}, but the API reports a total of {total}: check paginator and primary_key; if "
                "the API counts rows that it does not return, set accept_fewer"
            )


def _follows(before: Sequence[int], after: Sequence[int]) -> bool:
    """Return whether a list has the rows of an earlier pass in the same order, so that at most new rows appeared."""
    known = set(before)
    kept = [key for key in after if key in known]
    return list(dict.fromkeys(kept)) == list(dict.fromkeys(before))

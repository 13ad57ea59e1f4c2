"""An episode: an API, how its rows change while they are read, and how it is read. All of it follows from a seed."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

NUMBERED = ("offset", "page")
"""The next page is computed by the reader, which must know the end."""
POSITIONAL = (*NUMBERED, "header_link", "json_link", "cursor", "cursor_header")
"""A page begins at a position of the list, so that rows move between pages."""
BY_KEY = ("keyset", "last_row")
"""A page begins after a row."""
PAGINGS = (*POSITIONAL, *BY_KEY, "single")
ENDS: tuple[Any, ...] = (None, {}, "", False, "absent")


@dataclass(frozen=True, kw_only=True)
class Edit:
    """A row is inserted, updated or deleted; `place` (0 to 1) picks the row, or where the new one goes."""

    what: str
    place: float


@dataclass(frozen=True, kw_only=True)
class Episode:
    """An API of one list, the edits that happen while it is read, and how a connector reads it.

    Args:
        seed: what everything else follows from.
        paging: how the API is paged.
        rows: how many rows there are at first.
        size: how many rows of a page are requested.
        most: the largest page of the API.
        order: what the API sorts by, descending with a minus.
        envelope: where the rows are: ``data``, ``result.items`` or ``$``.
        total: where the API reports the total: ``body``, ``header``, ``undeclared`` (a header that the connector does
            not declare), ``pages`` (in the body) or nowhere.
        has_more: whether the body says if there are more rows.
        hidden: every so many rows, the API leaves out this many after it has cut the page.
        end: what is in place of the next cursor or link on the last page.
        beyond: how the API responds beyond the last page: with an empty list, ``null``, 204 or 404.
        has_prev: whether a Link header points back too.
        window: who filters by time: the ``api``, the ``reader``, or ``none`` (the list is read whole).
        missing: what happens to rows that are gone, if the list is read whole.
        behind: by how many seconds the clock of the API is behind.
        reads: how many reads come before the quiet refresh.
        later: how many days after the last of them the refresh comes.
        edits: for each of the first requests, the edits just before it is answered.
    """

    seed: int
    paging: str
    rows: int
    size: int
    most: int
    order: str
    envelope: str
    total: str | None
    has_more: bool
    hidden: tuple[int, int]
    end: Any
    beyond: str
    has_prev: bool
    window: str
    missing: str
    behind: int
    reads: int
    later: float
    edits: tuple[tuple[Edit, ...], ...]

    def __str__(self) -> str:
        """Describe the episode on one line, and how to play it again."""
        skipped = {"edits", "seed"}
        values = ", ".join(f"{f.name}={getattr(self, f.name)!r}" for f in fields(self) if f.name not in skipped)
        edits = "; ".join(
            f"{number}: " + " ".join(f"{edit.what}@{edit.place:.2f}" for edit in before)
            for number, before in enumerate(self.edits, start=1)
            if before
        )
        again = f"python -m tests.soak --only reading --episodes 1 --seed {self.seed}"
        return f"{values}\nedits by request: {edits or 'none'}\nplay it again: {again}"


def draw_episode(seed: int) -> Episode:
    """Draw an episode in which the API gives every sign that a reader needs to get all rows."""
    draw = random.Random(seed)
    paging = draw.choice(PAGINGS)
    size = draw.choice([1, 2, 3, 4, 5, 7, 10])
    envelope = draw.choice(["data", "data", "result.items", "$"])
    if envelope == "$" and paging in ("json_link", "cursor", "keyset"):
        envelope = "data"
    total = draw.choice(_totals(paging, envelope))
    has_more = paging in ("offset", "page", "cursor", "keyset") and envelope != "$" and draw.random() < 0.4
    if has_more and paging in NUMBERED:
        total = None  # dlt takes one sign
    window = draw.choice(["none", "none", "api", "api", "api", "reader"])
    most = draw.choice([size, size, size, 100, max(1, size // 2)])
    told = has_more or total is not None or paging not in NUMBERED
    hidden = _hidden(draw, paging, min(size, most), told=told)
    if hidden[0] and paging == "offset":
        most = max(most, size)  # else only rows would show how long pages are
    return Episode(
        seed=seed,
        paging=paging,
        rows=draw.choice([0, 1, size, size + 1, 2 * size, 3 * size, draw.randrange(60), draw.randrange(60)]),
        size=size,
        most=most,
        order="id" if paging == "last_row" else draw.choice(["id", "-id", "at", "-at"]),
        envelope=envelope,
        total=total,
        has_more=has_more,
        hidden=hidden,
        end=draw.choice(ENDS),
        # A 404 after a full page or a cursor is not an end.
        beyond=draw.choice(["empty", "empty", "null", "204", *(["404"] if told and paging in NUMBERED else [])]),
        has_prev=draw.random() < 0.7,
        window=window,
        missing=draw.choice(["keep", "delete", "mark"]) if window == "none" else "keep",
        behind=draw.choice([0, 0, 0, 20, 200, 5_000]),
        reads=draw.choice([1, 1, 2]),
        later=draw.choice([0, 0.01, 0.01, 1, 40]),
        edits=tuple(_edits(draw)),
    )


def _totals(paging: str, envelope: str) -> Sequence[str | None]:
    if paging == "single":
        return [None]
    headers = [None, None, "header", "undeclared"]
    if envelope == "$":
        return headers
    return [*headers, "body", "body", *(["pages"] if paging == "page" else [])]


def _hidden(draw: random.Random, paging: str, size: int, *, told: bool) -> tuple[int, int]:
    """Choose which rows the API hides; where it gives no sign of more, fewer than fit on a page."""
    if paging not in POSITIONAL or draw.random() < 0.7:
        return (0, 0)
    if told:
        return (draw.randrange(2, 30), draw.randrange(1, 15))
    return (10_000, draw.randrange(size))


def _edits(draw: random.Random) -> list[tuple[Edit, ...]]:
    if draw.random() < 0.1:
        return []
    pace = draw.choice([0.1, 0.3, 0.6])
    whats = draw.choice([["insert", "delete", "update"], ["insert", "delete"], ["delete"], ["update"], ["insert"]])
    return [
        tuple(
            Edit(what=draw.choice(whats), place=draw.choice([0.0, 1.0, draw.random()]))
            for _ in range(draw.choice([1, 1, 2, 2, 3]) if draw.random() < pace else 0)
        )
        for _ in range(draw.choice([3, 8, 20, 40]))
    ]

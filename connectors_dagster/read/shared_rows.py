"""Children that one list has for many parents: which ids to request, and which parent a row belongs to."""

import logging
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors_dagster.errors import RowError
from connectors_dagster.http.endpoint import Endpoint
from connectors_dagster.http.read_stats import ReadStats
from connectors_dagster.http.session import ApiSession
from connectors_dagster.read.connection import Connection
from connectors_dagster.read.parent_rows import ParentRows
from connectors_dagster.rows.raw_json import NULL, RawRow, decode, with_fields
from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.shared_list import IDS, SharedList

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SharedRows:
    """The rows of one resource in a list that has the rows of all parents.

    Args:
        child: the resource.
        shared: the list.
        connection: how requests are made.
        page_limit: maximum pages of each request for rows; unlimited by default.
    """

    child: Resource
    shared: SharedList
    connection: Connection
    page_limit: int | None = None

    def is_there(self, stats: ReadStats) -> bool:
        """Ask the API whether it has the list; `stats` gets the counts of the request.

        Raises:
            ApiError: the API says neither.
        """
        asked = Endpoint(self.shared.probed(self.child), self.connection.values, page_limit=1)
        session = self._session(asked, stats, f"{self.child} probe")
        session.rules = (self.shared.absence, *session.rules)
        return next(asked.pages(session), None) is not None

    def batches(self, parents: ParentRows) -> Iterator[Sequence[int]]:
        """Yield the numbers of the parents whose rows are read together."""
        if not self.shared.ids_param:
            yield range(len(parents))
            return
        first, size = 0, 0
        for number, parent in enumerate(parents):
            ids = len(self._ids(parent))
            if size + ids > self.shared.ids_at_once and number > first:
                yield range(first, number)
                first, size = number, 0
            size += ids
        if first < len(parents):
            yield range(first, len(parents))

    def divide(self, parents: ParentRows, numbers: Sequence[int]) -> tuple[Sequence[int], Sequence[int]]:
        """Divide parents into those whose rows are on the list, and those that do not say which rows they have."""
        if not self.shared.ids_param:
            return numbers, ()
        silent = {number for number in numbers if not isinstance(parents[number][self._listed], list)}
        return [number for number in numbers if number not in silent], sorted(silent)

    def pages(
        self, parents: ParentRows, numbers: Sequence[int], stats: ReadStats, label: str
    ) -> Iterator[tuple[list[RawRow], ApiSession]]:
        """Yield the pages of some parents; rows get the key of their parent.

        Raises:
            RowError: a row has another parent although its id was not requested.
        """
        [(name, column)] = self.child.included.items()
        known = {parents[number][name] for number in numbers if self.child.may_have_rows(parents[number])}
        if not known:
            return
        of_all = self.shared.resource(self.child)
        endpoint = Endpoint(of_all, self.connection.values, page_limit=self.page_limit)
        session = self._session(endpoint, stats, label)
        for ids in self._requests(parents, numbers):
            for rows in endpoint.pages(session, each={IDS: ids}):
                yield self._own(rows, known, column), session

    def ids_in(self, rows: Sequence[RawRow]) -> set[str]:
        """Return the ids of rows as `ids_param` has them."""
        return {str(decode(row.get(self.child.primary_key[-1], NULL))) for row in rows}

    def lacking(self, parents: ParentRows, numbers: Sequence[int], received: Container[str]) -> set[int]:
        """Return the numbers of the parents of which an id was not `received`, unless only some pages were read.

        The row may be gone since the parent was read, or the API may not accept so many ids at once.
        """
        if self.page_limit is not None:
            return set()
        return {number for number in numbers if any(one not in received for one in self._ids(parents[number]))}

    def _own(self, rows: Sequence[RawRow], known: Container[Any], column: str) -> list[RawRow]:
        field, own = self.shared.parent_field, []
        for row in rows:
            raw = row.get(field, NULL)
            parent = decode(raw)
            if parent in known:
                own.append(with_fields(row, {column: raw}))
            elif self.shared.ids_param or parent is None:
                raise RowError(
                    f"{self.child}: {self.shared.path} returned a row with {parent!r} as {field}, which was not "
                    "requested: check parent_field and ids_param of shared_list"
                )
        return own

    def _requests(self, parents: ParentRows, numbers: Sequence[int]) -> Iterator[str]:
        if not self.shared.ids_param:
            yield ""
            return
        ids, most = [one for number in numbers for one in self._ids(parents[number])], self.shared.ids_at_once
        yield from (",".join(ids[at : at + most]) for at in range(0, len(ids), most))

    def _ids(self, parent: Mapping[str, Any]) -> list[str]:
        key, listed = self.child.primary_key[-1], parent[self._listed]
        found = listed if isinstance(listed, list) else []
        return [str(one[key] if isinstance(one, Mapping) else one) for one in found]

    @property
    def _listed(self) -> str:
        """The field of a parent row with the ids of its rows."""
        return str(self.child.options.has_children_field)

    def _session(self, endpoint: Endpoint, stats: ReadStats, label: str) -> ApiSession:
        return endpoint.open_session(self.connection.policy_of(self.child), stats, label)


def find_shared_rows(
    child: Resource,
    connection: Connection,
    parents: Mapping[Any, ParentRows],
    stats_by_slice: Mapping[Any, ReadStats],
    page_limit: int | None,
) -> SharedRows | None:
    """Ask the API for the list with the rows of all parents, if one is declared; None if the API has no such list.

    Args:
        child: the resource.
        connection: how requests are made.
        parents: the rows of the parent, by slice; without a row that may have children, nothing is asked.
        stats_by_slice: the counts of the read; the first slice gets those of the request.
        page_limit: maximum pages of each request for rows; None for all.

    Raises:
        ApiError: the API does not say whether it has the list.
    """
    declared, rows = child.options.shared_list, (row for some in parents.values() for row in some)
    if not declared or not any(map(child.may_have_rows, rows)):
        return None
    shared, asked = SharedRows(child, declared, connection, page_limit), ReadStats()
    there = shared.is_there(asked)
    stats_by_slice[next(iter(parents))].add(asked)
    how = f"read from {declared.path}" if there else f"one request per row, because the API has no {declared.path}"
    logger.info("%s of %s: %s", child, child.parent, how)
    return shared if there else None

"""Options that dlt's configuration cannot express: retries, and everything about one resource."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Literal

from connectors_dagster.spec.authentication import AuthChoice, SessionToken
from connectors_dagster.spec.next_page import NextPage
from connectors_dagster.spec.response_rule import ResponseRule
from connectors_dagster.spec.shared_list import SharedList
from connectors_dagster.spec.timestamps import TimestampFormat
from connectors_dagster.spec.transformations import Transformation, TypedValue, check_expression
from connectors_dagster.spec.windows import shortest

RowKey = Literal["row_hash"]
MissingRows = Literal["keep", "mark", "delete"]
OnBadRow = Literal["fail", "set_aside"]
MissingEnvelope = Literal["fail", "empty"]


@dataclass(frozen=True, kw_only=True)
class Retry:
    """Which failed requests are retried, and after how long.

    Statuses 408 and 425, and 403 with `Retry-After`, are always retried.

    Args:
        statuses: HTTP statuses that are worth a retry.
        attempts: maximum number of retries after the first request.
        factor: the first wait in seconds. The wait doubles with each retry: 2, 4, 8 …
        max_wait: the longest single wait, including `Retry-After`.
        connect_wait: how long a run waits in all for an API that refuses its first connection.
        wait_headers: response headers beside `Retry-After` that say how long to wait, unless the status is 500 or more:
            in seconds, or until when, as seconds or milliseconds since 1970 or as a date.
    """

    statuses: frozenset[int] = frozenset({429, 500, 502, 503, 504})
    attempts: int = 3
    factor: float = 2.0
    max_wait: timedelta = timedelta(minutes=15)
    connect_wait: timedelta = timedelta(seconds=30)
    wait_headers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a negative number or wait."""
        for name in ("attempts", "factor", "max_wait", "connect_wait"):
            value = getattr(self, name)
            if not value >= 0 * value:
                raise ValueError(f"retry: {name} is {value}; it must not be negative")


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """How the time cursor of a resource behaves; dlt's `incremental` names its path and its parameters.

    Args:
        timestamp_format: how the API writes the cursor and the bounds of a window.
        bounds_format: how the bounds of a window are written, if not as the cursor in rows.
        lower: whether the API returns a row that is exactly at `start_param`; if that is not ``inclusive``, requests
            begin one step of the format earlier. (The upper bound does not matter: rows that belong to the next window
            are dropped from this one.)
        without_cursor: ``keep`` rows without a cursor in the window that they were requested for, or in the first of
            several; or ``fail`` the window.
        unfiltered_first: read the first window without the filter, for an API whose filter hides the rows without a
            cursor. If the run has other windows, their rows are taken from the same responses.
        reread_without_cursor: how often a refresh is made without the filter, as ``P30D`` or a `timedelta`, for an API
            in which some rows never get a cursor. `unfiltered_first` is then implied.
        changes_within: how long a row may change after the time in its cursor, as ``P30D`` or a `timedelta`, for an API
            in which a change does not move the cursor. A refresh reads so much again, or the `lookback` if that is
            longer.
        before_start: ``drop`` rows that are older than the first window, which are counted, or ``keep`` them with
            the first window. If the API filters, they are requested from 1970 on.
        outside: ``fail`` the load if the API returns rows from outside of the bounds that were requested, because its
            filter may use another time zone or another field; or ``drop`` such rows.
        request_step: the longest time that one request asks for, as ``P1D``; a window is then read with several
            requests.
    """

    timestamp_format: TimestampFormat = TimestampFormat()
    bounds_format: TimestampFormat | None = None
    lower: Literal["inclusive", "exclusive", "unknown"] = "inclusive"
    without_cursor: Literal["keep", "fail"] = "keep"
    unfiltered_first: bool = False
    reread_without_cursor: str | timedelta | None = None
    changes_within: str | timedelta | None = None
    before_start: Literal["drop", "keep"] = "drop"
    outside: Literal["fail", "drop"] = "fail"
    request_step: str | None = None

    def __post_init__(self) -> None:
        """Refuse durations that cannot be read, or that are negative."""
        if self.request_step and shortest(self.request_step, what="Cursor: request_step") <= timedelta(0):
            raise ValueError(f"Cursor: request_step is {self.request_step}: it must be positive")
        if self.reread_every is not None and self.reread_every <= timedelta(0):
            raise ValueError(f"Cursor: reread_without_cursor is {self.reread_without_cursor}: it must be positive")
        if self.changing < timedelta(0):
            raise ValueError(f"Cursor: changes_within is {self.changes_within}: it must not be negative")

    @cached_property
    def reread_every(self) -> timedelta | None:
        """How often a refresh is made without the filter."""
        return _duration(self.reread_without_cursor, "reread_without_cursor")

    @cached_property
    def changing(self) -> timedelta:
        """How long a row may change after the time in its cursor."""
        return _duration(self.changes_within, "changes_within") or timedelta(0)


def _duration(written: str | timedelta | None, name: str) -> timedelta | None:
    return shortest(written, what=f"Cursor: {name}") if isinstance(written, str) else written


@dataclass(frozen=True, kw_only=True)
class ResourceOptions:
    """Everything about one resource that dlt's configuration cannot express.

    Args:
        next_page: how the next page is requested, if no paginator of dlt finds it.
        cursor: how the cursor behaves; required if the endpoint has an `incremental`, and only then.
        key: ``row_hash`` for rows that have no key: it is a hash of the whole row, in the column `_row_hash`, and for
            children also what comes from the parent. Equal rows are one row, and an edited row is another one.
        unhashed_fields: names of fields that the hash leaves out, because they are different each time the same row is
            read, such as the time at which it was. Rows that differ only in these are one row.
        missing_rows: what happens to rows that the API no longer returns: ``keep`` them, ``mark`` them with the
            time in the column `absent_since`, or ``delete`` them. By default children of a parent that was read
            again are deleted, unless they have a cursor of their own, and so are rows whose `key` is a hash if they
            are not loaded in windows; all other rows are kept. In windows, only rows with such a key, and no parent,
            can be marked or deleted: each time their window is read.
            Children of a row that is deleted or marked are treated as their own option says, but not deleted while
            their parent is only marked.
        value_column: the column for rows that are single values instead of objects.
        object_is_row: whether an object in the place of the list is its only row, also on one page of many.
        has_children_field: for a child, a field of the parent row that is false or an empty list if the parent has
            no children. Such parents are not requested.
        has_children_values: the values of that field with which a parent has children, in place of all but false and an
            empty list. Other parents are not requested.
        skip_parents_without_key: for a child, whether rows of the parent that lack a field which the requests need, or
            have null there, are counted and left out. By default they fail the child.
        keep_slashes: whether slashes in a field of the parent row, or in a value of `for_each`, separate parts of the
            path, as those in ``owner/name`` do for some APIs. By default they are quoted like all other characters.
        shared_list: for a child, a list with the rows of all parents that newer versions of the API have.
        separate_children: read the children as families of their own, for all parents, because a parent row does
            not change when one of its children does.
        filter_for_children: with `separate_children`, request the parents with the bounds of all windows, from the
            start date on, for an API that needs bounds or returns only some rows without them.
        children: lists in the rows that become tables of their own, by the field with the list, such as
            ``{"line_items": "order_lines"}``; a path such as ``lines.data`` for a list in an object. The table has the
            fields of the items, the key of the parent row, and in the column `_position` the place in the list, from 0.
        base_url: the address of the API that has this resource, if it is not that of the client; a `Setting` or `Text`
            as there. Neither `auth` nor `headers` of the client are sent to another origin: the endpoint has its own.
        auth_choice: as for the connector, in place of its authentication.
        session_token: as for the connector, in place of its authentication.
        for_each: lists of values, by name: everything is requested once for each value, or for each combination of
            several lists. ``{each.<name>}`` stands for the value in the request; a query parameter whose value is null
            is left out. A list may be a `Setting` of the type list.
        include_each: names of lists whose value each row gets, in the column ``_<name>``.
        record_filter: an expression such as `{{ record.status != 'draft' }}`: rows for which it is false are left out,
            after their page was checked. It may read what `add_fields` may read.
        transformations: changes of every row, in this order. Keys, cursors, windows and columns are those of the
            changed row.
        filter_after_transformations: whether `record_filter` sees the changed row instead of the row as the API wrote
            it.
        known_limitations: what readers of the table need to know.
        on_bad_row: what happens to a row that cannot be placed, because its cursor is not a timestamp, its key is
            missing or does not fit its column, or it lacks a value that is declared to be there: ``fail`` its window,
            or ``set_aside`` the row in the table ``<table>__rejected`` and load the others.
        on_duplicate_key: what happens if the primary key does not identify a row: ``fail`` the load, or keep the
            ``last`` row that was read with each key. A row that was edited while pages were read is not a fault.
        total_header: as for the connector; by default the connector's. An empty text means that the responses for this
            resource have no such header.
        total_path: as for the connector; by default the connector's. An empty text means that the responses for this
            resource report no total there.
        missing_envelope: as for the connector; by default the connector's.
        responses: as for the connector; by default the connector's.
        error_when: as for the connector; by default the connector's.
        retry_reported_errors: as for the connector; by default the connector's.
        join_list_params: as for the connector; by default the connector's.
        fixed_page_size: as for the connector; by default the connector's.
        omit_first_page_number: as for the connector; by default the connector's.
        short_page_is_end: as for the connector; by default the connector's.
        accept_fewer: as for the connector; by default the connector's.
        pages_are_stable: as for the connector; by default the connector's.
    """

    cursor: Cursor | None = None
    next_page: NextPage | None = None
    key: RowKey | None = None
    unhashed_fields: tuple[str, ...] = ()
    missing_rows: MissingRows | None = None
    value_column: str | None = None
    object_is_row: bool = False
    has_children_field: str | None = None
    has_children_values: tuple[str, ...] = ()
    skip_parents_without_key: bool = False
    keep_slashes: bool = False
    shared_list: SharedList | None = None
    separate_children: bool = False
    filter_for_children: bool = False
    children: Mapping[str, str] = field(default_factory=dict)
    base_url: str | None = None
    auth_choice: AuthChoice | None = None
    session_token: SessionToken | None = None
    for_each: Mapping[str, Sequence[str | int | None] | str] = field(default_factory=dict)
    include_each: tuple[str, ...] = ()
    record_filter: str | None = None
    transformations: tuple[Transformation, ...] = ()
    filter_after_transformations: bool = False
    known_limitations: str = ""
    on_bad_row: OnBadRow = "fail"
    on_duplicate_key: Literal["fail", "last"] = "fail"
    total_header: str | None = None
    total_path: str | None = None
    missing_envelope: MissingEnvelope | None = None
    responses: tuple[ResponseRule, ...] | None = None
    error_when: str | None = None
    retry_reported_errors: bool | None = None
    join_list_params: bool | None = None
    fixed_page_size: bool | None = None
    omit_first_page_number: bool | None = None
    short_page_is_end: bool | None = None
    accept_fewer: bool | None = None
    pages_are_stable: bool | None = None

    def __post_init__(self) -> None:
        """Refuse a filter that is not an expression over a row."""
        if self.record_filter is not None:
            check_expression(self.record_filter, "record_filter")
            if "{" not in self.record_filter:
                raise ValueError(f"record_filter: {self.record_filter!r} is the same for all rows: write {{{{ … }}}}")
        elif self.filter_after_transformations:
            raise ValueError("filter_after_transformations is set, but there is no record_filter")

    @property
    def expressions(self) -> tuple[str, ...]:
        """The expressions over rows."""
        added = (value for one in self.transformations for value in one.add_fields.values())
        values = (value.value if isinstance(value, TypedValue) else value for value in added)
        return (*values, *([self.record_filter] if self.record_filter else ()))

    @property
    def keeps_last_copy(self) -> bool:
        """Whether the last of several different rows with one key is kept, because they are declared to be one row."""
        return self.on_duplicate_key == "last" or bool(self.unhashed_fields)

    @property
    def changes_rows(self) -> bool:
        """Whether rows are changed or left out."""
        return bool(self.record_filter or self.transformations)

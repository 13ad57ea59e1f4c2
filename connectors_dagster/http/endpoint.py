"""Pages of one endpoint, requested by dlt's REST client and checked one by one.

This uses the building blocks of dlt's `rest_api_resources` instead of the resources: each page must be checked as a
whole, and each sequence of pages is read in its own thread.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from types import MappingProxyType
from typing import Any, cast

from dlt.common.configuration.specs import RuntimeConfiguration
from dlt.sources.helpers.rest_client.auth import OAuth2ClientCredentials
from dlt.sources.helpers.rest_client.client import PageData, RESTClient
from dlt.sources.helpers.rest_client.paginators import BasePaginator

from connectors_dagster.compat.dlt_internals import (
    create_auth,
    create_paginator,
    create_response_hooks,
    paginate_dependent_resource,
)
from connectors_dagster.errors import ApiError
from connectors_dagster.http.envelope import Envelope
from connectors_dagster.http.filled_config import filled_client, filled_combinations, find_auth
from connectors_dagster.http.link_proof import LinkProof
from connectors_dagster.http.next_pages import build_paginator
from connectors_dagster.http.page_validator import PageValidator
from connectors_dagster.http.paginators import find_total, wrap_paginator
from connectors_dagster.http.parent_path import parent_path
from connectors_dagster.http.raw_client import RawClient
from connectors_dagster.http.read_stats import ReadStats
from connectors_dagster.http.request_parts import PARTS, Bounds, build_parts, build_query, fill_each
from connectors_dagster.http.request_policy import RequestPolicy
from connectors_dagster.http.rereading import ListScope
from connectors_dagster.http.session import ApiSession
from connectors_dagster.http.session_token import SessionTokenAuth
from connectors_dagster.http.token_auth import RenewedAuth, TokenAuth
from connectors_dagster.rows.raw_json import RawRow, encode, path_of, with_fields
from connectors_dagster.rows.row_changes import FilteredRow, RowChanges
from connectors_dagster.spec.authentication import SessionToken
from connectors_dagster.spec.for_each import Each
from connectors_dagster.spec.placeholders import Setting, fill_placeholders, find_placeholders
from connectors_dagster.spec.resource import Resource

Row = Mapping[str, Any]
"""Fields of a parent row, parsed."""
BEYOND_THE_END = {400, 404, 416, 422}
"""Statuses with which APIs refuse a page beyond the last."""
OF_DLTS_SOURCES: Mapping[str, Any] = {
    "include_from_parent": [],
    "incremental_object": None,
    "incremental_param": None,
    "incremental_cursor_transform": None,
}
"""What dlt's own sources pass to its functions and this project does not need."""


class _NoRuntime(RuntimeConfiguration):
    """What dlt's client would make its own session from."""

    def __bool__(self) -> bool:
        """Say at once that it is there: dlt asks for every client, and would count all fields."""
        return True


_NO_RUNTIME = _NoRuntime()


class Endpoint:
    """The requests of one resource, with the settings filled in.

    Args:
        resource: what to read.
        values: the values of the connector's placeholders.
        page_limit: how many pages to read of each sequence; None for all.
    """

    def __init__(self, resource: Resource, values: Mapping[Setting, Any], *, page_limit: int | None = None) -> None:
        """Prepare what all request sequences share."""
        self.resource, self.page_limit = resource, page_limit
        client = self.client = filled_client(resource, values)
        endpoint = self.endpoint = fill_placeholders(resource.endpoint, values)
        self.selector = endpoint.get("data_selector") or "$"
        self.rows_at = path_of(self.selector)
        # Created once and copied: parsing its JSON paths takes as long as a request.
        by_expression, declared = resource.options.next_page, endpoint.get("paginator") or client.get("paginator")
        self._paginating = (
            build_paginator(by_expression, client["base_url"]) if by_expression else create_paginator(declared)
        )
        self.total = find_total(self._paginating, resource)
        self._auth_config = find_auth(resource, values)
        auth = fill_placeholders(self._auth_config, values)
        self.auth: Any = auth if isinstance(auth, SessionToken) else create_auth(auth)
        self.each = filled_combinations(resource, values)
        self.envelope, self._links = Envelope(), LinkProof()
        self._lock = threading.Lock()

    def open_session(self, policy: RequestPolicy, stats: ReadStats, label: str) -> ApiSession:
        """Open a session for one request sequence; `label` names it in messages, and `stats` gets its counts."""
        return ApiSession(
            policy,
            stats,
            label,
            rows_at=self.rows_at,
            ignored_responses=self.resource.connector.ignored_responses,
            error_when=self.resource.error_when,
            retry_reported_errors=self.resource.retry_reported_errors,
            missing_envelope=self.resource.missing_envelope,
            rules=self.resource.responses,
        )

    def pages(
        self,
        session: ApiSession,
        bounds: Bounds = MappingProxyType({}),
        *,
        each: Each = MappingProxyType({}),
        scope: ListScope = "whole",
    ) -> Iterator[list[RawRow]]:
        """Yield the pages of a resource without a parent.

        `bounds` are those of the window to read, `each` has the values to request it for, and `scope` says which rows
        the list has.
        """
        parts = fill_each(build_parts(self.resource, self.endpoint, bounds), each, keep_slashes=self._keeps_slashes)
        client = self._client(session, each)

        def read(params: Mapping[str, Any]) -> Iterator[PageData[RawRow]]:
            return client.paginate(**self._written(parts, params), **self._paging(session))

        return self._checked(session, scope, read)

    def child_pages(
        self,
        session: ApiSession,
        parent: Row,
        *,
        parents_page: int,
        bounds: Bounds = MappingProxyType({}),
        each: Each = MappingProxyType({}),
        scope: ListScope = "whole",
    ) -> Iterator[list[RawRow]]:
        """Yield the pages of one parent row; rows get the fields that are included from it.

        `parents_page` is the number of the page with the parent, `bounds` are those of the window to read if the child
        has a cursor of its own, `each` has the values to request it for, and `scope`
        says which rows the list has.

        Raises:
            RowError: a field of the parent cannot be used in a URL path.
        """
        place = f"a row of {self.resource.parent} on page {parents_page}"
        given = {
            "items": [dict(parent)],
            "resolved_params": list(self.resource.resolved),
            "client": self._client(session, each, parent),
            **OF_DLTS_SOURCES,
        }
        windowed = self.resource.cursor is not None
        whole = {part: self.endpoint.get(part) for part in PARTS}
        written = build_parts(self.resource, self.endpoint, bounds) if windowed else whole
        parts = fill_each(written, each, keep_slashes=self._keeps_slashes)
        parts["path"] = parent_path(self.resource, parts["path"], parent, place)

        def read(params: Mapping[str, Any]) -> Iterator[PageData[RawRow]]:
            pages = paginate_dependent_resource(**given, **self._written(parts, params), **self._paging(session))
            return cast(Iterator[PageData[RawRow]], pages)

        included = {column: encode(parent[name]) for name, column in self.resource.included.items()}
        for page in self._checked(session, scope, read):
            # New rows: the paginator compares the originals with the rows of the next page.
            yield [with_fields(row, included) for row in page]

    def close(self) -> None:
        """End nothing: the connections belong to the policy of the requests."""

    @property
    def _keeps_slashes(self) -> bool:
        return self.resource.options.keep_slashes

    def _written(self, parts: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
        params = build_query({**(parts["params"] or {}), **params}, join_lists=self.resource.join_list_params)
        # Copied because paginators write into them.
        return {**deepcopy(dict(parts)), "params": params, "method": self.endpoint.get("method", "GET")}

    def _paging(self, session: ApiSession) -> dict[str, Any]:
        return {
            "paginator": self._wrapper(session)(deepcopy(self._paginating)) if self._paginating else None,
            "data_selector": self.selector,
            "hooks": self._hooks(session),
        }

    def _wrapper(self, session: ApiSession) -> Callable[[BasePaginator], BasePaginator]:
        return lambda paginator: wrap_paginator(paginator, self.resource, self.total, session.label)

    def _hooks(self, session: ApiSession) -> dict[str, Any] | None:
        """Make dlt's hooks for `response_actions`, after one that keeps the response: dlt does not report it."""
        hooks = create_response_hooks(self.endpoint.get("response_actions"))
        return {"response": [session.keep_response, *hooks["response"]]} if hooks else None

    def _renewed(self, policy: RequestPolicy) -> Any:
        """Return the authentication; one with tokens is shared by all sequences."""
        name, settings = self.resource.connector.name, list(find_placeholders(self._auth_config))
        if isinstance(self.auth, OAuth2ClientCredentials):
            url = str(self.auth.access_token_url)
            self.auth = TokenAuth(self.auth, replace(policy, base_url=url, rate_limiter=None), name, settings)
        if isinstance(self.auth, SessionToken):
            policy = replace(policy, base_url=self.auth.url, rate_limiter=None)
            self.auth = SessionTokenAuth(self.auth, policy, name, settings)
        return self.auth

    def _client(self, session: ApiSession, each: Each, parent: Row = MappingProxyType({})) -> RESTClient:
        with self._lock:
            auth = self._renewed(session.policy)
        if isinstance(auth, RenewedAuth):
            session.renew_token = auth.renew
        client = RawClient(
            base_url=self.client["base_url"],
            headers=dict(self.client.get("headers") or {}),
            auth=cast(Any, auth),
            session=session,
            config=_NO_RUNTIME,
        )
        client.primary_key = self.resource.primary_key
        client.added = {f"_{name}": encode(each[name]) for name in self.resource.options.include_each}
        if self.resource.options.changes_rows:
            client.changes = RowChanges(str(self.resource), self.resource.options, {"each": each, "parent": parent})
        client.hashes_rows = bool(self.resource.options.key)
        client.unhashed_fields = self.resource.options.unhashed_fields
        client.value_column = self.resource.options.value_column
        client.wrap_paginator = self._wrapper(session)
        return client

    def _checked(
        self, session: ApiSession, scope: ListScope, read: Callable[[Mapping[str, Any]], Iterator[PageData[RawRow]]]
    ) -> Iterator[list[RawRow]]:
        validator = PageValidator(
            self.resource,
            self.total,
            session.label,
            guessed=self._paginating is None,
            scope=scope,
            envelope=self.envelope,
        )
        first: PageData[RawRow] | None = None
        while True:
            pages, session.has_page = read({}), False
            while validator.number != self.page_limit and (page := self._next(pages, validator)) is not None:
                rows = validator.check(page)
                validator.check_number(session.policy.limits)
                session.has_page, session.reread = True, validator.reread
                self._links.note(page)
                first = page if validator.number == 1 else None
                kept = [row for row in rows if not isinstance(row, FilteredRow)]
                session.stats.filtered += len(rows) - len(kept)
                yield kept
            whole = validator.number != self.page_limit
            total = self.total.read(first.response) if first is not None else None
            if whole and first is not None and (half := self._links.half(first, total)):
                self._check_half(validator, half, read(half), fewer=total is None and self.resource.accept_fewer)
            if not whole or not validator.passes.start_next():
                break
            validator.restart()
        validator.close(session.stats, whole=whole)

    def _check_half(
        self, validator: PageValidator, half: Mapping[str, int], pages: Iterator[PageData[RawRow]], *, fewer: bool
    ) -> None:
        """Refuse a full page without a link if half of it has none either, unless `fewer` rows are accepted."""
        try:
            page = next(pages, None)
        except ApiError:
            return  # the API refuses another size, so this shows nothing
        if page is not None and self._links.is_lost(page, half) and not fewer:
            validator.fail(
                "has as many rows as were requested and no Link header, and half of it has none either: look for a "
                "proxy that removes this header; if the API sends none, declare another paginator"
                + ("" if self.resource.accept_fewer else ", or accept_fewer"),
                "paginator",
            )

    def _next(self, pages: Iterator[PageData[RawRow]], validator: PageValidator) -> PageData[RawRow] | None:
        try:
            return next(pages, None)
        except ApiError as error:
            if validator.confirming and error.response.get("status") in BEYOND_THE_END:
                return None  # two signs: the page before was short, and this one does not exist
            raise
        except ValueError as error:  # raised by paginators if a total, has_more or a cursor has the wrong type
            what = str(error).partition(", got")[0]
        validator.count_page()
        validator.fail(f"does not fit the paginator ({what})", "paginator")
        return None

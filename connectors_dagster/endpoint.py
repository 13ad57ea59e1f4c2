"""Pages of one endpoint, asked for by dlt's REST client and checked one by one.

The building blocks below `rest_api_resources` are used rather than the resources themselves: a page must be
seen whole, in a thread of its own. They carry no underscore, yet dlt documents only what stands above them.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from dlt.common import jsonpath
from dlt.common.configuration.specs import RuntimeConfiguration
from dlt.sources.helpers.rest_client.client import PageData, RESTClient
from dlt.sources.helpers.rest_client.paginators import OffsetPaginator
from dlt.sources.rest_api.config_setup import (
    create_auth,
    create_paginator,
    create_response_hooks,
    paginate_dependent_resource,
    paginate_resource,
)

from connectors_dagster.connector import Resource
from connectors_dagster.errors import EnvelopeError
from connectors_dagster.session import ApiSession

Row = dict[str, Any]


class Endpoint:
    """The requests of one resource, with the settings filled in.

    Args:
        resource: what to read.
        client: dlt's `client` configuration, with values in place of settings.
    """

    def __init__(self, resource: Resource, client: Mapping[str, Any]) -> None:
        """Prepare what all sequences of requests share."""
        self.resource, self.client = resource, client
        endpoint = resource.endpoint
        self.selector = jsonpath.compile_path(endpoint.get("data_selector") or "$")
        self.auth = create_auth(endpoint.get("auth") or client.get("auth"))

    def pages(self, session: ApiSession, params: Mapping[str, Any]) -> Iterator[list[Row]]:
        """Yield the pages of a resource without parent; `params` join the endpoint's own."""
        arguments = self._arguments(session, params)
        return self._checked(session.label, paginate_resource(**arguments))

    def child_pages(self, session: ApiSession, parent: Row) -> Iterator[list[Row]]:
        """Yield the pages under one parent row, with the fields taken over from it."""
        # Keys go into the path; one with a slash must not lead to another endpoint.
        item = {name: quote(str(value), safe="") for name, value in parent.items()}
        pages = paginate_dependent_resource(
            items=[item],
            resolved_params=list(self.resource.resolved),
            include_from_parent=[],
            **self._arguments(session, {}),
        )
        taken_over = {column: parent[name] for name, column in self.resource.included.items()}
        for page in self._checked(session.label, pages):
            for row in page:
                row.update(taken_over)
            yield page

    def _arguments(self, session: ApiSession, params: Mapping[str, Any]) -> dict[str, Any]:
        endpoint = self.resource.endpoint
        return {
            "method": endpoint.get("method", "GET"),
            "path": endpoint["path"],
            "headers": endpoint.get("headers"),
            "params": {**endpoint.get("params", {}), **params},
            "json": endpoint.get("json"),
            "data": endpoint.get("data"),
            "paginator": create_paginator(endpoint.get("paginator") or self.client.get("paginator")),
            "data_selector": self.selector,
            "hooks": create_response_hooks(endpoint.get("response_actions")),
            "client": self._client(session),
            "incremental_object": None,
            "incremental_param": None,
            "incremental_cursor_transform": None,
        }

    def _client(self, session: ApiSession) -> RESTClient:
        return RESTClient(
            base_url=self.client["base_url"],
            headers=dict(self.client.get("headers") or {}),
            auth=self.auth,
            session=session,
            config=RuntimeConfiguration(),
        )

    def _checked(self, label: str, pages: Iterator[PageData[Row]]) -> Iterator[list[Row]]:
        guard = PageGuard(self.resource, label)
        for page in pages:
            guard.check(page)
            yield page
            if _is_last(page):
                return


class PageGuard:
    """Refuses what would otherwise pass for an end, or go on for ever."""

    def __init__(self, resource: Resource, label: str) -> None:
        """Watch one sequence of pages."""
        self.resource, self.label, self.number = resource, label, 0
        self.selector = resource.endpoint.get("data_selector") or "$"
        self.head, self.below = _split_at_wildcard(self.selector)
        self._list = jsonpath.compile_path(self.head)
        self._seen: set[int] = set()
        self._asked: set[str] = set()

    def check(self, page: PageData[Row]) -> None:
        """Check one page.

        Raises:
            EnvelopeError: no list where the rows should be, rows that are no objects, or a page that was here before.
        """
        self.number += 1
        self._check_envelope(page)
        fingerprint = hash(tuple(map(self._identity, page)))
        if page and fingerprint in self._seen:
            self._fail("repeats an earlier page", "paginator")
        self._seen.add(fingerprint)
        following = f"{page.request.url} {page.request.params} {page.request.json}"
        if page.paginator.has_next_page and following in self._asked and not _is_last(page):
            self._fail("points to a page that was already asked for", "paginator")
        self._asked.add(following)

    def _check_envelope(self, page: PageData[Row]) -> None:
        found = jsonpath.find_values(self._list, page.response.json())
        if not found or not isinstance(found[0], list | dict):
            self._fail(f"has no list at {self.head!r}, the API's envelope has changed", "data_selector")
        if self.below and len(found[0]) != len(page):
            self._fail(
                f"has {len(found[0])} items at {self.head!r} but {len(page)} at {self.selector!r}", "data_selector"
            )
        if any(not isinstance(row, dict) for row in page):
            self._fail(f"holds something else than objects at {self.selector!r}", "data_selector")

    def _identity(self, row: Row) -> Any:
        key = tuple(row.get(name) for name in self.resource.primary_key)
        return repr(row) if None in key else repr(key)

    def _fail(self, what: str, where: str) -> None:
        raise EnvelopeError(
            f"{self.label}: page {self.number} {what}: check {where} in connectors/{self.resource.connector.name}.py"
        )


def _split_at_wildcard(selector: str) -> tuple[str, str]:
    head, wildcard, below = selector.replace("[*]", ".*").partition(".*")
    return head, wildcard + below


def _is_last(page: PageData[Row]) -> bool:
    # Without a total, dlt's offset paginator asks once more after a short page; a short page says it all.
    paginator = page.paginator
    return isinstance(paginator, OffsetPaginator) and len(page) < paginator.value_step

"""Puts routes, dialects and rows together into one application."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.routing import Route as PathRoute

from connectors_dagster.sandbox.dialects import DIALECTS
from connectors_dagster.sandbox.dialects.dialect import Dialect, Listing, Page, RequestError
from connectors_dagster.sandbox.dialects.memory import Memory
from connectors_dagster.sandbox.helpdesk import build_helpdesk
from connectors_dagster.sandbox.routes import ROUTES, Route
from connectors_dagster.sandbox.rows.draw import Row
from connectors_dagster.sandbox.tables import Tables

Handler = Callable[[Request], Awaitable[Response]]


def build_app(tables: Tables) -> Starlette:
    """Build the API over `tables`, which are read at every request and may change between requests.

    A resource that `tables` lacks is served as an empty list.
    """
    mounts = [_mount(connector, tables) for connector in ROUTES]
    return Starlette(routes=[PathRoute("/_counts", _counts(tables)), build_helpdesk(), *mounts])


def _mount(connector: str, tables: Tables) -> Mount:
    dialect = DIALECTS[connector]
    lists = [PathRoute(r.path, _list(r, connector, tables)) for r in ROUTES[connector]]
    unknown = PathRoute("/{path:path}", _handler(dialect, _no_such_path))
    return Mount(f"/{connector}", routes=[*lists, unknown])


def _list(route: Route, connector: str, tables: Tables) -> Handler:
    dialect = DIALECTS[connector]
    memory = Memory()

    def page(request: Request) -> Page:
        listing = Listing(
            resource=_resource(route, request),
            rows=_rows(route, tables.get(connector, {}), request),
            url=request.url,
            query=request.query_params,
            paged=route.paged,
            memory=memory,
        )
        return dialect.page(listing)

    return _handler(dialect, page)


def _resource(route: Route, request: Request) -> str:
    alternatives = (route.instead.get(f"{name}={value}") for name, value in request.query_params.items())
    return next(filter(None, alternatives), route.resource)


def _rows(route: Route, resources: dict[str, list[Row]], request: Request) -> list[Row]:
    rows, parent = resources.get(_resource(route, request), []), route.parent
    if parent is None:
        return [_renamed(row, route.renamed) for row in rows] if route.renamed else rows
    key = request.path_params["parent"]
    found = [row for row in resources.get(parent.resource, []) if str(row[parent.key]) == key]
    if not found or found[0].get("deleted"):
        raise RequestError(404, f"{parent.resource} {key!r} does not exist")
    children = [row for row in rows if str(row[parent.child_column]) == key]
    if not parent.hidden:
        return children
    return [{name: value for name, value in row.items() if name != parent.child_column} for row in children]


def _renamed(row: Row, names: Mapping[str, str]) -> Row:
    return {names.get(name, name): value for name, value in row.items()}


def _handler(dialect: Dialect, page: Callable[[Request], Page]) -> Handler:
    async def respond(request: Request) -> Response:
        try:
            if not dialect.admits(request):
                raise RequestError(401, "the credentials are missing or wrong")
            return _json(page(request))
        except RequestError as problem:
            return _json(Page(dialect.error(problem)), status=problem.status)

    return respond


def _no_such_path(request: Request) -> Page:
    raise RequestError(404, f"nothing is served at {request.url.path}")


def _counts(tables: Tables) -> Handler:
    async def respond(_: Request) -> Response:
        counts = {
            connector: dict(pair for route in routes for pair in _counts_of(route, tables.get(connector, {})))
            for connector, routes in ROUTES.items()
        }
        return _json(Page(counts))

    return respond


def _counts_of(route: Route, rows: Mapping[str, Sequence[Row]]) -> Iterator[tuple[str, int]]:
    """Count the rows of each resource of a route, and the items of their lists."""
    for name in route.resources:
        yield name, len(rows.get(name, ()))
    for table, field in route.lists.items():
        yield table, sum(len(row[field]) for row in rows.get(route.resource, ()))


def _json(page: Page, *, status: int = 200) -> Response:
    content = orjson.dumps(page.body)
    return Response(content, status, headers=dict(page.headers), media_type="application/json")

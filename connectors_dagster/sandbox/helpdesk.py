"""A help desk: one API with a list of each common kind, for the examples of the documentation.

It needs a bearer token: the fixed one, or one that `/oauth/token` gives for a client id and secret.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from connectors_dagster.sandbox.dialects.auth import bearer
from connectors_dagster.sandbox.dialects.parameters import whole_number

Row = dict[str, Any]

TOKEN = "sandbox-helpdesk-token"  # made up, and documented
CLIENT = {"client_id": "sandbox-helpdesk", "client_secret": "sandbox-helpdesk-secret"}
START = datetime(2024, 1, 1, tzinfo=UTC)
SUBJECTS = ("Cannot log in", "Invoice is missing", "Parcel is late", "Wrong size")

Reply = Callable[[Request], Awaitable[Any]]


def _at(hours: int) -> datetime:
    return START + timedelta(hours=hours)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


TICKETS: list[Row] = [
    {"id": n, "updated_at": _text(_at(17 * n)), "subject": SUBJECTS[n % 4], "agent_id": n % 12 + 1}
    for n in range(1, 121)
]
COMMENTS: list[Row] = [{"id": n, "ticket_id": n % 60 + 1, "text": f"Comment {n}"} for n in range(1, 181)]
AGENTS: list[Row] = [{"id": n, "name": f"Agent {n}", "email": f"agent{n}@desk.example"} for n in range(1, 13)]
CALLS: list[Row] = [{"id": n, "started_at": int(_at(11 * n).timestamp()), "seconds": 30 + n} for n in range(1, 151)]
EVENTS: list[Row] = [
    {"id": f"e{n:03}", "occurred_at": _text(_at(13 * n)), "kind": ("opened", "closed")[n % 2]} for n in range(1, 131)
]


def build_helpdesk() -> Mount:
    """Build the API at `/helpdesk`."""
    lists: dict[str, Reply] = {
        "/tickets": _tickets,
        "/tickets/{ticket:int}/comments": _comments,
        "/agents": _agents,
        "/calls": _calls,
    }
    routes = [Route(path, _admitted(reply)) for path, reply in lists.items()]
    posts = [Route("/events/search", _admitted(_search), methods=["POST"])]
    return Mount("/helpdesk", routes=[*routes, *posts, Route("/oauth/token", _token, methods=["POST"])])


def _admitted(reply: Reply) -> Callable[[Request], Awaitable[Response]]:
    async def respond(request: Request) -> Response:
        if not bearer(TOKEN)(request):
            return JSONResponse({"error": "the token is missing or wrong"}, 401)
        return JSONResponse(await reply(request))

    return respond


async def _token(request: Request) -> Response:
    form = dict(parse_qsl((await request.body()).decode()))
    if {name: form.get(name) for name in CLIENT} != CLIENT:
        return JSONResponse({"error": "invalid_client"}, 401)
    return JSONResponse({"access_token": TOKEN, "token_type": "bearer", "expires_in": 3600})


async def _tickets(request: Request) -> Any:
    since = request.query_params.get("updated_since", "")
    start, size = (
        whole_number(request.query_params, "offset", default=0),
        whole_number(request.query_params, "limit", default=50),
    )
    return {"tickets": [row for row in TICKETS if row["updated_at"] >= since][start : start + size]}


async def _comments(request: Request) -> Any:
    return {"comments": [row for row in COMMENTS if row["ticket_id"] == request.path_params["ticket"]]}


async def _agents(request: Request) -> Any:
    page = whole_number(request.query_params, "page", default=1)
    return {"agents": AGENTS[5 * (page - 1) : 5 * page], "total": len(AGENTS)}


async def _calls(request: Request) -> Any:
    first, last = (
        whole_number(request.query_params, "from", default=0),
        whole_number(request.query_params, "to", default=2**40),
    )
    rows = [row for row in CALLS if first <= row["started_at"] < last]
    start, size = (
        whole_number(request.query_params, "offset", default=0),
        whole_number(request.query_params, "limit", default=50),
    )
    return {"calls": rows[start : start + size], "total": len(rows)}


async def _search(request: Request) -> Any:
    asked = orjson.loads(await request.body())
    rows = [row for row in EVENTS if asked["from"] <= row["occurred_at"] < asked["to"]]
    start = int(asked.get("cursor") or 0)
    return {"events": rows[start : start + 20], "next": str(start + 20) if len(rows) > start + 20 else None}

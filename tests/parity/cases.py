"""Manifests that together have every feature that is translated."""

from tests.parity.parts import (
    HOST,
    LINK,
    Part,
    added,
    case,
    child,
    cursors,
    dated,
    handled,
    listed,
    option,
    pages,
    stream,
)

TEAMS = stream("teams", at=["teams"], paginator=pages("PageIncrement", page_size=2, start_from_page=1))
ADDED = {"type": "AddedFieldDefinition", "path": ["region"], "value": "eu"}
BOARDS = stream(
    "boards",
    incremental_sync=dated(step="P10D", cursor_granularity="PT1S"),
    paginator=pages("PageIncrement", page_size=3),
)
SECRET = {"type": "string", "airbyte_secret": True}
TOKEN = "{{ config['token'] }}"


def authorized(**fields: object) -> Part:
    """Describe a stream with authentication."""
    return stream(requester={"authenticator": fields})


CASES = (
    case("names", "name of a stream", stream("orderItems"), stream("Open orders"), stream("2fa-users")),
    case(
        "settings",
        "properties of `spec`",
        stream(
            requester={
                "url_base": "https://{{ config['shop'] }}.api.example/{{ config.region }}",
                "request_parameters": {"count": "{{ config['count'] }}", "kinds": "{{ config.account.kind }}"},
                "request_headers": {"X-Shop": "{{ config.shop }}", "X-Version": "2", "X-Level": "{{ config.level }}"},
            }
        ),
        spec={
            "region": {"type": "string", "enum": ["eu", "us"], "default": "us"},
            "count": {"type": "integer"},
            "level": {"type": "integer", "default": 7},
            "account": {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}}},
        },
    ),
    case(
        "children of all parents since the start",
        "a child of a parent that is filtered by time",
        *(
            lambda boards: (
                boards,
                stream(
                    "cards",
                    requester={"path": "/boards/{{ stream_partition.board }}/cards"},
                    partition_router=child(boards, name="board"),
                ),
                stream(
                    "notes",
                    requester={"path": "/notes"},
                    incremental_sync=dated(),
                    partition_router=child(boards, name="board", into=option("board")),
                ),
            )
        )(
            stream(
                "boards",
                incremental_sync=dated(step="P10D", cursor_granularity="PT1S"),
                paginator=pages("PageIncrement", page_size=3),
            )
        ),
    ),
    case(
        "rules for another property",
        "`config_normalization_rules`",
        stream(),
        rules={
            "type": "ConfigNormalizationRules",
            "transformations": [{"type": "ConfigAddFields", "fields": [ADDED]}],
        },
    ),
    case(
        "waits that a header says",
        "`WaitTimeFromHeader`, `WaitUntilTimeFromHeader`",
        stream(
            requester={
                "error_handler": handled(
                    {"action": "RETRY", "http_codes": [503]},
                    backoff_strategies=[{"type": "WaitTimeFromHeader", "header": "X-Wait"}],
                )
            }
        ),
    ),
    case(
        "rows that are cast",
        "`schema_normalization: Default`",
        stream(
            fields={"id": "string", "title": "integer", "size": "string", "open": "string", "nested": "string"},
            selector={"schema_normalization": "Default"},
            transformations=[added(size_text=("{{ record['size'] }}", "string"))],
        ),
        stream(
            "numbers",
            fields={"id": "string", "title": "string", "size": "number", "open": "integer"},
            selector={
                "schema_normalization": "Default",
                "record_filter": {"type": "RecordFilter", "condition": "{{ record['size'] is number }}"},
            },
        ),
    ),
    case(
        "settings with defaults",
        "`config['site'] or 'eu'`",
        stream(
            requester={
                "url_base": "https://{{ config.get('site', 'eu') }}.api.example",
                "request_parameters": {"locale": "{{ config['locale'] or 'nl' }}"},
            }
        ),
    ),
    case(
        "values computed from settings",
        ("expressions over `config`", "a credential that the `spec` does not require"),
        stream(
            requester={
                "url_base": "https://{{ 'eu' if config['region'] == 'EU' else 'us' }}.api.example/v1",
                "path": "/{{ config['shop'] | upper }}/things",
                "request_parameters": {
                    "sites": "{{ config['sites'] | join(';') }}",
                    "since": "{{ timestamp(config['start']) | int * 1000 }}",
                    "open": "{{ config['open'] }}",
                    "of": "of-{{ config['unknown'] }}",
                    "none": "{{ config.get('unknown') }}",
                    "rate": "{{ config['rate'] }}",
                },
                "request_headers": {"X-Open": "{{ config['open'] and true }}"},
                "authenticator": {"type": "BearerAuthenticator", "api_token": "{{ config['key'] }}"},
            }
        ),
        stream(
            "searches",
            requester={
                "url_base": "https://{{ 'eu' if config['region'] == 'EU' else 'us' }}.api.example/v1",
                "http_method": "POST",
                "request_body_json": {
                    "shop": "{{ config['shop'] }}",
                    "count": "{{ config['count'] }}",
                    "all": "{{ False }}",
                    "limit": "{{ 500 }}",
                    "word": "{{ 'None' }} x",
                },
                "authenticator": {
                    "type": "ApiKeyAuthenticator",
                    "header": "X-Key",
                    "api_token": "{{ 'key ' + config['token'] }}",
                },
            },
        ),
        spec={
            "region": {"type": "string", "enum": ["US", "EU"], "default": "EU"},
            "sites": {"type": "array", "items": {"type": "string"}},
            "open": {"type": "boolean"},
            "rate": {"type": "number", "default": 1000},
            "count": {"type": "string", "default": "5"},
            "key": {"type": "string", "airbyte_secret": True},
        },
    ),
    case(
        "a setting of every connector",
        "a property that every connector has",
        stream(requester={"request_parameters": {"step": "{{ config['step'] }}", "schedule": "{{ config.schedule }}"}}),
        spec={"step": {"type": "string"}, "schedule": {"type": "string"}},
    ),
    case(
        "declared columns",
        "schema of a stream",
        stream(fields={"id": "integer", "a": "string", "b": "integer", "c": "number", "d": "object", "e": "array"}),
    ),
    case("a key of two fields", "`primary_key`", stream(primary_key=["id", "size"])),
    case("no key", "no `primary_key`", stream(primary_key=None)),
    case("rows at the root", "`field_path`", stream(at=[])),
    case(
        "a row that names the next one",
        "`CursorPagination`",
        stream(at=[], paginator=cursors("{{ response.next }}", "{{ response.next is none }}")),
    ),
    case("one object", "`field_path`", stream("plan", at=["data", "plan"]), stream("account", at=[])),
    case(
        "a list of one row as an object",  # as the made-up API writes it, if the name of the stream has a certain hash
        "`field_path`",
        stream("only", paginator=pages("PageIncrement", page_size=2)),
        stream("lone", at=[], paginator=pages("OffsetIncrement", "offset", "limit", page_size=2)),
    ),
    case("rows in items", "`field_path`", stream(at=["data", "*", "thing"]), stream("others", at=["a b", "c-d"])),
    case(
        "rows in items of the root",
        "`field_path`",
        stream(at=["*", "thing"], paginator=pages("PageIncrement", page_size=2)),
    ),
    case(
        "windows",
        ("`DatetimeBasedCursor`", "`cursor_granularity`"),
        stream(incremental_sync=dated(cursor_granularity="PT1S", step="P1M")),
    ),
    case("windows that overlap", "`cursor_granularity`", stream(incremental_sync=dated())),
    case(
        "windows of days",
        "`DatetimeBasedCursor`",
        stream(incremental_sync=dated("%Y-%m-%d", cursor_granularity="P1D", step="P10D")),
    ),
    case(
        "windows in seconds since 1970",
        "`DatetimeBasedCursor`",
        stream(incremental_sync=dated("%s")),
        stream("others", incremental_sync=dated("%ms", cursor_granularity="PT0.001S", step="P1M")),
    ),
    case(
        "rows with other formats of time",
        "`datetime_format`, `cursor_datetime_formats`",
        stream("counted", incremental_sync=dated("%s", cursor_datetime_formats=["%Y-%m-%dT%H:%M:%S%z"])),
        stream(incremental_sync=dated(cursor_datetime_formats=["%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%dT%H:%M:%S%z"])),
    ),
    case(
        "bounds in a text",
        "`DatetimeBasedCursor`",
        stream(
            requester={
                "request_parameters": {
                    "query": "from '{{ stream_interval.start_time }}' AND to '{{ stream_interval['end_time'] }}'"
                }
            },
            incremental_sync=dated(start=None, end=None),
        ),
    ),
    case(
        "bounds in the body",
        "`DatetimeBasedCursor`",
        stream(
            requester={"http_method": "POST", "request_body_json": {"filter": {"open": True}, "sort": ["changed"]}},
            incremental_sync=dated(
                start=option(["filter", "from"], "body_json"),
                end=option(["filter", "to"], "body_json"),
                step="P7D",
                cursor_granularity="PT1S",
            ),
        ),
    ),
    case("a feed", "`DatetimeBasedCursor`", stream(incremental_sync=dated(start=None, end=None, is_data_feed=True))),
    case("a feed from a time on", "`DatetimeBasedCursor`", stream(incremental_sync=dated(end=None))),
    case("requests for a week", "`step`", stream(incremental_sync=dated(step="P1W", cursor_granularity="PT1S"))),
    case("changes that show late", "`lookback_window`", stream(incremental_sync=dated(lookback_window="P2D"))),
    case(
        "pages by number",
        "`PageIncrement`, `OffsetIncrement`",
        stream(paginator=pages("PageIncrement", page_size=3)),
        stream(
            "others", paginator=pages("PageIncrement", page_size=3, start_from_page=1, inject_on_first_request=True)
        ),
    ),
    case(
        "pages shorter than the request says",
        "`PageIncrement`, `OffsetIncrement`",
        stream(
            requester={"request_parameters": {"limit": "100"}}, paginator=pages("PageIncrement", page_size=3, size=None)
        ),
    ),
    case(
        "pages by offset",
        "`PageIncrement`, `OffsetIncrement`",
        stream(paginator=pages("OffsetIncrement", "offset", "limit", page_size=4)),
        stream(
            "others", paginator=pages("OffsetIncrement", "from", page_size=4, size=None, inject_on_first_request=True)
        ),
    ),
    case(
        "pages in the body",
        "`PageIncrement`, `OffsetIncrement`",
        stream(
            requester={"http_method": "POST", "request_body_json": {"with": ["all"], "page": {"sort": "id"}}},
            paginator=pages(
                "PageIncrement",
                option(["page", "number"], "body_json"),
                option(["page", "size"], "body_json"),
                page_size=3,
                start_from_page=1,
            ),
        ),
    ),
    case(
        "cursors in the body",
        "`CursorPagination`",
        stream(paginator=cursors("{{ response['meta']['next'] }}", page_size=2)),
    ),
    case(
        "objects as cursors in the body",
        "`CursorPagination`",
        stream(
            requester={"http_method": "POST", "request_body_json": {"query": "query($after: String)"}},
            paginator=cursors(
                """{{ '{"after": "' + response.page.end + '"}' if response.page.end else "" }}""",
                "{{ response.page.more is false }}",
                option("variables", "body_json"),
            ),
        ),
    ),
    case(
        "cursors with a flag",
        "`CursorPagination`",
        stream(paginator=cursors("{{ response.next }}", "{{ not response.has_more }}")),
        stream("others", paginator=cursors("{{ last_record['id'] }}", "{{ not response.has_more }}", page_size=2)),
    ),
    case(
        "cursors of the last row",
        "`CursorPagination`",
        stream(paginator=cursors("{{ last_record.id }}", "{{ last_page_size == 0 }}", page_size=2)),
    ),
    case(
        "links",
        "`CursorPagination`",
        stream(paginator=cursors("{{ response.links.next }}", "{{ not response.links.next }}", LINK)),
        stream(
            "others",
            at=[],
            paginator=cursors("{{ headers['link']['next']['url'] }}", "{{ 'next' not in headers['link'] }}", LINK),
        ),
    ),
    case(
        "computed pages",
        "`CursorPagination`",
        stream(paginator=cursors("{{ response.offset + 2 }}", "{{ response.offset + 2 >= response.total }}", "offset")),
        stream(
            "others",
            paginator=cursors("{{ response.page + 1 }}", "{{ response.page >= response.total_pages }}", "page"),
        ),
        stream(
            "last",
            selector={"record_filter": {"type": "RecordFilter", "condition": "{{ record.size is not none }}"}},
            paginator=cursors("{{ last_record.id }}", "{{ last_page_size < 2 }}", page_size=2),
        ),
        stream("links", paginator=cursors("{{ response.next_url }}", "{{ not response.has_more }}", LINK)),
    ),
    case(
        "children",
        "`SubstreamPartitionRouter`",
        TEAMS,
        stream(
            "members",
            requester={"path": "/teams/{{ stream_partition.team }}/members"},
            partition_router=child(TEAMS, name="team"),
            paginator=cursors("{{ response.links.next }}", token=LINK),
        ),
        stream(
            "rules", partition_router=child(TEAMS, into=option("team")), paginator=pages("PageIncrement", page_size=2)
        ),
        stream(
            "at_one_address",
            requester={"path": "/teams", "request_parameters": {"of": "{{ stream_partition.team }}"}},
            partition_router=child(TEAMS, name="team"),
        ),
    ),
    case(
        "children of children",
        "`SubstreamPartitionRouter`",
        TEAMS,
        BOARDS := stream("boards", partition_router=child(TEAMS, into=option("team_id"))),
        stream(
            "cards",
            requester={"path": "/boards/{{ stream_slice['board'] }}/cards", "request_parameters": {"full": "1"}},
            partition_router=child(BOARDS, name="board"),
            transformations=[added(board="{{ stream_partition['board'] }}", shape=("{{ record.size }}", "string"))],
        ),
    ),
    case(
        "children of a parent with a cursor",
        "`SubstreamPartitionRouter`",
        DATED := stream("dated", incremental_sync=dated(start=None, end=None)),
        stream(
            "notes", requester={"path": "/dated/{{ stream_slice.of }}/notes"}, partition_router=child(DATED, name="of")
        ),
    ),
    case(
        "children with a cursor",
        "a cursor of a child",
        TEAMS,
        stream(
            "changes",
            partition_router=child(TEAMS, into=option("team")),
            incremental_sync=dated(start=None, end=None),
        ),
    ),
    case(
        "values of a list",
        "`ListPartitionRouter`",
        stream(
            partition_router=listed("open", "closed", into=option("state")),
            paginator=pages("PageIncrement", page_size=2),
        ),
        stream(
            "others", requester={"path": "/others/{{ stream_partition.kind }}"}, partition_router=listed("north", "7")
        ),
    ),
    case(
        "numbers in headers",
        ("`ListPartitionRouter`", "`DatetimeBasedCursor`"),
        stream(
            incremental_sync=dated("%s", start=option("X-Since", "header"), end=option("X-Until", "header")),
            partition_router=listed("1", "2", into=option("X-Kind", "header")),
        ),
        stream(
            "others",
            incremental_sync=dated("%s", start=None, end=None),
            requester={
                "request_headers": {"X-Since": "{{ stream_interval.start_time }}", "X-Kind": "{{ stream_slice.kind }}"}
            },
            partition_router=listed("1", "2"),
        ),
    ),
    case(
        "values of a list for each row of a parent",
        ("`ListPartitionRouter`", "`SubstreamPartitionRouter`"),
        TEAMS,
        stream(
            "players",
            requester={"path": "/teams/{{ stream_partition.team }}/{{ stream_slice['kind'] }}/players"},
            partition_router=[listed("first", "second"), child(TEAMS, name="team")],
        ),
        stream(
            "matches",
            partition_router=[child(TEAMS, name="team", into=option("team")), listed("a", "b", into=option("kind"))],
            incremental_sync=dated(cursor_granularity="PT1S", step="P1M"),
            transformations=[added(of="{{ stream_partition.team }}-{{ stream_partition['kind'] }}")],
        ),
    ),
    case(
        "several addresses",
        "another `url_base`",
        authorized(type="BearerAuthenticator", api_token=TOKEN),
        stream(
            "reports",
            requester={
                "url_base": "https://reports.api.example/v2",
                "authenticator": {
                    "type": "ApiKeyAuthenticator",
                    "api_token": "{{ config['key'] }}",
                    "inject_into": {"type": "RequestOption", "inject_into": "header", "field_name": "X-Key"},
                },
            },
        ),
        stream("regions", requester={"url_base": "https://{{ config['region'] }}.api.example"}),
        spec={"token": SECRET, "key": SECRET, "region": {"type": "string"}},
    ),
    case(
        "values of two lists, and windows",
        ("`ListPartitionRouter`", "`DatetimeBasedCursor`"),
        stream(
            partition_router=[listed("a", "b", into=option("kind")), listed("x", "y", name="side", into=option("side"))]
        ),
        stream(
            "others",
            partition_router=listed("a", "b", into=option("kind")),
            incremental_sync=dated(cursor_granularity="PT1S", step="P1M"),
        ),
    ),
    case(
        "filtered rows",
        "`RecordFilter`, `transform_before_filtering`",
        stream(selector={"record_filter": {"type": "RecordFilter", "condition": "{{ record['state'] == 'open' }}"}}),
        stream(
            "others",
            selector={
                "transform_before_filtering": True,
                "record_filter": {"type": "RecordFilter", "condition": "{{ record.rank > 2 and record.a is defined }}"},
            },
            transformations=[added(rank="{{ record['size'] | int }}")],
        ),
    ),
    case(
        "changed rows",
        "`AddFields`, `RemoveFields`, `KeysToLower`",
        stream(
            fields={"id": "string", "Title": "string", "SIZE": "integer", "when": "string"},
            transformations=[
                added(
                    copy="{{ record['Title'] }}",
                    text=("{{ record.SIZE }}", "string"),
                    number=("{{ record.SIZE | int }}", "integer"),
                    word="{{ record.get('Title', '') | lower }} of {{ record['id'] }}",
                    fixed="7",
                    day="{{ format_datetime(record['when'], '%Y-%m-%d') }}",
                ),
                {"type": "RemoveFields", "field_pointers": [["SIZE"], ["nothing"]]},
                {"type": "KeysToLower"},
            ],
        ),
        stream(
            "others",
            fields={"id": "string", "owner": "object", "list": "array"},
            transformations=[
                added(read_at="{{ now_utc() }}", name="{{ record.owner.name }}"),
                {"type": "RemoveFields", "field_pointers": [["owner", "name"], ["owner", "b", "c"], ["list", "x"]]},
            ],
        ),
        stream("keyless", primary_key=None, transformations=[added(read_at="{{ now_utc() }}")]),
        stream("keyed_by_time", primary_key=["uuid"], transformations=[added(uuid="{{ now_utc() }}")]),
    ),
    case(
        "flattened objects",
        "`DpathFlattenFields`",
        stream(
            fields={"id": "string", "attributes": "object", "rest": "object"},
            transformations=[
                added(name="{{ record['attributes'] }}"),
                {"type": "DpathFlattenFields", "field_path": ["attributes"], "delete_origin_value": True},
                {"type": "DpathFlattenFields", "field_path": ["nothing"], "delete_origin_value": True},
            ],
        ),
    ),
    case("bearer", "bearer tokens", authorized(type="BearerAuthenticator", api_token=TOKEN)),
    case(
        "API keys",
        "bearer tokens",
        authorized(
            type="ApiKeyAuthenticator", api_token="Key {{ config['token'] }}", inject_into=option("X-Key", "header")
        ),
    ),
    case(
        "API keys in the query",
        "bearer tokens",
        authorized(type="ApiKeyAuthenticator", api_token=TOKEN, inject_into=option("key")),
    ),
    case(
        "API keys in the body",
        "bearer tokens",
        stream(
            requester={
                "http_method": "POST",
                "authenticator": {
                    "type": "ApiKeyAuthenticator",
                    "api_token": TOKEN,
                    "inject_into": option("key", "body_data"),
                },
            }
        ),
    ),
    case(
        "user and password",
        "bearer tokens",
        authorized(type="BasicHttpAuthenticator", username="{{ config.shop }}", password=TOKEN),
    ),
    case(
        "OAuth",
        "bearer tokens",
        authorized(
            type="OAuthAuthenticator",
            token_refresh_endpoint=f"{HOST}/oauth/token",
            grant_type="refresh_token",
            client_id="{{ config['client_id'] }}",
            client_secret="{{ config['client_secret'] }}",
            refresh_token="{{ config['refresh_token'] }}",
            scopes=[],
            expires_in_name="expires_at",
            token_expiry_date_format="YYYY-MM-DDTHH:mm:ss[Z]",
        ),
        spec={"client_id": SECRET, "client_secret": SECRET, "refresh_token": SECRET},
        required=["client_id", "client_secret", "refresh_token"],
    ),
    case(
        "OAuth with a refresh token that the API replaces",
        "`refresh_token_updater`",
        authorized(
            type="OAuthAuthenticator",
            token_refresh_endpoint=f"{HOST}/oauth/token",
            client_id="{{ config['client_id'] }}",
            client_secret="{{ config['client_secret'] }}",
            refresh_token="{{ config['refresh_token'] }}",
            refresh_token_updater={"refresh_token_config_path": ["refresh_token"]},
        ),
        spec={"client_id": SECRET, "client_secret": SECRET, "refresh_token": SECRET},
        required=["client_id", "client_secret", "refresh_token"],
    ),
    case(
        "authentication that a setting chooses",
        "`SelectiveAuthenticator`",
        authorized(
            type="SelectiveAuthenticator",
            authenticator_selection_path=["login", "kind"],
            authenticators={
                "key": {
                    "type": "ApiKeyAuthenticator",
                    "api_token": "{{ config.login.key }}",
                    "inject_into": option("key"),
                },
                "token": {"type": "BearerAuthenticator", "api_token": "{{ config.login.token }}"},
            },
        ),
        spec={
            "login": {
                "type": "object",
                "oneOf": [
                    {
                        "required": ["kind", "key"],
                        "properties": {"kind": {"type": "string", "const": "key"}, "key": SECRET},
                    },
                    {
                        "required": ["kind", "token"],
                        "properties": {"kind": {"type": "string", "const": "token"}, "token": SECRET},
                    },
                ],
            }
        },
        required=["login"],
    ),
    case(
        "a login",
        "`SessionTokenAuthenticator`",
        authorized(
            type="SessionTokenAuthenticator",
            login_requester={
                "type": "HttpRequester",
                "url_base": HOST,
                "path": "/login",
                "http_method": "POST",
                "authenticator": {
                    "type": "BasicHttpAuthenticator",
                    "username": "{{ config['shop'] }}",
                    "password": TOKEN,
                },
            },
            session_token_path=["session", "id"],
            expiration_duration="PT1H",
            request_authentication={"type": "ApiKey", "inject_into": option("X-Session", "header")},
        ),
    ),
    case(
        "errors",
        "statuses in `response_filters`",
        stream(
            requester={
                "error_handler": handled(
                    {"action": "IGNORE", "http_codes": [404]}, {"action": "FAIL", "http_codes": [402]}
                )
            }
        ),
        stream("others", requester={"error_handler": handled({"action": "RETRY", "http_codes": [423]}, max_retries=3)}),
        TEAMS,
        stream(
            "members",
            requester={
                "path": "/teams/{{ stream_slice.team }}/members",
                "error_handler": handled({"action": "IGNORE", "http_codes": [403, 404]}),
            },
            partition_router=child(TEAMS, name="team"),
        ),
    ),
    case(
        "errors that the body explains",
        "`predicate`, `error_message_contains`",
        stream(requester={"error_handler": handled({"action": "IGNORE", "error_message_contains": "no rows"})}),
        stream(
            "others",
            requester={
                "error_handler": handled({"action": "IGNORE", "predicate": "{{ response.message == 'no rows' }}"})
            },
        ),
        stream(
            "failed_twice",
            requester={
                "error_handler": {
                    "type": "CompositeErrorHandler",
                    "error_handlers": [
                        handled({"action": "FAIL", "http_codes": [422]}),
                        handled({"action": "IGNORE", "error_message_contains": "no rows"}),
                    ],
                }
            },
        ),
    ),
    case(
        "references and parameters",
        "`field_path`",
        {"$ref": "#/definitions/things"},
        definitions={
            "requester": {
                "type": "HttpRequester",
                "url_base": f"{HOST}/v2/",
                "authenticator": {"type": "BearerAuthenticator", "api_token": TOKEN},
            },
            "things": {
                **stream(at=["things"]),
                "retriever": {
                    "type": "SimpleRetriever",
                    "requester": {"$ref": "#/definitions/requester"},
                    "record_selector": {"extractor": {"field_path": ["data", "things"]}},
                },
                "$parameters": {"path": "list/things", "http_method": "GET"},
            },
        },
    ),
    case(
        "parameters in texts",
        "`{{ parameters.place }}`",
        {
            **stream(
                at=["{{ parameters['rows'] }}", "all"],
                requester={
                    "path": "list/{{ parameters.place }}",
                    "request_parameters": {"kind": "{{ parameters.kind }}", "level": "{{ parameters['level'] }}"},
                    "request_headers": {"X-Kind": "{{ parameters.kind }}-{{ config.shop }}"},
                },
            ),
            "$parameters": {"place": "things", "rows": "found", "kind": "a b", "level": 7},
        },
        stream("others", requester={"path": "list/{{ parameters.get('place',  'others') }}"}),
    ),
)

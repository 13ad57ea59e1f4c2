"""What each feature of a manifest becomes, and why a stream has no translation."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors_dagster import AuthChoice, NextPage, Secret, SessionToken, Setting, Transformation, TypedValue
from connectors_dagster.airbyte.errors import ManifestError
from connectors_dagster.airbyte.manifest import read_manifest
from connectors_dagster.airbyte.names import identifier, identifiers
from connectors_dagster.airbyte.translation import Translated, translate
from connectors_dagster.config.explained_settings import OF_A_CONNECTOR
from connectors_dagster.spec.computed import with_computed
from connectors_dagster.spec.own_settings import OWN_SETTINGS
from connectors_dagster.spec.placeholders import Text, fill_placeholders, find_placeholders

PARAM = {"type": "RequestOption", "inject_into": "request_parameter"}
DATES = {
    "type": "DatetimeBasedCursor",
    "cursor_field": "changed",
    "datetime_format": "%Y-%m-%d",
    "start_datetime": "2020-01-01",
    "start_time_option": {**PARAM, "field_name": "since"},
}
SPEC = {
    "type": "object",
    "required": ["shop", "token", "count", "exact"],
    "properties": {
        "shop": {"type": "string"},
        "token": {"type": "string", "airbyte_secret": True},
        "count": {"type": "integer"},
        "exact": {"type": "boolean"},
        "region": {"type": "string"},
        "step": {"type": "string"},
        "account": {"type": "object", "oneOf": [{"properties": {"key": {"type": "string", "airbyte_secret": True}}}]},
    },
}


def written(folder: Path, *streams: Any, **parts: Any) -> Translated:
    """Translate a manifest with these streams."""
    spec = {"type": "Spec", "connection_specification": SPEC}
    document = {"version": "6.0.0", "type": "DeclarativeSource", "streams": list(streams), "spec": spec, **parts}
    (folder / "manifest.yaml").write_text(yaml.safe_dump(document))
    return translate(read_manifest(folder), name="shop")


def stream(name: str = "things", /, **changes: Any) -> dict[str, Any]:
    """Describe a stream; a change is a part's fields, or the part itself."""
    requester = {"type": "HttpRequester", "url_base": "https://api.example/v1", "path": "/things"}
    retriever: dict[str, Any] = {
        "type": "SimpleRetriever",
        "requester": requester | changes.pop("requester", {}),
        "record_selector": {"extractor": {"field_path": ["data"]}} | changes.pop("selector", {}),
    }
    for part in ("paginator", "partition_router", "decoder"):
        if part in changes:
            retriever[part] = changes.pop(part)
    return {"type": "DeclarativeStream", "name": name, "primary_key": "id", "retriever": retriever, **changes}


def pages(strategy: str, token: Any = None, size: Any = None, **fields: Any) -> dict[str, Any]:
    """Describe a paginator."""
    option = token or {**PARAM, "field_name": "page"}
    sized = {"page_size_option": {**PARAM, "field_name": "size"}} if size else {}
    written = {"type": strategy, **({"page_size": size} if size else {}), **fields}
    return {"type": "DefaultPaginator", "page_token_option": option, "pagination_strategy": written, **sized}


def cursors(value: str, stop: str | None = None, token: Any = None) -> dict[str, Any]:
    return pages("CursorPagination", token, cursor_value=value, **({"stop_condition": stop} if stop else {}))


LINK = {"type": "RequestPath"}


def adding(value: str, *, path: Any = ("new",), **fields: Any) -> dict[str, Any]:
    """Describe a transformation that adds a field."""
    return {"type": "AddFields", "fields": [{"path": list(path), "value": value, **fields}]}


@pytest.mark.parametrize(
    ("paginator", "expected"),
    [
        ({"type": "NoPagination"}, {"type": "single_page"}),
        (
            pages("PageIncrement", start_from_page=1, size=50),
            {"type": "page_number", "base_page": 1, "total_path": None, "page_param": "page"},
        ),
        (
            pages("PageIncrement", inject_on_first_request=True),
            {"type": "page_number", "base_page": 0, "total_path": None, "page_param": "page"},
        ),
        (
            pages("OffsetIncrement", {"inject_into": "body_json", "field_name": "from"}, page_size=10),
            {"type": "offset", "limit": 10, "total_path": None, "offset_body_path": "from"},
        ),
        (
            cursors("{{ response.get('meta', {}).get('next', {}) }}", "{{ not response['meta']['next'] }}"),
            {"type": "cursor", "cursor_path": "meta.next", "cursor_param": "page"},
        ),
        (
            cursors("{{ response.next }}", "{{ response.next is none or response.next == '' }}"),
            {"type": "cursor", "cursor_path": "next", "cursor_param": "page"},
        ),
        (
            cursors("{{ last_record['id'] }}", "{{ not response.get('has_more', False) }}"),
            {"type": "cursor", "cursor_path": "data[-1].id", "cursor_param": "page", "has_more_path": "has_more"},
        ),
        (
            cursors("{{ last_record['id'] }}", "{{ last_page_size == 0 }}"),
            {"type": "cursor", "cursor_path": "data[-1].id", "cursor_param": "page"},
        ),
        (
            cursors("{{ response['@odata.nextLink'] }}", "{{ '@odata.nextLink' not in response }}", LINK),
            {"type": "json_link", "next_url_path": "'@odata.nextLink'"},
        ),
        (
            cursors("{{ headers['link']['next']['url'] }}", "{{ 'next' not in headers['link'] }}", LINK),
            {"type": "header_link", "links_next_key": "next"},
        ),
    ],
)
def test_a_way_of_paging_becomes_the_paginator_that_does_the_same(tmp_path, paginator, expected):
    connector = written(tmp_path, stream(paginator=paginator)).connector
    assert connector and connector.graph["things"].endpoint["paginator"] == expected


@pytest.mark.parametrize("fields", [{"strategy": "PageIncrement"}, {"strategy": "OffsetIncrement", "page_size": 10}])
@pytest.mark.parametrize("injected", [True, False])
def test_a_first_page_has_a_number_only_if_the_manifest_says_so(tmp_path, fields, injected):
    option = {"page_size_option": {**PARAM, "field_name": "size"}}
    paginator = pages(**fields, inject_on_first_request=injected) | option
    connector = written(tmp_path, stream(paginator=paginator)).connector
    assert connector and connector.graph["things"].omit_first_page_number is not injected


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"primary_key": [["owner", "id"]]}, "a key inside an object"),
        ({"transformations": [{"type": "RemoveFields", "field_pointers": [["a", "b*"]]}]}, "removed by a pattern"),
        ({"transformations": [{"type": "RemoveFields", "field_pointers": [["a", "0"]]}]}, "or a position"),
        ({"transformations": [{"type": "RemoveFields", "field_pointers": [["a", 0]]}]}, "no list of names"),
        (
            {"transformations": [{"type": "RemoveFields", "field_pointers": [["a"]], "condition": "{{ True }}"}]},
            "not known here",
        ),
        (
            {"transformations": [adding("{{ now_utc() }}", path=["id"])], "primary_key": ["id", "day"]},
            "the time at which a row is read",
        ),
        ({"transformations": [adding("{{ now_utc() }} {{ record.a }}")]}, "the time at which a row is read"),
        ({"selector": {"record_filter": {"condition": "{{ now_utc() }}"}}}, "the time at which a row is read"),
        ({"transformations": [adding("{{ config.region }}")]}, "an expression over config in rows"),
        ({"transformations": [adding("{{ stream_slice }}")]}, "an expression over stream_slice in rows"),
        (
            {"transformations": [adding("{{ config.a }} {{ record.b }}")]},
            "an expression over config and record in rows",
        ),
        ({"transformations": [adding("{{ stream_slice.start_time }}")]}, "an expression over stream_slice in rows"),
        ({"transformations": [adding("x", path=["a", "b"])]}, "a field that is added inside an object"),
        ({"transformations": [{"type": "FlattenFields"}]}, "a transformation: FlattenFields"),
        ({"transformations": [{"class_name": "source.components.Own"}]}, "Python of the connector's own"),
        (
            {"selector": {"record_filter": {"condition": "{{ record.a > stream_interval.start_time }}"}}},
            "stream_slice in rows",
        ),
        ({"selector": {"record_filter": {"condition": ""}}}, "the same for all rows"),
        ({"selector": {"record_filter": {"class_name": "source.components.Own"}}}, "Python of the connector's own"),
        ({"selector": {"schema_normalization": "Default"}}, "rows that are cast to their schema"),
        ({"selector": {"extractor": {"field_path": ["item?"]}}}, "a path to the rows with wildcards"),
        ({"selector": {"extractor": {"class_name": "source.components.Own"}}}, "Python of the connector's own"),
        ({"decoder": {"type": "XmlDecoder"}}, "a decoder"),
        ({"requester": {"query_properties": {}}}, "a field that is not known here"),
        ({"requester": {"http_method": "DELETE"}}, "an HTTP method"),
        ({"requester": {"path": "/a/{{ config | length }}"}}, "an expression over config"),
        ({"requester": {"authenticator": {"type": "OAuthAuthenticator"}}}, "OAuth access tokens"),
        (
            {"requester": {"authenticator": {"type": "BearerAuthenticator", "api_token": "abc"}}},
            "a credential that is written into the manifest",
        ),
        ({"paginator": pages("OffsetIncrement", size="{{ config.count }}")}, "pages by offset without a number"),
        ({"paginator": cursors("{{ response.next }}{{ config.shop }}")}, "a next page found by an expression"),
        (
            {"paginator": cursors("{{ response.next }}", "{{ response.next == config.shop }}")},
            "an end of pages found by an expression",
        ),
        ({"paginator": cursors("5")}, "a next page found by an expression"),
        (
            {"partition_router": {"type": "ListPartitionRouter", "values": [True], "cursor_field": "a"}},
            "a list of partitions with other values",
        ),
        (
            {"partition_router": {"type": "ListPartitionRouter", "values": ["{{ config.shop }}"], "cursor_field": "a"}},
            "a list of partitions with other values",
        ),
        ({"incremental_sync": DATES | {"cursor_field": "a.b"}}, "a cursor that is not the name of a field"),
        ({"incremental_sync": DATES | {"datetime_format": "%Y-%m-%dT%H:%M:%S-12:00"}}, "a written offset"),
        ({"incremental_sync": DATES | {"cursor_datetime_formats": ["%d.%m.%Y", "%s"]}}, "rows with several formats"),
        ({"incremental_sync": DATES | {"start_datetime": "{{ day_delta(-7) }}"}}, "a start that moves"),
        ({"incremental_sync": DATES | {"end_datetime": "{{ config.region }}"}}, "an end that is not now"),
        ({"incremental_sync": DATES | {"end_datetime": "{{ day_delta(-2) }}"}}, "an end that is not now"),
        (
            {
                "incremental_sync": DATES
                | {"datetime_format": "%Y-%m-%d %H:%M", "step": "P1D", "cursor_granularity": "P1D"}
            },
            "a step that is no longer than cursor_granularity",
        ),
        (
            {
                "incremental_sync": DATES | {"datetime_format": "%Y-%m-%dT%H:%M:%SZ"},
                "transformations": [
                    adding("{{ str_to_datetime(record.at).strftime('%FT%H:00:00Z') }}", path=["changed"])
                ],
            },
            "a cursor that is computed",
        ),
        ({"transformations": [adding("{{ generate_uuid() }}")]}, "made up for each row"),
        (
            {"requester": {"error_handler": {"response_filters": [{"action": "FAIL", "predicate": "{{ config.a }}"}]}}},
            "errors recognized by an expression",
        ),
    ],
)
def test_a_stream_with_a_feature_that_has_no_translation_is_not_native_and_says_why(tmp_path, change, reason):
    translated = written(tmp_path, stream(**change), stream("others"))
    assert [one.engine for one in translated.streams] == ["none", "native"]
    assert reason in str(translated.streams[0].reasons[0])


def test_settings_keep_their_types_defaults_and_secrets(tmp_path):
    auth = {
        "type": "BasicHttpAuthenticator",
        "username": "{{ config['token'] }}",
        "password": "{{ config.account.key }}",
    }
    params = {"n": "{{ config.count }}", "in": "{{ config.get('region', 'eu') }}", "step": "{{ config.step }}"}
    params["more"] = "{{ config.undeclared }}"
    requester = {
        "url_base": "https://{{ config['shop'] }}.example",
        "authenticator": auth,
        "request_parameters": params,
    }
    translated = written(tmp_path, stream(requester=requester))
    connector = translated.connector
    assert connector, translated.streams
    found = {str(one): one for one in find_placeholders(connector.config)}
    assert connector.config["client"]["base_url"] == Text("https://", Setting("shop"), ".example")
    assert isinstance(found["token"], Secret) and found["token"].required
    assert found["count"].type is int and found["count"].required
    assert isinstance(found["account_key"], Secret) and found["account_key"].default == ""
    assert (found["region"].default, found["region"].required) == ("eu", False)
    assert found["undeclared"].optional
    assert found["step_setting"].optional  # the setting `step` is the length of windows


@pytest.mark.parametrize("declared", [True, False])
def test_a_property_never_has_the_name_of_a_setting_that_every_connector_has(tmp_path, declared):
    assert set(OF_A_CONNECTOR) == OWN_SETTINGS
    requester = {"request_parameters": {name: f"{{{{ config['{name}'] }}}}" for name in OWN_SETTINGS}}
    properties = {name: {"type": "string"} for name in OWN_SETTINGS} if declared else {}
    spec = {"connection_specification": {"properties": properties}}
    connector = written(tmp_path, stream(requester=requester), spec=spec).connector
    assert connector
    found = {str(one) for one in connector.settings}
    assert found == {"start_date", *(f"{name}_setting" for name in OWN_SETTINGS - {"start_date"})}


def test_a_property_that_the_spec_lacks_does_not_share_a_setting_with_one_that_it_has(tmp_path):
    params = {"a": "{{ config.account.key }}", "b": "{{ config.account_key }}"}
    connector = written(tmp_path, stream(requester={"request_parameters": params})).connector
    assert connector
    assert {str(one) for one in connector.settings} == {"account_key", "account_key_2"}


def test_a_child_of_a_stream_that_is_not_native_has_a_reason(tmp_path):
    parent = stream("parents", transformations=[{"type": "FlattenFields"}])
    config = {"type": "ParentStreamConfig", "parent_key": "id", "partition_field": "of", "stream": parent}
    router = {"type": "SubstreamPartitionRouter", "parent_stream_configs": [config]}
    child = stream("children", partition_router=router, requester={"path": "/p/{{ stream_partition.of }}"})
    translated = written(tmp_path, stream(), parent, child)
    assert {one.name: [str(reason) for reason in one.reasons] for one in translated.streams} == {
        "things": [],
        "parents": ["a transformation: FlattenFields"],
        "children": ["a parent that is not native: parents"],
    }


def test_a_stream_at_another_address_than_most_keeps_it(tmp_path):
    far = stream("far", requester={"url_base": "https://other.example"})
    connector = written(tmp_path, far, stream(), stream("more")).connector
    assert connector and connector.config["client"]["base_url"] == "https://api.example/v1"
    assert {name: one.base_url for name, one in connector.graph.items()} == {
        "far": "https://other.example",
        "things": "https://api.example/v1",
        "more": "https://api.example/v1",
    }


@pytest.mark.parametrize("more", [1, 2])
def test_a_stream_of_a_parent_and_lists_is_requested_for_each_combination(tmp_path, more):
    config = {"type": "ParentStreamConfig", "parent_key": "id", "partition_field": "of", "stream": stream()}
    routers = [{"type": "SubstreamPartitionRouter", "parent_stream_configs": [config]}]
    lists = [{"type": "ListPartitionRouter", "values": ["a", "b"], "cursor_field": "kind"}] * more
    path = "/p/{{ stream_partition.of }}/{{ stream_slice.kind }}"
    child = stream("children", partition_router=[*lists, *routers], primary_key="no", requester={"path": path})
    translated = written(tmp_path, stream(), child)
    if more > 1:
        assert str(translated.streams[1].reasons[0]).startswith("several lists of partitions with one name")
        return
    assert translated.connector
    children = translated.connector.graph["children"]
    assert children.parent is translated.connector.graph["things"]
    assert children.options.for_each == {"kind": ["a", "b"]}
    assert children.primary_key == ("_things_id", "_kind", "no")


def test_a_child_whose_requests_do_not_name_the_parent_is_not_native(tmp_path):
    config = {"type": "ParentStreamConfig", "parent_key": "id", "partition_field": "of", "stream": stream()}
    router = {"type": "SubstreamPartitionRouter", "parent_stream_configs": [config]}
    translated = written(tmp_path, stream(), stream("children", partition_router=router))
    [reason] = translated.streams[1].reasons
    assert str(reason) == "a child whose requests are the same for each row of the parent: things"


def test_addresses_headers_and_paths_are_written_as_airbyte_writes_them(tmp_path):
    requester = {"url_base": "https://api.example//v1/", "request_headers": {"X-Count": "{{ config.count }}"}}
    connector = written(
        tmp_path, stream(requester=requester, selector={"extractor": {"field_path": ["*", "thing"]}})
    ).connector
    assert connector and connector.config["client"]["base_url"] == "https://api.example/v1/"
    endpoint = connector.graph["things"].endpoint
    header = endpoint["headers"]["X-Count"]
    assert isinstance(header, Text) and header.parts == (Setting("count", type=int),)
    assert endpoint["data_selector"] == "$.*.thing"


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/a//b/", "a/b/"),
        ("//a///b?of=c//d", "a/b?of=c//d"),
        ("a/{{ config.shop.split('//')[-1] }}//b", "a/acme.example/b"),
    ],
)
def test_no_part_of_an_address_is_empty_and_an_expression_in_it_stays_as_it_is(tmp_path, path, found):
    base = "https://{{ config['shop'].split('//')[1] }}//v1/"
    connector = written(tmp_path, stream(requester={"url_base": base, "path": path})).connector
    assert connector
    values = with_computed(connector.computed({}), {Setting("shop"): "https://acme.example"})
    filled = fill_placeholders({**connector.config["client"], **connector.graph["things"].endpoint}, values)
    assert (filled["base_url"], filled["path"]) == ("https://acme.example/v1/", found)


def test_a_query_before_the_path_which_airbyte_leaves_out_has_no_translation(tmp_path):
    [found] = written(tmp_path, stream(requester={"url_base": "https://api.example/v1?key=1"})).streams
    assert [str(one) for one in found.reasons] == ["a query before the path: https://api.example/v1?key=1"]
    whole = {"url_base": None, "url": "https://api.example/v1?key=1", "path": None}
    [found] = written(tmp_path, stream(requester=whole)).streams
    assert found.engine == "native"


def test_what_the_rows_are_asked_for_becomes_options_of_the_resource(tmp_path):
    region = {"type": "ListPartitionRouter", "values": ["eu", "us"], "cursor_field": "Region"}
    listed = stream("listed", partition_router=region, requester={"path": "/{{ stream_partition['Region'] }}/rows"})
    until = {"end_time_option": {**PARAM, "field_name": "until"}}
    daily = stream("daily", incremental_sync=DATES | until | {"step": "P1D", "cursor_granularity": "P1D"})
    all_of_it = stream("keyless", primary_key=None, selector={"extractor": {"field_path": ["items", "*", "data"]}})
    config = {"type": "ParentStreamConfig", "parent_key": "id", "partition_field": "of", "stream": None}
    parent = stream("parents", incremental_sync={name: DATES[name] for name in DATES if name != "start_time_option"})
    router = {"type": "SubstreamPartitionRouter", "parent_stream_configs": [config | {"stream": parent}]}
    child = stream("children", partition_router=router, requester={"path": "/p/{{ stream_partition.of }}"})
    translated = written(tmp_path, listed, daily, all_of_it, parent, child)
    connector = translated.connector
    assert connector, translated.streams
    graph = connector.graph
    assert (graph["listed"].options.for_each, graph["listed"].primary_key) == (
        {"region": ["eu", "us"]},
        ("_region", "id"),
    )
    assert graph["daily"].cursor and graph["daily"].cursor.request_step == "P1D"
    assert (graph["daily"].incremental, graph["daily"].endpoint["params"]) == (
        {"cursor_path": "changed"},
        {"since": "{incremental.start_value}", "until": "{incremental.end_value}"},
    )
    assert graph["daily"].cursor.lower == "inclusive" and graph["parents"].cursor.lower == "exclusive"
    assert (graph["keyless"].options.key, graph["keyless"].endpoint["data_selector"]) == ("row_hash", "items.*.data")
    assert (graph["children"].primary_key, graph["children"].family) == (("_parents_id", "id"), "children")


def test_a_next_page_that_no_paginator_of_dlt_finds_is_found_by_its_expression(tmp_path):
    body = {"inject_into": "body_json", "field_path": ["page", "at"]}
    filtered = {"record_filter": {"type": "RecordFilter", "condition": "{{ record.a }}"}}
    for changes, expected in (
        ({"paginator": cursors("{{ response.at + 10 }}")}, NextPage(value="{{ response.at + 10 }}", param="page")),
        (
            {"paginator": cursors("{{ response.next }}", "{{ response.page == response.pages }}", body)},
            NextPage(value="{{ response.next }}", stop="{{ response.page == response.pages }}", body_path="page.at"),
        ),
        (
            {"paginator": cursors("{{ response.next }}", "{{ not response.more }}", LINK)},
            NextPage(value="{{ response.next }}", stop="{{ not response.more }}", is_url=True),
        ),
        (
            {"paginator": pages("OffsetIncrement")},
            NextPage(value="{{ rows_so_far if page_rows else None }}", param="page"),
        ),
        (
            {"paginator": cursors("{{ last_record.id }}"), "selector": filtered},
            NextPage(value="{{ last_record.id }}", param="page"),
        ),
    ):
        connector = written(tmp_path, stream(**changes)).connector
        assert connector
        assert connector.graph["things"].options.next_page == expected
        assert "paginator" not in connector.graph["things"].endpoint
    first = pages("OffsetIncrement", body, inject_on_first_request=True)
    connector = written(tmp_path, stream(paginator=first)).connector
    assert connector
    assert connector.graph["things"].endpoint["json"] == {"page": {"at": 0}}


def test_a_child_is_read_in_windows_of_its_own_or_whole_if_its_cursor_is_in_no_request(tmp_path):
    parent = stream("parents")
    config = {"type": "ParentStreamConfig", "parent_key": "id", "partition_field": "of", "stream": parent}
    router = {"type": "SubstreamPartitionRouter", "parent_stream_configs": [config]}
    path = {"path": "/p/{{ stream_partition.of }}"}
    only_read = {name: DATES[name] for name in DATES if name != "start_time_option"}

    def child(**cursor: Any) -> dict[str, Any]:
        return stream("children", partition_router=router, requester=path, incremental_sync=only_read | cursor)

    connector = written(tmp_path, parent, child()).connector
    assert connector
    children = connector.graph["children"]
    assert (children.cursor, children.incremental, children.windowed) == (None, None, False)
    connector = written(tmp_path, parent, child(start_time_option=DATES["start_time_option"])).connector
    assert connector
    children = connector.graph["children"]
    assert (children.windowed, children.filtered, children.family, children.primary_key) == (
        *(True, True, "children"),
        ("_parents_id", "id"),
    )
    [_, found] = written(tmp_path, parent, child(is_client_side_incremental=True)).streams
    assert str(found.reasons[0]) == "is_client_side_incremental of a cursor: True"


@pytest.mark.parametrize(
    ("value", "is_exact"),
    [
        ("{{ record['attributes']['changed'] }}", True),
        ("{{ record.changed_on or record.made_on or '1970-01-01' }}", True),
        ("{{ record.start_time[:10] }}", True),
        ('{{ record["at"]["date"].split(".")[0] }}', True),
        ("{{ format_datetime(record['published'], '%Y-%m-%dT%H:%M:%SZ') }}", True),
        ("{{ record.at[:7] }}-01", False),
        ("{{ record.at[:13] ~ ':00:00Z' }}", False),
        ("{{ format_datetime(record.at, '%Y-%m-%dT%H:00Z') }}", False),
        ("{{ record.month }}", False),
    ],
)
def test_a_cursor_that_is_added_must_be_the_time_that_the_api_compares(tmp_path, value, is_exact):
    changes = [adding("{{ record.at[:7] }}-01", path=["month"]), adding(value, path=["changed"])]
    [found] = written(tmp_path, stream(incremental_sync=DATES, transformations=changes)).streams
    assert [one.piece for one in found.reasons] == ([] if is_exact else ["a cursor that is computed"])


@pytest.mark.parametrize("value", ["{{ config.shop }}", "2020-01-01", "{{ config['start_time'] }}"])
def test_a_parameter_that_has_the_name_of_a_bound_is_none(tmp_path, value):
    only_read = {name: DATES[name] for name in DATES if name != "start_time_option"}
    requester = {"request_parameters": {"start_time": value}}
    connector = written(tmp_path, stream(incremental_sync=only_read, requester=requester)).connector
    assert connector
    things = connector.graph["things"]
    assert things.cursor and (things.filtered, things.cursor.before_start) == (False, "keep")


def test_rows_and_requests_may_write_times_in_different_formats(tmp_path):
    rows = {"cursor_datetime_formats": ["%s", "%Y-%m-%dT%H:%M:%SZ"], "datetime_format": "%Y-%m-%dT%H:%M:%S.%_msZ"}
    connector = written(tmp_path, stream(incremental_sync=DATES | rows)).connector
    assert connector
    cursor = connector.graph["things"].cursor
    assert cursor and cursor.bounds_format
    assert (cursor.timestamp_format.format, cursor.bounds_format.format) == ("epoch_seconds", rows["datetime_format"])
    again = rows | {"cursor_datetime_formats": ["%Y-%m-%d"]}  # any form of ISO 8601 is read
    connector = written(tmp_path, stream(incremental_sync=DATES | again)).connector
    assert connector
    cursor = connector.graph["things"].cursor
    assert cursor and (cursor.timestamp_format.format, cursor.bounds_format) == (rows["datetime_format"], None)


@pytest.mark.parametrize(
    ("version", "is_native"),
    [("0.51.0", True), ("6.5", True), ("7.39.1", True), ("7.40.0", False), ("10.0.0", False), ("", False)],
)
def test_a_field_that_airbyte_does_not_read_is_ignored_unless_a_later_version_may_read_it(tmp_path, version, is_native):
    auth = {"type": "BearerAuthenticator", "api_token": "{{ config.token }}", "field_path": "a"}
    [found] = written(tmp_path, stream(requester={"authenticator": auth}), version=version).streams
    reasons = () if is_native else ("a field that is not known here: BearerAuthenticator.field_path",)
    assert tuple(map(str, found.reasons)) == reasons


def handled(*handlers: Any) -> dict[str, Any]:
    written = [{"type": "DefaultErrorHandler", "response_filters": list(filters)} for filters in handlers]
    whole = {"type": "CompositeErrorHandler", "error_handlers": written} if len(written) > 1 else written[0]
    return stream(requester={"error_handler": whole})


def test_errors_that_their_body_tells_apart_become_rules_in_the_order_of_the_filters(tmp_path):
    connector = written(
        tmp_path,
        handled(
            [
                {"action": "FAIL", "http_codes": [401], "error_message_contains": "key", "error_message": "buy a key"},
                {"action": "SUCCESS", "predicate": "{{ response.code == 7 }}"},
                {"predicate": "{{ response.code == 8 }}"},
                {"action": "RATE_LIMITED", "http_codes": [400]},
            ]
        ),
    ).connector
    assert connector
    [by_status, by_message, ignored, retried] = connector.graph["things"].responses
    assert (by_status.action, by_status.statuses, by_status.message) == ("fail", {401}, "buy a key")
    assert (by_message.condition, 200 in by_message.statuses) == ('{{ "key" in error_message }}', True)
    assert (ignored.action, ignored.meaning, 200 in ignored.statuses, 400 in ignored.statuses) == (
        *("ignore", "unknown"),
        *(False, True),
    )
    assert (retried.action, retried.statuses) == ("retry", {400})


def test_a_later_error_handler_decides_only_what_the_earlier_ones_fail(tmp_path):
    first = [{"action": "FAIL", "http_codes": [404]}, {"action": "RETRY", "http_codes": [403]}]
    later = [{"action": "IGNORE", "http_codes": [403, 404, 500]}]
    connector = written(tmp_path, handled(first, later)).connector
    assert connector
    assert connector.graph["things"].endpoint["response_actions"] == [{"status_code": 404, "action": "ignore"}]
    [one] = written(tmp_path, handled([{"action": "FAIL", "http_codes": [200]}])).streams
    assert "successful responses that are recognized by their status" in str(one.reasons[0])


def test_what_an_error_handler_fails_is_seen_by_the_next_one_and_by_none_after_it(tmp_path):
    by_body = {"action": "IGNORE", "predicate": "{{ response.a }}"}
    first = [{"action": "FAIL", "http_codes": [404, 422]}, {"action": "IGNORE", "http_codes": [403, 422]}]
    for handlers, rules in (
        ([first[1:], [by_body]], [("ignore", [403, 422]), ("ignore", [400, 401, 403, 404, 405, 429])]),
        ([first, [by_body]], [("ignore", [403]), ("ignore", [400, 401, 403, 404, 405, 422, 429])]),
        (
            [first[:1], [{"action": "RETRY", "http_codes": [422]}], [by_body]],
            [("retry", [422]), ("ignore", [400, 401, 403, 404, 405, 429])],
        ),
    ):
        connector = written(tmp_path, handled(*handlers)).connector
        assert connector
        assert [(rule.action, sorted(rule.statuses)) for rule in connector.graph["things"].responses] == rules
    [one] = written(tmp_path, handled([{"action": "FAIL", "predicate": "{{ response.b }}"}], [by_body])).streams
    assert "decide about each other's failures" in str(one.reasons[0])


def test_client_credentials_are_sent_as_airbyte_sends_them(tmp_path):
    auth = {
        "type": "OAuthAuthenticator",
        "grant_type": "client_credentials",
        "client_id": "{{ config.shop }}",
        "client_secret": "{{ config.token }}",
        "token_refresh_endpoint": "https://login.example/token",
        "refresh_request_body": {"scope": "all"},
    }
    translated = written(tmp_path, stream(requester={"authenticator": auth}))
    assert translated.connector
    assert translated.connector.graph["things"].endpoint["auth"] == {
        "type": "oauth2_client_credentials",
        "access_token_url": "https://login.example/token",
        "client_id": "shop",
        "client_secret": "token",
        "access_token_request_data": {"scope": "all"},
    }
    ignored = {"access_token_value": "{{ config.token }}", "token_expiry_date": "x", "expires_in_name": "expires_at"}
    given = auth | ignored | {"scopes": ["read", "write"], "token_expiry_date_format": "YYYY-MM-DD"}
    connector = written(tmp_path, stream(requester={"authenticator": given})).connector
    assert connector
    body = connector.graph["things"].endpoint["auth"]["access_token_request_data"]
    assert body == {"scope": "all", "scopes": ["read", "write"]}
    other = auth | {"access_token_name": "token"}
    [found] = written(tmp_path, stream(requester={"authenticator": other})).streams
    assert str(found.reasons[0]) == "a request for an access token that is not as usual: access_token_name: token"


def test_a_setting_with_another_value_if_it_is_empty_has_that_as_its_default(tmp_path):
    text = "https://{{ config['region'] or 'eu' }}.api.example/v1"
    translated = written(tmp_path, stream(requester={"url_base": text}))
    assert translated.connector, translated.streams
    found = {one: one.default for one in translated.connector.settings}
    assert found["region"] == "eu"


def test_what_an_expression_makes_of_settings_is_computed_when_they_are_read(tmp_path):
    path = "/a/{{ config.shop | upper }}/{{ 'all' if 'region' in config else config['count'] or 'few' }}"
    params = {"exact": "{{ config.exact }}", "region": "{{ config['region'] | lower }}", "of": "of-{{ config.region }}"}
    body = {"shop": "{{ config.shop }}"}
    wanted = {"path": path, "request_parameters": params, "http_method": "POST", "request_body_json": body}
    connector = written(tmp_path, stream(requester=wanted)).connector
    assert connector
    values = {one: {"shop": "7", "exact": True}.get(one) for one in connector.settings}
    endpoint = fill_placeholders(connector.graph["things"].endpoint, with_computed(connector.computed(values), values))
    assert endpoint["path"] == "a/7/few"
    assert endpoint["params"] == {"exact": "True", "of": "of-"}
    assert endpoint["json"] == {"shop": 7}


def test_streams_that_contradict_each_other_do_not_take_the_others_with_them(tmp_path):
    one, other = "/of/{{ config['region'] or 'eu' }}", "/of/{{ config['region'] or 'us' }}"
    streams = [stream(name, requester={"path": path}) for name, path in {"a": one, "b": other, "c": "/c"}.items()]
    translated = written(tmp_path, *streams)
    assert [found.engine for found in translated.streams] == ["native", "none", "native"]
    assert translated.connector and list(translated.connector.graph) == ["a", "c"]
    assert "region is declared in two ways" in str(translated.streams[1].reasons[0])


def test_a_refresh_token_is_sent_as_airbyte_sends_it_also_if_the_api_replaces_it(tmp_path):
    auth: dict[str, Any] = {
        "type": "OAuthAuthenticator",
        "client_id": "{{ config.shop }}",
        "client_secret": "{{ config.token }}",
        "refresh_token": "{{ config.exchange }}",
        "token_refresh_endpoint": "https://login.example/token",
        "refresh_request_body": {"scope": "all", "grant_type": "is not replaced"},
    }
    exchange = {"type": "string"}
    declared = {**SPEC, "required": [*SPEC["required"], "exchange"]}  # type: ignore[misc]
    declared["properties"] = {**SPEC["properties"], "exchange": exchange}  # type: ignore[dict-item]
    spec = {"type": "Spec", "connection_specification": declared}
    translated = written(tmp_path, stream(requester={"authenticator": auth}), spec=spec)
    assert translated.connector, translated.streams
    sent = translated.connector.graph["things"].endpoint["auth"]["access_token_request_data"]
    assert sent == {"scope": "all", "grant_type": "refresh_token", "refresh_token": "exchange"}
    assert isinstance(sent["refresh_token"], Secret)
    once = auth | {"refresh_token_updater": {"refresh_token_name": "refresh_token"}}
    again = written(tmp_path, stream(requester={"authenticator": once}), spec=spec)
    assert again.connector and again.connector.graph["things"].endpoint == translated.connector.graph["things"].endpoint
    other = auth | {"refresh_token_updater": {"refresh_token_name": "next_token"}}
    [found] = written(tmp_path, stream(requester={"authenticator": other}), spec=spec).streams
    assert str(found.reasons[0]) == "a refresh token of another name in the response: next_token"


def test_an_api_key_in_the_body_is_a_field_of_it_unless_there_is_another_body_or_none_is_sent(tmp_path):
    option = {"type": "RequestOption", "inject_into": "body_data", "field_name": "apiKey"}
    key = {"type": "ApiKeyAuthenticator", "api_token": "{{ config.token }}", "inject_into": option}
    requester: dict[str, Any] = {"http_method": "POST", "authenticator": key}
    translated = written(tmp_path, stream(requester=requester))
    assert translated.connector, translated.streams
    endpoint = translated.connector.graph["things"].endpoint
    assert endpoint["data"] == {"apiKey": "token"} and isinstance(endpoint["data"]["apiKey"], Secret)
    assert "auth" not in endpoint
    for other in ({"http_method": "GET"}, {"request_body_json": {"a": 1}}):
        [found] = written(tmp_path, stream(requester=requester | other)).streams
        assert str(found.reasons[0]).startswith("an API key in the body")


def choice(**authenticators: Any) -> dict[str, Any]:
    path = ["account", "method"]
    return {"type": "SelectiveAuthenticator", "authenticator_selection_path": path, "authenticators": authenticators}


def test_authentication_that_a_setting_chooses_is_translated_if_all_that_it_may_choose_is(tmp_path):
    def alternative(method: str, *names: str, required: bool = True) -> dict[str, Any]:
        properties = {name: {"type": "string", "airbyte_secret": True} for name in names}
        method_ = {"method": {"type": "string", "const": method, "description": "how"}}
        return {"required": list(names) if required else [], "properties": {**method_, **properties}}

    def spec(*alternatives: dict[str, Any]) -> dict[str, Any]:
        return {"connection_specification": {"properties": {"account": {"type": "object", "oneOf": alternatives}}}}

    key = {"type": "ApiKeyAuthenticator", "header": "X-Key", "api_token": "{{ config.account.key }}"}
    login = {"username": "{{ config['account']['user'] }}", "password": "{{ config['account']['password'] }}"}
    chosen = choice(key=key, login={"type": "BasicHttpAuthenticator", **login}, none={"type": "NoAuth"})
    needed = spec(alternative("key", "key"), alternative("login", "user", "password"))
    translated = written(tmp_path, stream(requester={"authenticator": chosen}), spec=needed)
    assert translated.connector, translated.streams
    found = translated.connector.resources["things"].auth_choice
    assert found == AuthChoice(
        by=Setting("account_method", description="how"),
        options={
            "key": {"type": "api_key", "name": "X-Key", "api_key": "account_key", "location": "header"},
            "login": {"type": "http_basic", "username": "account_user", "password": "account_password"},
            "none": {},
        },
    )
    assert {str(one): one.required for one in translated.connector.settings}["account_key"]
    missing = spec(alternative("key", "key"), alternative("login", "user", "key", required=False))
    sent_empty = written(tmp_path, stream(requester={"authenticator": chosen}), spec=missing).connector
    assert sent_empty and {str(one): one.default for one in sent_empty.settings}["account_key"] == ""
    for authenticator, given, reason in (
        (choice(key=key, own={"type": "CustomAuthenticator", "class_name": "own.Auth"}), needed, "Python of the"),
        (chosen | {"authenticator_selection_path": []}, needed, "authentication that a setting chooses: at"),
    ):
        [one] = written(tmp_path, stream(requester={"authenticator": authenticator}), spec=given).streams
        assert str(one.reasons[0]).startswith(reason)


def test_a_login_that_returns_a_token_is_translated(tmp_path):
    requester = {
        "type": "HttpRequester",
        "url_base": "https://{{ config.shop }}.example/auth/",
        "path": "login",
        "http_method": "POST",
        "authenticator": {"type": "BasicHttpAuthenticator", "username": "{{ config.token }}"},
        "request_parameters": {"count": "{{ config.count }}"},
        "request_body_data": {"grant": "login", "key": "'{{ config.token }}'", "region": "{{ config.region }}"},
    }
    option = {"type": "RequestOption", "inject_into": "header", "field_name": "X-Session"}
    auth: dict[str, Any] = {
        "type": "SessionTokenAuthenticator",
        "login_requester": requester,
        "session_token_path": ["data", "token"],
        "expiration_duration": "PT8H",
        "request_authentication": {"type": "ApiKey", "inject_into": option, "api_token": "Token {{ session_token }}"},
    }
    translated = written(tmp_path, stream(requester={"authenticator": auth}))
    assert translated.connector, translated.streams
    found = translated.connector.resources["things"].session_token
    assert found == SessionToken(
        url=Text("https://", Setting("shop"), ".example/auth/login"),
        params={"count": "count"},
        data={"grant": "login", "key": Text(Secret("token")), "region": "region"},
        auth={"type": "http_basic", "username": "token", "password": ""},
        token_path="data.token",
        name="X-Session",
        prefix="Token ",
        expires_after="PT8H",
    )
    bearer = auth | {"request_authentication": {"type": "Bearer"}, "expiration_duration": None}
    connector = written(tmp_path, stream(requester={"authenticator": bearer})).connector
    assert connector
    assert (connector.session_tokens[0].name, connector.session_tokens[0].expires_after) == ("Authorization", "PT0S")
    for changes, reason in (
        ({"decoder": {"type": "XmlDecoder"}}, "a decoder"),
        ({"login_requester": requester | {"url_base": "{{ config.shop }}"}}, "a login whose address is a setting"),
        ({"session_token_path": ["'"]}, "a path with a position or quotes"),
        ({"session_token_path": ["data", "*"]}, "a path to a token with wildcards"),
        ({"request_authentication": {"type": "ApiKey", "api_token": "{{ config.shop }}"}}, "a value in another part"),
    ):
        [one] = written(tmp_path, stream(requester={"authenticator": auth | changes})).streams
        assert str(one.reasons[0]).startswith(reason)


def test_parameters_are_read_in_requests_and_paths_to_the_rows(tmp_path):
    asked = {
        "path": "{{ parameters.where }}/{{ config.shop }}",
        "request_parameters": {"kind": "{{ parameters['kind'] }}", "size": "{{ parameters.size }}"},
        "request_headers": {"X-Kind": "{{parameters.kind}}"},
    }
    given = {"where": "list/things", "kind": "a b", "size": 50, "at": "items"}
    things = stream(requester=asked, selector={"extractor": {"field_path": ["{{ parameters['at'] }}"]}})
    connector = written(tmp_path, {**things, "$parameters": given}).connector
    assert connector
    endpoint = connector.graph["things"].endpoint
    assert endpoint["path"] == "list/things/‹setting.shop›"
    assert endpoint["params"] == {"kind": "a b", "size": "50"}
    assert (endpoint["headers"], endpoint["data_selector"]) == ({"X-Kind": "a b"}, "items")


def test_a_stream_without_parameters_has_their_defaults(tmp_path):
    things = stream(requester={"path": "{{ parameters.get('where', 'here') }}", "request_parameters": {}})
    connector = written(tmp_path, things).connector
    assert connector and connector.graph["things"].endpoint["path"].endswith("here")


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("{{ parameters.kind }}", {"other": "a"}),
        ("{{ parameters.kind }}", {"kind": "{{ config.shop }}"}),
        ("{{ parameters.kind }}", {"kind": True}),
        ("{{ parameters.items }}", {"items": "a"}),
        ("{{ parameters.get('kind') }}", {"other": "a"}),
    ],
)
def test_parameters_whose_value_is_no_plain_text_are_not_read(tmp_path, text, given):
    things = stream(requester={"request_parameters": {"kind": text}})
    [one] = written(tmp_path, {**things, "$parameters": given}).streams
    assert str(one.reasons[0]) == f"an expression over parameters: {text}"


def test_parameters_are_read_in_every_part_of_a_stream_also_inside_of_an_expression(tmp_path):
    things = stream(
        selector={
            "extractor": {"field_path": ["{{ parameters.get('field', 'rows') }}"]},
            "record_filter": {"condition": "{{ record[parameters['cursor']] > parameters.least }}"},
        },
        paginator=pages("PageIncrement", size="{{ parameters['size'] }}"),
        incremental_sync=DATES | {"cursor_field": "{{ parameters['cursor'] }}"},
    )
    connector = written(tmp_path, {**things, "$parameters": {"cursor": "changed", "least": 5, "size": 50}}).connector
    assert connector
    resource = connector.graph["things"]
    assert (resource.endpoint["data_selector"], resource.cursor_path) == ("rows", "changed")
    assert resource.endpoint["params"]["size"] == 50
    assert resource.options.record_filter == "{{ record['changed'] > 5 }}"


def test_without_a_spec_what_is_read_must_be_given(tmp_path):
    requester = {"url_base": "https://{{ config['site'] }}.example", "path": "/a/{{ config.get('kind', 'all') }}"}
    connector = written(tmp_path, stream(requester=requester), spec={}).connector
    assert connector and {str(one): one.required for one in connector.settings} == {"site": True, "kind": False}


def test_a_property_that_is_changed_before_it_is_read_is_not_native(tmp_path):
    rules = {"transformations": [{"type": "ConfigAddFields", "fields": [{"path": ["shop"], "value": "a"}]}]}
    reads = stream(requester={"path": "/of/{{ config['shop'] }}"})
    spec = {"connection_specification": SPEC, "config_normalization_rules": rules}
    translated = written(tmp_path, reads, stream("others"), spec=spec)
    assert [one.engine for one in translated.streams] == ["none", "native"]
    assert str(translated.streams[0].reasons[0]) == "a configuration that is changed before it is read: shop"


def test_a_lookback_of_a_part_of_a_second_is_a_second(tmp_path):
    cursor = DATES | {"lookback_window": "PT0.1S"}
    connector = written(tmp_path, stream(incremental_sync=cursor)).connector
    assert connector and connector.lookback >= timedelta(seconds=1)
    [one] = written(
        tmp_path, stream(incremental_sync=DATES | {"step": "PT0.5S", "end_time_option": {**PARAM, "field_name": "to"}})
    ).streams
    assert "a duration with a fraction" in " ".join(map(str, one.reasons))


def test_a_property_that_is_an_object_without_fields_is_no_setting(tmp_path):
    spec = {"connection_specification": {"properties": {"lines": {"type": "object"}}}}
    sent = {"http_method": "POST", "request_body_json": {"lines": "{{ config['lines'] }}"}}
    [one] = written(tmp_path, stream(requester=sent), spec=spec).streams
    assert one.reasons[0].piece == "an expression over config"


def test_headers_say_how_long_to_wait(tmp_path):
    waits = [
        {"type": "WaitUntilTimeFromHeader", "header": "X-Reset"},
        {"type": "WaitTimeFromHeader", "header": "Retry-After"},
    ]
    connector = written(tmp_path, stream(requester={"error_handler": {"backoff_strategies": waits}})).connector
    assert connector and connector.retry.wait_headers == ("X-Reset",)


def test_parameters_and_references_are_inherited_as_in_airbyte(tmp_path):
    base = {**stream(), "$parameters": {"path": "inherited", "name": "not this one", "extractor": None}}
    del base["retriever"]["requester"]["path"]
    own = {"$ref": "#/definitions/base", "name": "own"}
    connector = written(tmp_path, own, definitions={"base": base, "a/b": 1}).connector
    assert connector and connector.graph["own"].endpoint["path"] == "inherited"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("streams: [", "is not YAML"),
        ("streams: []", "is not a manifest of Airbyte"),
        ("streams: [{$ref: '#/definitions/none'}]", "leads nowhere"),
        ("streams: [{$ref: '#/streams/0'}]", "leads to itself"),
    ],
)
def test_what_is_not_a_manifest_is_refused(tmp_path, text, said):
    (tmp_path / "manifest.yaml").write_text(text)
    with pytest.raises(ManifestError, match=said):
        read_manifest(tmp_path)


def test_of_a_key_that_is_written_twice_the_last_counts_as_for_airbyte(tmp_path):
    (tmp_path / "manifest.yaml").write_text("streams: [{name: one}]\nstreams: [{name: two}]")
    assert [one["name"] for one in read_manifest(tmp_path).streams] == ["two"]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ManifestError, match=r"none\.yaml: cannot be read: No such file"):
        read_manifest(tmp_path / "none.yaml")


def test_names_become_identifiers_that_stay_apart():
    assert [identifier(name) for name in ("orderItems", "HTTPLog", "Order items", "2fa", "a__b_")] == [
        *("order_items", "http_log", "order_items", "n_2fa", "a_b"),
    ]
    assert identifiers(["aB", "a_b", "a b"]) == {"aB": "a_b", "a_b": "a_b_2", "a b": "a_b_3"}


def test_a_filter_and_transformations_become_options_and_partitions_get_their_names(tmp_path):
    parents = stream("parents")
    config = {"type": "ParentStreamConfig", "parent_key": "id", "partition_field": "of", "stream": parents}
    changes = [
        adding("{{ record['a'].b }}", value_type="string"),
        {"type": "RemoveFields", "field_pointers": [["a"]]},
        {"type": "KeysToLower"},
    ]
    selector = {"record_filter": {"condition": "{{ record.b == 'x' }}"}, "transform_before_filtering": True}
    children = stream(
        "children",
        partition_router={"type": "SubstreamPartitionRouter", "parent_stream_configs": [config]},
        requester={"path": "/p/{{ stream_partition.of }}"},
        transformations=[
            adding("{{ stream_partition['of'] }}", value_type="string"),
            adding("{{ record.n or stream_slice.get( 'of' ) }}-{{ stream_interval.of }}"),
        ],
    )
    listed = stream(
        "listed",
        partition_router={"type": "ListPartitionRouter", "values": ["eu", "us"], "cursor_field": "Region"},
        requester={"path": "/r/{{ stream_slice.Region }}"},
        transformations=[adding("{{ stream_slice.Region }}")],
    )
    connector = written(
        tmp_path, stream(selector=selector, transformations=changes), parents, children, listed
    ).connector
    assert connector
    things, of, each = (connector.graph[name].options for name in ("things", "children", "listed"))
    assert (things.record_filter, things.filter_after_transformations) == ("{{ record.b == 'x' }}", True)
    assert things.transformations == (
        Transformation(add_fields={"new": TypedValue(value="{{ record['a'].b }}", type="text")}),
        Transformation(remove_fields=("a",)),
        Transformation(lower_names=True),
    )
    assert of.transformations == (
        Transformation(add_fields={"new": TypedValue(value="{{ parent['id'] }}", type="text")}),
        Transformation(add_fields={"new": "{{ record.n or parent['id'] }}-{{ parent['id'] }}"}),
    )
    assert each.transformations == (Transformation(add_fields={"new": "{{ each['region'] }}"}),)


def test_a_bound_that_no_window_has_is_not_sent(tmp_path):
    asked = {"a": "{{ stream_interval['start_date'] }}", "b": "{{ stream_interval.start_time }}", "c": "1"}
    streams = (
        stream(requester={"request_parameters": asked}, incremental_sync=DATES),
        stream(
            "others",
            requester={"request_parameters": asked, "http_method": "POST", "request_body_json": {"x": asked["b"]}},
        ),
    )
    connector = written(tmp_path, *streams).connector
    assert connector
    assert connector.graph["things"].endpoint["params"].keys() == {"b", "c", "since"}
    others = connector.graph["others"].endpoint
    assert (others["params"], others.get("json")) == ({"c": "1"}, {})


@pytest.mark.parametrize(
    ("changes", "unhashed"),
    [
        ([adding("{{ now_utc() }}")], ("new",)),
        ([adding("{{ day_delta(0) }}")], ("new",)),
        ([adding("{{ today_utc() }}", path=["New"]), {"type": "KeysToLower"}], ("new",)),
        ([adding("{{ now_utc() }}", path=["at"]), adding("{{ record.at[:10] }}")], ("at", "new")),
        ([adding("{{ now_utc() }}", path=["at"]), adding("{{ record | length }}")], ("at", "new")),
        ([adding("{{ now_utc() }}"), {"type": "RemoveFields", "field_pointers": [["new"], ["a", "b"]]}], ()),
        ([adding("{{ now_utc() }}"), adding("{{ record.id }}")], ()),
        ([adding("{{ record.id }}")], ()),
    ],
    ids=["time", "day", "renamed", "derived", "of the whole row", "removed", "replaced", "none"],
)
def test_a_hash_as_key_leaves_out_what_only_says_when_a_row_was_read(tmp_path, changes, unhashed):
    keyless = stream(transformations=changes, primary_key=None)
    connector = written(tmp_path, keyless).connector
    assert connector
    assert connector.graph["things"].options.unhashed_fields == unhashed


def test_a_key_that_only_says_when_a_row_was_read_is_none(tmp_path):
    connector = written(tmp_path, stream(transformations=[adding("{{ now_utc() }}")], primary_key=[["new"]])).connector
    assert connector
    options = connector.graph["things"].options
    assert (options.key, options.unhashed_fields) == ("row_hash", ("new",))


def test_fields_inside_of_objects_are_removed_and_the_time_of_reading_is_added_beside_a_key(tmp_path):
    pointers = [["a"], ["b", "c"], ["b", "c"]]
    changes = [{"type": "RemoveFields", "field_pointers": pointers}, adding("{{ now_utc() }}")]
    connector = written(tmp_path, stream(transformations=changes)).connector
    assert connector
    assert connector.graph["things"].options.transformations == (
        Transformation(remove_fields=("a", ("b", "c"))),
        Transformation(add_fields={"new": "{{ now_utc() }}"}),
    )


@pytest.mark.parametrize(
    "end", ["{{ now_utc() }}", "{{ today_utc() }}", "{{ config.until or day_delta(1) }}", "{{ day_delta(-1) }}"]
)
def test_an_end_that_is_at_most_a_day_away_is_now(tmp_path, end):
    [one] = written(tmp_path, stream(incremental_sync=DATES | {"end_datetime": end})).streams
    assert one.engine == "native"


@pytest.mark.parametrize("differs", [{"incremental_sync": DATES}, {"transformations": [{"type": "KeysToLower"}]}])
def test_a_parent_whose_rows_are_not_those_of_the_stream_of_its_name_is_not_that_stream(tmp_path, differs):
    config = {"type": "ParentStreamConfig", "parent_key": "id", "partition_field": "of", "stream": stream()}
    router = {"type": "SubstreamPartitionRouter", "parent_stream_configs": [config]}
    child = stream("children", partition_router=router, requester={"path": "/p/{{ stream_partition.of }}"})
    [reason] = written(tmp_path, stream(**differs), child).streams[1].reasons
    assert str(reason) == "a parent that is not a stream itself: things"


@pytest.mark.parametrize("name", ["{{ config['shop'] }}", "k-{{ config['shop'] }}"])
def test_a_field_of_the_body_whose_name_is_an_expression_is_not_native(tmp_path, name):
    body = {"http_method": "POST", "request_body_json": {"of": {name: 1}}}
    [reason] = written(tmp_path, stream(requester=body)).streams[0].reasons
    assert str(reason) == f"the name of a field in the body is an expression: {name}"


def test_a_request_with_the_end_of_a_window_only_is_not_native(tmp_path):
    dates = {**DATES, "end_time_option": {**PARAM, "field_name": "until"}}
    del dates["start_time_option"]
    [reason] = written(tmp_path, stream(incremental_sync=dates)).streams[0].reasons
    assert str(reason) == "requests with the end of a window, and not its start"


def test_values_of_a_list_that_are_numbers_as_text_are_not_native_in_a_json_body(tmp_path):
    option = {"type": "RequestOption", "inject_into": "body_json", "field_name": "kind"}
    router = {"type": "ListPartitionRouter", "values": ["1"], "cursor_field": "kind", "request_option": option}
    [reason] = written(tmp_path, stream(partition_router=router, requester={"http_method": "POST"})).streams[0].reasons
    assert str(reason).startswith("a list of partitions with numbers that are text in a JSON body")


@pytest.mark.parametrize("secret_first", [True, False])
def test_a_property_is_secret_if_any_alternative_says_so(tmp_path, secret_first):
    secret = {"properties": {"tok": {"type": "string", "airbyte_secret": True}}}
    plain = {"properties": {"tok": {"type": "string"}}}
    either = [secret, plain] if secret_first else [plain, secret]
    spec = {"type": "object", "properties": {"credentials": {"type": "object", "oneOf": either}}}
    named = stream(requester={"request_parameters": {"key": "{{ config['credentials']['tok'] }}"}})
    parts = {"spec": {"type": "Spec", "connection_specification": spec}}
    connector = written(tmp_path, named, **parts).connector
    assert connector and [type(one) for one in connector.settings] == [Secret]

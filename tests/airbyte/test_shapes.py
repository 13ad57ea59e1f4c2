"""Manifests that are not written as Airbyte expects: odd streams have a reason, and the others are read."""

import json
from contextlib import suppress
from time import process_time
from typing import Any

import pytest

from connectors_dagster.airbyte.errors import ManifestError
from connectors_dagster.airbyte.manifest import read_manifest
from connectors_dagster.cdk.translation import translate_with
from tests.airbyte.test_translation import DATES, PARAM, SPEC, pages, stream, written

ODD = "a part that is not written as Airbyte expects it"
KEY = {"type": "ApiKeyAuthenticator", "api_token": "{{ config['token'] }}"}
FILTERS = {"response_filters": [{"action": "IGNORE", "http_codes": ["4xx"]}]}
INLINE = {"type": "InlineSchemaLoader"}
ENDING = {**DATES, "end_time_option": {**PARAM, "field_name": "until"}}
SESSION = {"type": "SessionTokenAuthenticator", "session_token_path": "token", "request_authentication": {}}


def deep(levels: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(levels):
        found = [found]
    return found


STREAMS: list[tuple[dict[str, Any], str]] = [
    (
        {"requester": {"error_handler": {"type": "DefaultErrorHandler", **FILTERS}}},
        f"{ODD}: error handling (ValueError",
    ),
    ({"requester": {"error_handler": "ignore"}}, "an error handler: ignore"),
    ({"requester": {"authenticator": {**KEY, "inject_into": "header"}}}, f"{ODD}: authentication (AttributeError"),
    ({"requester": {"authenticator": "foo"}}, "authentication: that is no object"),
    ({"requester": {"authenticator": {**SESSION, "login_requester": {}}}}, "a login: without a type"),
    ({"requester": {"path": ["things"]}}, f"{ODD}: path is no text"),
    ({"requester": "get"}, "requester is no object"),
    ({"transformations": ["AddFields"]}, f"{ODD}: transformations (AttributeError"),
    ({"transformations": {"type": "KeysToLower"}}, f"{ODD}: transformations is no list"),
    ({"partition_router": ["teams"]}, f"{ODD}: partitions (AttributeError"),
    ({"partition_router": {"type": "ListPartitionRouter", "cursor_field": "x", "values": {"a": 1}}}, "are no list"),
    ({"schema_loader": ["x"]}, f"{ODD}: schema (AttributeError"),
    (
        {"schema_loader": {**INLINE, "schema": {"properties": {"a": {"type": ["string", {"b": 1}]}}}}},
        f"{ODD}: schema (TypeError",
    ),
    ({"selector": {"extractor": {"field_path": "data"}}}, f"{ODD}: field_path is no list: data"),
    ({"selector": {"extractor": {"decoder": {"type": "JsonlDecoder"}}}}, "a decoder: JsonlDecoder"),
    ({"paginator": {**pages("PageIncrement"), "decoder": {"type": "XmlDecoder"}}}, "a decoder: XmlDecoder"),
    ({"paginator": "pages"}, f"{ODD}: paginator is no object: pages"),
    ({"paginator": pages("PageIncrement", {**PARAM, "field_path": "page"})}, f"{ODD}: field_path is no list"),
    ({"primary_key": {"a": 1}}, f"{ODD}: primary_key is no list"),
    ({"primary_key": [["id"], 3]}, "a key that is not the name of a field"),
    ({"incremental_sync": {**ENDING, "step": "P99999999999D"}}, ODD),
    ({"incremental_sync": {**DATES, "lookback_window": "P1D", "cursor_granularity": "P99999999999D"}}, ODD),
    ({"requester": {"path": "{{ 'x' * 10 ** 10 }}"}}, "an expression over nothing"),
    ({"requester": {"path": "{{ 'x' | center(9999999999) }}"}}, "an expression over nothing"),
    ({"incremental_sync": {**ENDING, "step": "{{ config.get('step', 'x' * 10 ** 10) }}"}}, "step that a setting"),
]


@pytest.mark.parametrize(("change", "reason"), STREAMS)
def test_an_odd_stream_is_not_native_with_a_reason_that_names_the_place_and_the_others_are(tmp_path, change, reason):
    if not isinstance(change.get("requester", {}), dict):
        odd = stream()
        odd["retriever"]["requester"] = change["requester"]
    else:
        odd = stream(**change)
    started = process_time()
    translated = written(tmp_path, odd, stream("others"))
    assert process_time() - started < 2
    assert [one.engine for one in translated.streams] == ["none", "native"]
    assert any(reason in str(one) for one in translated.streams[0].reasons), translated.streams[0].reasons
    assert translated.connector and list(translated.connector.graph) == ["others"]
    assert translate_with(read_manifest(tmp_path), name="shop").connector


def test_a_stream_that_is_no_object_is_named_by_its_place(tmp_path):
    translated = written(tmp_path, stream(), "things")
    assert [(one.vendor_name, one.engine) for one in translated.streams] == [("things", "native"), ("stream 2", "none")]
    assert str(translated.streams[1].reasons[0]) == "a stream that is not written as an object"


def test_a_stream_inside_another_one_says_why_it_is_not_native(tmp_path):
    written(tmp_path, stream(), {"type": "ConditionalStreams", "condition": "x", "streams": [stream("inner")]})
    found = {one.name: one for one in translate_with(read_manifest(tmp_path), name="shop").streams}
    assert found["inner"].engine == "airbyte"
    assert [str(one) for one in found["inner"].reasons] == ["streams that a setting chooses"]


def test_a_stream_has_no_windows_if_it_is_read_in_another_way_later_or_its_cursor_is_what_was_asked_for(tmp_path):
    first, later = stream("delegating", incremental_sync=DATES), stream("delegating")
    bound = {"type": "AddFields", "fields": [{"path": ["changed"], "value": "{{ stream_interval.start_time }}"}]}
    of_request = stream("of_request", incremental_sync=DATES, transformations=[bound])
    delegating = {"type": "StateDelegatingStream", "full_refresh_stream": first, "incremental_stream": later}
    written(tmp_path, stream("plain", incremental_sync=DATES, decoder={"type": "XmlDecoder"}), of_request, delegating)
    translated = translate_with(read_manifest(tmp_path), name="shop")
    assert translated.connector
    graph = translated.connector.graph
    assert {name: (graph[name].windowed, graph[name].program is None) for name in graph} == {
        "plain": (True, False),
        "of_request": (False, False),
        "delegating": (False, False),
    }
    assert "All rows are read each time" in str(graph["delegating"].options.known_limitations)


def test_a_stream_that_contradicts_the_connector_is_not_read_by_airbyte_cdk_either_and_the_others_are(tmp_path):
    changed = {"transformations": [{"type": "FlattenFields"}]}
    written(tmp_path, stream("x" * 200, **changed), stream("others", **changed))
    translated = translate_with(read_manifest(tmp_path), name="shop")
    found = {one.name[:6]: (one.engine, str(one.reasons[0])[:42]) for one in translated.streams}
    assert found["xxxxxx"][0] == "none" and found["xxxxxx"][1].startswith("a contradiction: ")
    assert found["others"][0] == "airbyte"
    assert translated.connector and list(translated.connector.graph) == ["others"]


BOMB = "x:\n- &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"- &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 9)
)
DEEP = f"streams:\n- name: things\n  a: {'[' * 3000}{']' * 3000}\n"
REFERENCES = "streams: [{a: '#/d/a8'}]\nd:\n  a0: [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"  a{level}: [{', '.join([repr(f'#/d/a{level - 1}')] * 10)}]\n" for level in range(1, 9)
)
FILES = [
    (f"{BOMB}streams: [{{a: *a8}}]", "parts when its aliases and references are written out"),
    (REFERENCES, "parts when its aliases and references are written out"),
    ("streams: &a [*a]", "or a part of it stands in itself"),
    (DEEP, "it is nested too deeply"),
    ("streams: {a: 1}", "streams is no list"),
    ("streams: [{name: a}]\nspec: foo", "spec is no object"),
    ("streams: [{name: a}]\nspec: {connection_specification: foo}", "spec.connection_specification is no object"),
    ("streams: [{name: a}]\nspec: {connection_specification: {properties: [a]}}", "properties of the spec are no obj"),
    ("streams: [{name: a}]\nspec: {connection_specification: {oneOf: 3}}", "TypeError"),
    ("streams: [{type: DeclarativeStream, name: a, $parameters: foo}]", "TypeError"),
]


@pytest.mark.parametrize(("text", "said"), FILES)
def test_a_file_that_cannot_be_handled_is_refused_by_its_name(tmp_path, text, said):
    (tmp_path / "manifest.yaml").write_text(text)
    started = process_time()
    with pytest.raises(ManifestError, match=rf"manifest\.yaml: .*{said}"):
        read_manifest(tmp_path)
    assert process_time() - started < 2


@pytest.mark.parametrize("levels", [50, 100, 200, 300, 400, 450])
def test_a_stream_that_is_nested_deeply_has_a_reason_or_the_file_is_refused(tmp_path, levels):
    document = {"streams": [stream(), stream("deep", requester={"path": deep(levels)})]}
    spec = {"connection_specification": SPEC}
    (tmp_path / "manifest.yaml").write_text(json.dumps({**document, "spec": spec}))  # which is YAML too
    with suppress(ManifestError):  # how deep is too deep depends on how deep the caller is
        translated = translate_with(read_manifest(tmp_path), name="shop", engine="native")
        assert [one.engine for one in translated.streams] == ["native", "none"]

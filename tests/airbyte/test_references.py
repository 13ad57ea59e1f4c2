"""References of a manifest stand for what they name; the rest is not copied."""

from connectors_dagster.airbyte.references import resolve_references


def test_what_has_no_references_is_the_same_object():
    schema = {"type": "object", "properties": {"id": {"type": ["null", "string"]}}}
    document = {"streams": [{"name": "#1", "schema": schema}]}
    assert resolve_references(document, ["streams"])["streams"] is document["streams"]


def test_a_reference_deep_inside_is_resolved_and_the_document_is_left_as_it_was():
    document = {
        "streams": [{"a": {"b": ["#/definitions/x", 1]}}, {"$ref": "#/definitions/y", "own": "2"}],
        "definitions": {"x": {"value": "#/definitions/z"}, "y": {"own": "1", "other": "#/definitions/z"}, "z": 7},
    }
    before = repr(document)
    found = resolve_references(document, ["streams"])["streams"]
    assert found == [{"a": {"b": [{"value": 7}, 1]}}, {"own": "2", "other": 7}]
    assert repr(document) == before

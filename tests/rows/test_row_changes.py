"""Transformations change rows whose fields are JSON text, and a filter marks those that are left out."""

import json
from typing import Any

import msgspec
import pytest

from connectors_dagster import ResourceOptions, Transformation, TypedValue
from connectors_dagster.errors import RowError
from connectors_dagster.rows import row_values
from connectors_dagster.rows.raw_json import decode_fields
from connectors_dagster.rows.row_changes import RowChanges

SCOPE = {"each": {"region": "eu"}, "parent": {"id": "007", "count": "7"}}


def changed(body: str, *transformations: Transformation, record_filter: str | None = None, after: bool = False) -> Any:
    """Return the changed row as JSON text per field, or None if it is left out."""
    options = ResourceOptions(
        transformations=transformations, record_filter=record_filter, filter_after_transformations=after
    )
    [row], left_out = RowChanges("shop/things", options, SCOPE).apply([decode_fields(body.encode())])
    return None if left_out else {name: bytes(raw).decode() for name, raw in row.items()}


def added(body: str, value: Any) -> Any:
    """Return the JSON text of a field that is added."""
    return changed(body, Transformation(add_fields={"new": value}))["new"]


@pytest.mark.parametrize(
    ("body", "value", "expected"),
    [
        ('{"a": {"b": "x y"}}', "{{ record.a.b }}", '"x y"'),
        ('{"a": {"b": 12345678901234567890.10}}', "{{ record['a']['b'] }}", "12345678901234567890.10"),
        ('{"a": [{"b": {"c":  [1]}}]}', "{{ record.a[0].b }}", '{"c":  [1]}'),
        ('{"a": "7"}', "{{ record.a }}", "7"),
        ('{"a": "007"}', "{{ record.a }}", '"007"'),
        ('{"a": "True"}', "{{ record.a }}", "true"),
        ('{"a": "1,2"}', "{{ record.a }}", "[1,2]"),
        ('{"a": "\\u0037"}', "{{ record.a }}", "7"),
        ('{"a": "2024-01-31T00:00:00Z"}', "{{ record.a }}", '"2024-01-31T00:00:00Z"'),
        ('{"a": null}', "{{ record.a }}", "null"),
        ('{"a": true}', "{{ record.a }}", "true"),
        ('{"a": ""}', "{{ record.a }}", '""'),
        ("{}", "{{ record.a }}", '""'),
        ('{"a": {}}', "{{ record.a.get('b', 5) }}", "5"),
        ('{"a": "text"}', "{{ record.a.b }}", '""'),
        ('{"a": 2.5, "b": 2}', "{{ record.a * record.b }}", "5.0"),
        ('{"a": null}', "{{ (record.get('a') or {}).get('id') }}", "null"),
        ('{"a": 1, "b": 2}', "{{ record | length }}", "2"),
        ("{}", "eu", '"eu"'),
        ("{}", "{{ each.region }} {{ parent.id }}", '"eu 007"'),
        ("{}", "{{ parent.count }}", "7"),
        ('{"a": 7}', TypedValue(value="{{ record.a }}", type="text"), '"7"'),
        ('{"a": "7"}', TypedValue(value="{{ record.a }}", type="text"), '"7"'),
        ('{"a": "7"}', TypedValue(value="{{ record.a }}", type="integer"), "7"),
        ('{"a": 7}', TypedValue(value="{{ record.a }}", type="float"), '"7"'),
    ],
)
def test_an_added_field_has_the_value_that_its_text_stands_for(body, value, expected):
    assert added(body, value) == expected


def test_a_plain_lookup_parses_no_field(monkeypatch):
    monkeypatch.setattr(row_values.RowValue, "render", None)
    assert added('{"a": {"b": [1.10, "x"]}}', "{{ record.a.b }}") == '[1.10, "x"]'


def test_transformations_are_made_in_their_order():
    transformations = (
        Transformation(add_fields={"b": "{{ record.a.b }}", "c": "{{ record.b }}"}),
        Transformation(remove_fields=("a", "missing")),
        Transformation(rename_fields={"b": "Total", "missing": "other"}),
        Transformation(lower_names=True),
    )
    assert changed('{"a": {"b": 1}, "Z": 2}', *transformations) == {"z": "2", "total": "1", "c": "1"}


@pytest.mark.parametrize(
    ("a", "expected"),
    [
        ('{"b": {"c": 1, "d": 1.10}, "c": "\\u00fc"}', '{"b":{"d":1.10},"c":"\\u00fc"}'),
        ('{"b": {"c": 1}}', '{"b":{}}'),
        ('{"b": [{"c": 1}]}', '{"b":[{"c": 1}]}'),
        ('{"b": null}', '{"b":null}'),
        ("{}", "{}"),
        ("null", "null"),
        ('"b"', '"b"'),
    ],
)
def test_a_field_inside_of_objects_is_left_out_and_the_others_stay_as_they_are(a, expected):
    assert changed(f'{{"a": {a}, "c": 1}}', Transformation(remove_fields=(("a", "b", "c"),))) == {
        "a": expected,
        "c": "1",
    }


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"id": 1, "a": {"b": 1.10, "c": {"d": []}}}', {"id": "1", "b": "1.10", "c": '{"d": []}'}),
        ('{"id": 1, "a": {"id": 2}}', {"id": "1", "a": '{"id": 2}'}),
        ('{"id": 1, "a": {"a": 2}}', {"id": "1", "a": '{"a": 2}'}),
        ('{"id": 1, "a": {}}', {"id": "1"}),
        ('{"id": 1, "a": null}', {"id": "1", "a": "null"}),
        ('{"id": 1, "a": [{"b": 1}]}', {"id": "1", "a": '[{"b": 1}]'}),
        ('{"id": 1}', {"id": "1"}),
    ],
)
def test_the_fields_of_an_object_take_its_place_unless_one_is_there_already(body, expected):
    assert changed(body, Transformation(flatten_fields=("a",))) == expected


def test_two_fields_with_one_name_are_refused():
    for change in (Transformation(lower_names=True), Transformation(rename_fields={"A": "a"})):
        with pytest.raises(RowError, match="shop/things: a row cannot be changed: the fields A, a get the same name"):
            changed('{"a": 1, "A": 2}', change)


def test_a_field_of_a_value_that_is_missing_is_refused_by_name():
    with pytest.raises(RowError, match=r"a row cannot be changed: .*record\.a\.b.* cannot be rendered"):
        added("{}", "{{ record.a.b }}")


@pytest.mark.parametrize(
    ("condition", "body", "kept"),
    [
        ("{{ record.status != 'draft' }}", '{"status": "draft"}', False),
        ("{{ record.status != 'draft' }}", '{"status": "paid"}', True),
        ("{{ record.price > 1.5 }}", '{"price": 1.50000000000000000001}', False),
        ("{{ 'a' in record }}", '{"a": null}', True),
        ("{{ record.active }}", '{"active": "false"}', False),
        ("{{ record.active }}", "{}", False),
        ("{{ record.a.b == 1 }}", "{}", False),
        ("{{ record.region == each.region }}", '{"region": "eu"}', True),
    ],
)
def test_a_filter_keeps_the_rows_for_which_it_is_true(condition, body, kept):
    assert (changed(body, record_filter=condition) is not None) == kept


def test_a_filter_sees_the_row_as_the_api_wrote_it_unless_it_comes_after():
    change = Transformation(add_fields={"kind": "b"})
    assert changed('{"kind": "a"}', change, record_filter="{{ record.kind == 'a' }}") == {"kind": '"b"'}
    assert changed('{"kind": "a"}', change, record_filter="{{ record.kind == 'a' }}", after=True) is None
    deep = Transformation(add_fields={"id": "{{ record.a.id }}"})
    assert changed("{}", deep, record_filter="{{ record.a is defined }}") is None  # what cannot be changed is left out


def test_what_is_no_row_stays_for_the_page_validator():
    options = ResourceOptions(transformations=(Transformation(lower_names=True),), record_filter="{{ record.a }}")
    assert RowChanges("shop/things", options, SCOPE).apply([None, "x", 5]) == ([None, "x", 5], set())


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Transformation(), "nothing is given; write exactly one of add_fields"),
        (lambda: Transformation(lower_names=True, remove_fields=("a",)), "exactly one"),
        (lambda: Transformation(rename_fields={"a": "c", "b": "c"}), "two fields get the same name"),
        (lambda: Transformation(add_fields={"a": "{{ config.x }}"}), "add_fields: a: .* reads config, which is not"),
        (lambda: Transformation(add_fields={"a": "{{ record. }}"}), "add_fields: a: .* is not an expression"),
        (lambda: ResourceOptions(record_filter="{{ recrod.a }}"), "record_filter: .* reads recrod"),
        (lambda: ResourceOptions(record_filter="draft"), "is the same for all rows"),
        (lambda: ResourceOptions(filter_after_transformations=True), "there is no record_filter"),
    ],
)
def test_changes_that_contradict_themselves_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_values_that_are_not_json_are_refused():
    assert json.loads(added("{}", "{{ '[1, 2]' }}")) == [1, 2]
    with pytest.raises(RowError, match="is a set, which is not a JSON value"):
        added('{"a": "{1, 2}"}', "{{ record.a }}")


def test_a_field_that_is_nested_too_deeply_for_an_expression_is_refused():
    options = ResourceOptions(transformations=(Transformation(add_fields={"new": "{{ record.a | length }}"}),))
    with pytest.raises(RowError, match="a row cannot be changed: maximum recursion depth"):
        RowChanges("shop/things", options, SCOPE).apply([{"a": msgspec.Raw(b"[" * 100_000 + b"]" * 100_000)}])

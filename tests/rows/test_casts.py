"""Rows whose values get the types of a JSON schema."""

import json

from connectors_dagster.rows.casts import casting
from connectors_dagster.rows.raw_json import decode_row, encode

SCHEMA = {
    "properties": {
        "count": {"type": ["null", "integer"]},
        "price": {"type": "number"},
        "open": {"type": ["boolean", "null"]},
        "code": {"type": ["null", "string"]},
        "either": {"type": ["string", "integer", "null"]},
        "tags": {"type": "array", "items": {"type": ["null", "string"]}},
        "lines": {"type": "array", "items": {"type": "object", "properties": {"id": {"type": "string"}}}},
        "owner": {"type": "object", "properties": {"age": {"type": "integer"}}},
    }
}


def cast(**row: object) -> str:
    done = casting(SCHEMA)({name: encode(value) for name, value in row.items()})
    return json.dumps(decode_row(done))


def test_values_get_their_types_also_inside_of_objects_and_lists():
    assert cast(count="7", price=7, open="no", code=7, tags="a") == json.dumps(
        {"count": 7, "price": 7.0, "open": False, "code": "7", "tags": ["a"]}
    )
    assert cast(lines=[{"id": 1}, 2], owner={"age": "5", "n": 1}) == json.dumps(
        {"lines": [{"id": "1"}, 2], "owner": {"age": 5, "n": 1}}
    )


def test_what_cannot_be_cast_or_may_have_several_types_stays():
    row = {"count": "seven", "price": "", "open": "maybe", "either": 7, "other": "7", "owner": "5", "code": None}
    assert cast(**row) == json.dumps(row)

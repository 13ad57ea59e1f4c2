"""JSON text that is written again."""

from decimal import Decimal

import msgspec

from connectors_dagster.rows.json_codec import dump
from connectors_dagster.rows.raw_json import parse


def test_rows_inside_a_value_are_written_as_the_api_wrote_them():
    several = parse(b'{"a":[{"b":[{"id":1.50}]},{"b":[{"id":"x"}]}]}', ("a", "*", "b"))
    assert dump([one["b"] for one in several["a"]]) == '[[{"id":1.50}],[{"id":"x"}]]'
    assert dump({"v": msgspec.Raw(b"null"), "d": Decimal("0.10")}) == '{"v":null,"d":0.10}'

"""Single values: which fit a type and which do not; no digit or character is lost."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import dlt
import msgspec
import pyarrow as pa
import pytest
from dlt.common.schema import Schema
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors_dagster import TimestampFormat
from connectors_dagster.errors import RowError
from connectors_dagster.load.traits import TRAITS
from connectors_dagster.rows.arrow_arrays import fit
from connectors_dagster.rows.column_buffer import ColumnBuffer
from connectors_dagster.rows.cursor_column import utc_microseconds
from connectors_dagster.rows.json_codec import dump, load, repair
from connectors_dagster.rows.raw_json import encode_row, parse
from connectors_dagster.rows.table_columns import TableColumns

DESTINATIONS = {name: getattr(dlt.destinations, name)().capabilities() for name in ("duckdb", "postgres")}
NAMING = Schema("shop").naming
NOON = datetime(2024, 1, 2, 12, tzinfo=UTC)


def columns(
    *,
    destination: str = "duckdb",
    keys: tuple[str, ...] = (),
    stored: Any = None,
    timestamp_format: TimestampFormat | None = None,
    **types: Any,
) -> TableColumns:
    """Columns of the given types, such as ``columns(price="double")``; None leaves the type undeclared."""
    declared = {name: {"name": name, **({"data_type": type_} if type_ else {})} for name, type_ in types.items()}
    return TableColumns(
        label="shop/things",
        declared=declared,
        keys=frozenset(keys),
        naming=NAMING,
        capabilities=DESTINATIONS[destination],
        stores_nul=TRAITS[destination].stores_nul,
        stored=stored or {},
        timestamp_format=timestamp_format or TimestampFormat(),
    )


def texts(rows: list[dict[str, Any]]) -> ColumnBuffer:
    """The rows of a page."""
    return ColumnBuffer([encode_row(row) for row in rows])


def loaded(data_type: str, *values: Any) -> list[Any]:
    """The values that a column of that type stores; the text of a misfit is wrapped in a list."""
    batch = columns(value=data_type).to_batch(texts([{"value": value} for value in values])).to_pydict()
    variants = batch.get("value__v_text", [None] * len(values))
    return [value if variant is None else [variant] for value, variant in zip(batch["value"], variants, strict=True)]


@pytest.mark.parametrize(
    ("data_type", "value", "expected"),
    [
        ("bigint", "7", 7),
        ("bigint", 7.0, 7),
        ("bigint", 1e17, 10**17),
        ("bigint", 2**63 - 1, 2**63 - 1),
        ("bigint", -(2**63), -(2**63)),
        ("bigint", 2**63, ["9223372036854775808"]),
        ("bigint", 2**64 - 1, ["18446744073709551615"]),
        ("bigint", Decimal(10**30), ["1" + "0" * 30]),
        ("bigint", 7.5, ["7.5"]),
        ("bigint", "007", ["007"]),
        ("bigint", "+7", ["+7"]),
        ("bigint", " 7", [" 7"]),
        ("bigint", "1_000", ["1_000"]),
        ("bigint", "٧", ["٧"]),
        ("bigint", "9" * 5_000, ["9" * 5_000]),
        ("bigint", "", [""]),
        ("bigint", True, ["true"]),
        ("bigint", {"n": 7}, ['{"n":7}']),
        ("double", 7, 7.0),
        ("double", "7.25", 7.25),
        ("double", 2**53 + 1, ["9007199254740993"]),
        ("double", Decimal("0.12345678901234567890"), 0.12345678901234568),
        ("double", Decimal("123456789012345678.123456789"), ["123456789012345678.123456789"]),
        ("double", Decimal("-1234567890123.12345678901234"), -1234567890123.1235),
        ("double", Decimal("1E-400"), ["1E-400"]),
        ("double", Decimal("-1.23E-400"), ["-1.23E-400"]),
        ("double", Decimal("1.2345E-320"), 1.2345e-320),
        ("double", 1e-310, 1e-310),
        ("double", Decimal("1E+400"), ["1E+400"]),
        ("double", "1e-400", ["1e-400"]),
        ("double", "007", ["007"]),
        ("double", "sNaN", ["sNaN"]),
        ("double", "Infinity", ["Infinity"]),
        ("double", True, ["true"]),
        ("double", [], ["[]"]),
        ("decimal", "10.10", Decimal("10.10")),
        ("decimal", 10.1, Decimal("10.1")),
        ("decimal", Decimal("12345678901234567890.123456789"), Decimal("12345678901234567890.123456789")),
        ("decimal", Decimal("0.1234567891"), ["0.1234567891"]),
        ("decimal", 10**18, Decimal(10**18)),
        ("decimal", Decimal(10**30), ["1" + "0" * 30]),
        ("decimal", "1e9999", ["1e9999"]),
        ("decimal", "1e-48", ["1e-48"]),
        ("decimal", 6.905864892626431e-230, ["6.905864892626431e-230"]),
        ("decimal", "ten", ["ten"]),
        ("decimal", False, ["false"]),
        ("bool", "true", True),
        ("bool", "False", False),
        ("bool", 1, ["1"]),
        ("bool", "yes", ["yes"]),
        ("text", 7, "7"),
        ("text", True, "true"),
        ("text", 2**64 - 1, "18446744073709551615"),
        ("text", {"a": [1, None]}, '{"a":[1,null]}'),
        ("text", [Decimal(2**70), 0.10], "[1180591620717411303424,0.1]"),
        ("text", "", ""),
        ("json", "text", '"text"'),
        ("json", 7, "7"),
        ("json", False, "false"),
        ("timestamp", "2024-01-02T14:00:00+02:00", NOON),
        ("timestamp", "2024-01-02T12:00:00.000000999Z", NOON),
        ("timestamp", "2024-01-02 12:00:00 UTC", NOON),
        ("timestamp", "2024-01-02 12:00:00 GMT", NOON),
        ("timestamp", "2024-01-02 14:00:00 +0200", NOON),
        ("timestamp", "2024-01-02 12:00:00 EST", ["2024-01-02 12:00:00 EST"]),
        ("timestamp", "2024-01-02", datetime(2024, 1, 2, tzinfo=UTC)),
        ("timestamp", "0000-00-00 00:00:00", ["0000-00-00 00:00:00"]),
        ("timestamp", "0000-01-01T00:00:00", ["0000-01-01T00:00:00"]),
        ("timestamp", "0001-01-01T00:00:00+02:00", ["0001-01-01T00:00:00+02:00"]),
        ("timestamp", "9999-12-31T23:59:59.999999Z", datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
        ("timestamp", "9999-12-31T23:59:59-02:00", ["9999-12-31T23:59:59-02:00"]),
        ("timestamp", "12024-01-01T00:00:00Z", ["12024-01-01T00:00:00Z"]),
        ("timestamp", "2024-02-30", ["2024-02-30"]),
        ("timestamp", 1e300, ["1e+300"]),
        ("timestamp", "", [""]),
        ("timestamp", True, ["true"]),
        ("date", "2024-01-02", date(2024, 1, 2)),
        ("date", "2024-01-02T00:00:00Z", date(2024, 1, 2)),
        ("date", "2024-01-02T12:00:00Z", ["2024-01-02T12:00:00Z"]),
        ("time", "12:30:00+01:00", ["12:30:00+01:00"]),
        ("time", 7, ["7"]),
        ("binary", "7", ["7"]),
    ],
)
def test_a_value_fits_its_type_or_is_kept_as_text(data_type, value, expected):
    [alone] = loaded(data_type, value)
    assert (alone, type(alone)) == (expected, type(expected))
    assert loaded(data_type, None, value, None)[1] == expected


def test_one_misfit_does_not_change_how_other_values_are_converted():
    assert loaded("double", 1.5, True, 2) == [1.5, ["true"], 2.0]
    assert loaded("timestamp", "2024-01-02 12:00:00 UTC", "2024-01-02T12:00:00Z", "soon UTC") == [
        NOON,
        NOON,
        ["soon UTC"],
    ]
    assert loaded("bigint", True, 1, 1.0, "x") == [["true"], 1, 1, ["x"]]
    assert loaded("timestamp", "2024-01-02T12:00:00", "2024-01-02T12:00:00Z", "soon") == [NOON, NOON, ["soon"]]


def test_rows_and_pages_may_have_different_fields():
    rows = texts([{"id": 1, "a": 2}, {"id": 3, "b": 4}])  # the same number of fields, but different ones
    rows.add([encode_row({"id": 5})])
    rows.add([encode_row({"b": 6, "id": 7}), encode_row({"id": 8, "b": 9})])
    kept = columns(id="bigint", a="bigint", b="bigint").to_batch(rows).to_pydict()
    assert kept == {"id": [1, 3, 5, 7, 8], "a": [2, None, None, None, None], "b": [None, 4, None, 6, 9]}


@pytest.mark.parametrize(
    "values", [["a", "é"], ["a", None], ["a", 'b"\\\0'], ["", ""], ['"', 1], ["null"], [None], ["a", ["b"], "c"]]
)
def test_a_text_column_stores_the_content_of_strings_and_the_json_of_other_values(values):
    kept = columns(value="text").to_batch(texts([{"value": value} for value in values])).to_pydict()
    assert kept["value"] == [value if value is None or isinstance(value, str) else written(value) for value in values]


def test_24_00_is_parsed_or_kept_as_text():
    """Python 3.13 and later parse 24:00."""
    assert loaded("timestamp", "2024-01-01T24:00:00Z") in (
        [["2024-01-01T24:00:00Z"]],
        [datetime(2024, 1, 2, tzinfo=UTC)],
    )


def test_digits_beyond_the_declared_precision_are_kept_as_text():
    declared = columns(amount="decimal", seconds="timestamp", small="bigint")
    declared.hints["amount"] |= {"precision": 10, "scale": 2}
    declared.hints["seconds"] |= {"precision": 0}
    declared.hints["small"] |= {"precision": 32}
    row = {"amount": "1.005", "seconds": "2024-01-02T12:00:00.5Z", "small": 2**40}
    [batch] = declared.to_batch(texts([row])).to_pylist()
    assert {name: batch[f"{name}__v_text"] for name in row} == {**row, "small": str(2**40)}
    assert [batch[name] for name in row] == [None, None, None]


def test_timestamps_as_text_are_parsed_even_if_the_cursor_is_in_epoch_seconds():
    counting = columns(at="timestamp", seen="timestamp", timestamp_format=TimestampFormat(format="epoch_seconds"))
    [row] = counting.to_batch(texts([{"at": 1704196800, "seen": "2024-01-02T12:00:00Z"}])).to_pylist()
    assert row == {"at": NOON, "seen": NOON}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", Decimal(2**64)),
        ("-9223372036854775809", Decimal(-(2**63) - 1)),
        ("9007199254740993", 2**53 + 1),
        ("9007199254740993.0", Decimal("9007199254740993.0")),
        ("0.30000000000000004", 0.30000000000000004),
        ("0.1000000000000000055511151231257827", Decimal("0.1000000000000000055511151231257827")),
        ("-12345678901234567890.5", Decimal("-12345678901234567890.5")),
        ("1e400", Decimal("1E+400")),
        ("1e99999999999999999999", "1e99999999999999999999"),
        ("9" * 5_000, "9" * 5_000),
    ],
)
def test_a_number_keeps_every_digit_of_the_json(text, expected):
    [value] = load(f"[ {text}]".encode())
    assert (value, type(value)) == (expected, type(expected))
    assert load(dump({"deep": [value]}).encode()) == {"deep": [value]}


def test_long_numbers_inside_strings_are_unchanged():
    text = {"ref": "12345678901234567890", "ip": "192.168.100.1000000", "note": ": 12345678901234567890"}
    assert load(json.dumps(text).encode()) == text


@pytest.mark.parametrize(
    ("broken", "repaired"),
    [
        (r'"\ud83d"', r'"\\ud83d"'),
        (r'"a\uDE00\ud83dz"', r'"a\\uDE00\\ud83dz"'),
        (r'"\ud83d\ude00\ud83d"', r'"\ud83d\ude00\\ud83d"'),
        (r'"\\ud83d\ud83d"', r'"\\ud83d\\ud83d"'),
        (r'{"\ud83d": ["\udfff"]}', r'{"\\ud83d": ["\\udfff"]}'),
        ('[NaN, -Infinity, {"NaN": Infinity}]', '["NaN", "-Infinity", {"NaN": "Infinity"}]'),
        (r'["a NaN", "\" NaN \\", NaN]', r'["a NaN", "\" NaN \\", "NaN"]'),
    ],
)
def test_text_that_is_almost_json_is_repaired(broken, repaired):
    assert repair(broken.encode()).decode() == repaired


def test_json_with_hundreds_of_levels_can_be_written():
    nested: Any = Decimal(10**30)
    for _ in range(500):
        nested = [nested]
    assert json.loads(dump(nested)) == json.loads("[" * 500 + f'"{10**30}"' + "]" * 500)


@pytest.mark.parametrize("data_type", ["text", "bigint", None])
def test_a_value_nested_too_deeply_for_its_column_fails_and_is_named(data_type):
    deep = msgspec.Raw(b"[" * 100_000 + b"]" * 100_000)
    with pytest.raises(RowError, match=r"^shop/things: 'tree' contains a value that is nested too deeply"):
        columns(tree=data_type).to_batch(ColumnBuffer([{"tree": deep}]))


def test_nul_is_stored_as_its_escape_where_the_database_does_not_accept_it():
    rows = [{"name": "a\0b", "tree": {"a\0": r"\u0000"}, "size": "\0"}, {"name": None, "tree": None, "size": 1}]
    kept = columns(name="text", tree="json", size="bigint").to_batch(texts(rows)).to_pylist()
    assert (kept[0]["name"], json.loads(kept[0]["tree"]), kept[0]["size__v_text"]) == ("a\0b", rows[0]["tree"], "\0")
    postgres = columns(destination="postgres", name="text", tree="json", size="bigint")
    [first, second] = postgres.to_batch(texts(rows)).to_pylist()
    assert (first["name"], first["size__v_text"]) == (r"a\u0000b", r"\u0000")
    assert json.loads(first["tree"]) == {r"a\u0000": r"\u0000"}
    assert second == {"name": None, "tree": None, "size": 1, "size__v_text": None}
    assert postgres.drift["name"] == r"contains NUL, stored as \u0000 (rows: 1)"


TEXTS = st.text(st.sampled_from('aZ7 é\U0001f600\ud83d\ude00\0\n"\\'), max_size=6)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-(10**25), 10**25).map(lambda digits: Decimal(digits).scaleb(-12))
    | TEXTS
    | st.integers().map(str)
    | st.datetimes().map(datetime.isoformat)
    | st.sampled_from(["true", "1e5", "-0", "0.10", "007", ""])
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3))
TYPES = (None, "text", "json", "bigint", "double", "decimal", "bool", "timestamp", "date")


@settings(max_examples=200, deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=4), st.sampled_from(TYPES), st.integers(0, 4))
def test_any_value_is_stored_exactly_in_its_column_or_as_text_in_the_variant_column(values, data_type, first_batch):
    body = written([{"id": 1, "value": value} for value in values])
    things, rows = columns(id="bigint", value=data_type), parse(body.encode(), ())
    batches = (things.to_batch(ColumnBuffer(rows[:first_batch])), things.to_batch(ColumnBuffer(rows[first_batch:])))
    held = [row for batch in batches for row in batch.to_pylist()]
    data_type = things.hints.get("value", {}).get("data_type")
    for row, sent in zip(held, (thing["value"] for thing in meant(body)), strict=True):
        kept, beside = row.get("value"), row.get("value__v_text")
        assert (sent is None) == (kept is None and beside is None)
        assert kept is None or (beside is None and is_same(data_type, kept, sent))
        assert beside is None or is_same("text", beside, sent)


def written(value: Any) -> str:
    """Write JSON with all digits of decimals."""
    if isinstance(value, list):
        return f"[{','.join(map(written, value))}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{json.dumps(name)}:{written(inner)}' for name, inner in value.items())}}}"
    return str(value) if isinstance(value, Decimal) else json.dumps(value)


def meant(body: str) -> Any:
    """Parse JSON with all digits, and lone surrogates as their escapes."""
    return escaped(json.loads(body, parse_float=Decimal, parse_int=Decimal))


def escaped(value: Any) -> Any:
    if isinstance(value, list):
        return [escaped(inner) for inner in value]
    if isinstance(value, dict):
        return {escaped(name): escaped(inner) for name, inner in value.items()}
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def is_same(data_type: str, kept: Any, sent: Any) -> bool:
    """Return whether the stored value equals the value that was sent."""
    if data_type == "json" or (data_type == "text" and not isinstance(sent, str)):
        return bool(meant(kept) == sent)
    if data_type in ("bigint", "decimal"):
        return bool(kept == Decimal(sent))
    if data_type == "double":
        number = Decimal(sent)
        is_fraction = number != number.to_integral_value()
        return number in (Decimal(kept), Decimal(repr(kept))) or bool(is_fraction and kept == float(sent))
    if data_type in ("timestamp", "date"):
        timestamp = TimestampFormat().decode(sent)
        return bool(kept == (timestamp if data_type == "timestamp" else timestamp.date()))
    return bool(kept == sent if data_type == "text" else json.dumps(kept) == str(sent).lower())


@pytest.mark.parametrize("local", [True, False])
@settings(max_examples=300)
@given(
    values=st.lists(st.datetimes(timezones=st.none()), min_size=1, max_size=5),
    zone=st.sampled_from(["Z", "", "+00:00"]),
)
def test_cursors_parsed_a_page_at_a_time_are_those_of_the_timestamp_column(values, zone, local):
    texts = b"\0".join(f'"{value.isoformat()}{zone}"'.encode() for value in values)
    found = utc_microseconds(texts, local_is_utc=local)
    if zone == "+00:00" or (zone == "" and not local):
        assert found is None
    else:
        column = fit(texts, "timestamp", pa.timestamp("us", "UTC"), TimestampFormat()).array
        assert found == column.cast(pa.int64()).to_pylist()


@pytest.mark.parametrize(
    "text", ['""', "null", '"2024-13-01T00:00:00Z"', '"2024-01-01"', "7", '"2024-01-01T00:00:00.1Z"']
)
def test_cursors_of_another_form_are_left_to_the_timestamp_column(text):
    assert utc_microseconds(f'"2024-01-01T00:00:00Z"\0{text}'.encode(), local_is_utc=True) is None


@pytest.mark.parametrize(
    ("kind", "value"), [("time", "12:00:00.123456789"), ("timestamp", "2024-05-01T12:00:00.1234567Z")]
)
def test_digits_below_a_microsecond_are_counted_in_a_value_and_refused_in_a_key(kind, value):
    table = columns(at=kind)
    table.to_batch(texts([{"at": value}, {"at": value.replace("7", "").replace("89", "")}]))
    assert table.drift == {"at": "digits below a microsecond are not stored (rows: 1)"}
    found = columns(keys=("at",), at=kind).unusable([encode_row({"at": value})])
    assert found == {0: found[0]}
    assert f"'at' is a key and contains '{value}', which is not a {kind}" in found[0]

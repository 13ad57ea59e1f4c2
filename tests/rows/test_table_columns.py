"""Fields that differ from their declaration are loaded and listed, or fail the load, but are never dropped."""

import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import yaml
from starlette.responses import Response

from connectors_dagster import load_connectors
from connectors_dagster.errors import ApiError, RowError
from connectors_dagster.http.read_stats import ReadStats
from connectors_dagster.orchestration.metadata import read_metadata
from connectors_dagster.read import row_reader
from connectors_dagster.rows.column_buffer import ColumnBuffer
from connectors_dagster.rows.column_names import ColumnNames
from connectors_dagster.rows.raw_json import parse
from tests.rows.test_coercion import NAMING, columns, texts

TABLE = "catalog.ecommerce_data"


@pytest.fixture
def catalog(api, load) -> Callable[..., ReadStats]:
    """Load rows of the catalog, each given as JSON text; returns the counts."""

    def catalog_(*rows: str) -> ReadStats:
        api.faults.clear()
        body = f'{{"data": [{", ".join(rows)}]}}'
        headers = {"Content-Type": "application/json", "X-Total": str(len(rows))}
        api.answer("/resource", response=lambda: Response(body, headers=headers))
        stats: ReadStats = load("catalog/ecommerce_data")["catalog/ecommerce_data"][None]
        return stats

    return catalog_


@pytest.fixture
def declare(tmp_path, monkeypatch) -> Callable[..., None]:
    """Change the declared columns of the catalog: ``declare(size={"data_type": "bigint"})``."""

    def declare_(**hints: dict[str, Any]) -> None:
        connector = load_connectors()["catalog"]
        document = yaml.safe_load(connector.schema.read_text())
        document["tables"]["ecommerce_data"]["columns"] |= hints
        (tmp_path / "catalog.schema.yaml").write_text(yaml.safe_dump(document))
        changed = dataclasses.replace(connector, schema=tmp_path / "catalog.schema.yaml")
        monkeypatch.setattr("tests.conftest.load_connectors", lambda: {"catalog": changed})

    return declare_


@pytest.fixture
def one(warehouse) -> Callable[..., Any]:
    """The row with an id, as a dict without null columns."""

    def one_(id: Any) -> dict[str, Any]:
        names = [name for (name,) in warehouse.query(f"SELECT column_name FROM (DESCRIBE {TABLE})")]
        [row] = warehouse.query(f"SELECT * FROM {TABLE} WHERE id = {id!r}")
        return {n: value for n, value in zip(names, row, strict=True) if value is not None and n != "_dlt_load_id"}

    return one_


def test_undeclared_fields_are_loaded_as_text_or_json_and_are_listed(catalog, one):
    stats = catalog(
        '{"id": 1, "size": 1.50, "open": true, "box": {"w": 1}, "note": "", "gone": null}',
        '{"id": 2, "size": "XL", "box": 7, "sku": ""}',
    )
    assert one(1) == {"id": 1, "size": "1.50", "open": "true", "box": '{"w": 1}', "note": ""}
    assert one(2) == {"id": 2, "size": "XL", "box": "7", "sku": ""}
    assert stats.drift == {
        "box": "not declared, loaded as json",
        "gone": "not declared, always null",
        "note": "not declared, loaded as text",
        "open": "not declared, loaded as text",
        "size": "not declared, loaded as text",
    }


def test_declared_fields_that_no_row_has_are_listed_as_missing(catalog):
    stats = catalog('{"id": 1, "name": null, "sku": "A"}')
    assert stats.missing_fields == [
        "active",
        "attributes",
        "created_at",
        "currency",
        "price",
        "stock",
        "tags",
        "updated_at",
    ]
    metadata = read_metadata(load_connectors()["catalog"].graph["ecommerce_data"], None, stats, "")
    assert metadata["missing_fields"].value == stats.missing_fields
    assert "drift" not in metadata
    assert columns(id="bigint").missing == []


def test_every_field_gets_its_own_column_whatever_its_name(catalog, one):
    names = ["", " ", "name", "Name", "NAME", "order", "a b", "a-b", "a_b", "é", "日本", "_dlt_id", "_dlt_load_id"]
    names += ["x" * 300, "x" * 299 + "y", "price__v_text", "tab\t\0'\"; DROP TABLE"]
    stats = catalog(json.dumps({"id": 1, **{name: f"{name} is here" for name in names}}))
    row = one(1)
    assert sorted(row.values(), key=str) == sorted([1, *(f"{name} is here" for name in names)], key=str)
    assert row["name"] == "name is here"
    assert row["order"] == "order is here"
    assert row["a_b"] == "a_b is here"
    assert "field 'Name' not declared, loaded as text" in stats.drift.values()


def test_two_spellings_of_a_name_keep_their_columns_whichever_comes_first(catalog, one, warehouse):
    catalog('{"id": 1, "Size": "upper"}')
    catalog('{"id": 2, "size": "lower"}', '{"id": 3, "SIZE": "all", "size": "lower", "Size": "upper"}')
    assert set(one(1)) & set(one(2)) == {"id"}
    assert {name: value for name, value in one(3).items() if value != "all"} == {**one(1), **one(2), "id": 3}


def test_column_names_depend_only_on_the_spelling_of_the_field():
    spellings = ["size", "Size", "sizE", "SIZE", "si-ze", "", "_dlt_id", "s" * 100, "s" * 99 + "t"]
    for longest in (63, 65_536):
        there, back = (ColumnNames("shop/things", NAMING, longest, ["id"]) for _ in range(2))
        found = {name: there.column(name) for name in spellings}
        assert {name: back.column(name) for name in reversed(spellings)} == found
        assert len(set(found.values())) == len(spellings)
        assert max(map(len, found.values())) <= longest
        assert found["size"] == "size"


def test_a_field_that_would_share_the_column_of_another_fails_and_is_named():
    names = ColumnNames("shop/things", NAMING, 63, ["id"])
    taken = names.column("Size")
    with pytest.raises(RowError, match=f"shop/things: field '{taken}' would share the column '{taken}'"):
        names.column(taken)


def test_columns_are_declared_with_the_spelling_of_the_api(catalog, declare, one):
    declare(createdOn={"data_type": "timestamp"}, boxCount={"data_type": "bigint"})
    rows = '{"id": 1, "createdOn": "2024-01-02T00:00:00Z", "created_on": "x"}', '{"id": 2, "boxCount": "many"}'
    for _ in range(2):
        stats = catalog(*rows)
        assert one(1)["created_on"] == datetime(2024, 1, 2, tzinfo=UTC)
        assert "x" in one(1).values()
        assert one(2) == {"id": 2, "box_count__v_text": "many"}
        assert stats.drift["boxCount"] == "not a bigint, loaded into box_count__v_text (rows: 1)"


def test_a_later_load_converts_other_types_to_the_type_of_the_existing_column(catalog, one):
    catalog('{"id": 1, "size": "XL", "box": [1]}')
    catalog('{"id": 2, "size": {"w": 1.50}, "box": "flat"}', '{"id": 3, "size": 2, "box": 1e400}')
    assert one(1) == {"id": 1, "size": "XL", "box": "[1]"}
    assert one(2) == {"id": 2, "size": '{"w": 1.50}', "box": '"flat"'}
    assert one(3) == {"id": 3, "size": "2", "box": "1e400"}


def test_a_column_keeps_its_type_when_another_type_is_declared_later(catalog, declare, one):
    declare(size={"data_type": "bigint"}, box={"data_type": "json"}, day={"data_type": "text"})
    catalog('{"id": 1, "size": 1, "box": [], "day": "2024-01-02"}')
    declare(size={"data_type": "double"}, box={"data_type": "text"}, day={"data_type": "timestamp"})
    stats = catalog('{"id": 2, "size": 1.5, "box": "flat", "day": "2024-01-03"}')
    assert one(2) == {"id": 2, "size__v_text": "1.5", "box": '"flat"', "day": "2024-01-03"}
    assert stats.drift == {
        "box": "declared as text, but the table has json and keeps it",
        "day": "declared as timestamp, but the table has text and keeps it",
        "size": "declared as double, but the table has bigint and keeps it; "
        "not a bigint, loaded into size__v_text (rows: 1)",
    }


def test_values_that_do_not_fit_go_into_the_variant_column_in_all_batches_and_loads(
    api, catalog, load, one, monkeypatch
):
    monkeypatch.setattr(row_reader, "BATCH_ROWS", 100)
    rows: list[dict[str, Any]] = [{"id": id, "stock": id} for id in range(1, 251)]
    rows[0] |= {"stock": "none", "price": "1.5"}
    rows[249] |= {"stock": "few", "size": "late"}
    api.set("catalog/ecommerce_data", rows)
    stats = load("catalog/ecommerce_data")["catalog/ecommerce_data"][None]
    assert stats.drift == {
        "price": "another type, converted to double (rows: 1)",
        "size": "not declared, loaded as text",
        "stock": "not a bigint, loaded into stock__v_text (rows: 2)",
    }
    assert one(1) == {"id": 1, "stock__v_text": "none", "price": 1.5}
    assert one(150) == {"id": 150, "stock": 150}
    assert one(250) == {"id": 250, "stock__v_text": "few", "size": "late"}
    catalog('{"id": 1, "stock": 1}', '{"id": 150, "stock": {"n": 2}}')
    assert one(1) == {"id": 1, "stock": 1}
    assert one(150) == {"id": 150, "stock__v_text": '{"n": 2}'}
    assert one(250) == {"id": 250, "stock__v_text": "few", "size": "late"}


def test_a_batch_without_misfits_keeps_those_of_other_batches():
    things = columns(id="bigint", stock="bigint")
    batches = [things.to_batch(texts([{"id": 1, "stock": stock}])).to_pylist() for stock in ("none", 1, "few")]
    assert [row["stock__v_text"] for [row] in batches] == ["none", None, "few"]
    assert things.drift == {"stock": "not a bigint, loaded into stock__v_text (rows: 2)"}


def test_numbers_are_loaded_with_every_digit(catalog, one):
    catalog(
        '{"id": 1, "stock": 9223372036854775808, "size": 123456789012345678901234567890, "price": 1e400,'
        ' "attributes": {"a": 18446744073709551616, "b": 0.12345678901234567890, "c": 1e400, "d": 1.50}}',
        '{"id": 2, "stock": 9223372036854775807, "size": 0.12345678901234567890, "price": 9007199254740993}',
        '{"id": 3, "stock": 53636111686874970.0, "size": 1.10, "price": 0.12345678901234567890}',
        '{"id": 4, "stock": 1e3, "price": NaN, "attributes": [NaN, -Infinity]}',
    )
    assert one(1) == {
        "id": 1,
        "stock__v_text": "9223372036854775808",
        "size": "123456789012345678901234567890",
        "price__v_text": "1e400",
        "attributes": '{"a": 18446744073709551616, "b": 0.12345678901234567890, "c": 1e400, "d": 1.50}',
    }
    assert one(2) == {"id": 2, "stock": 2**63 - 1, "size": "0.12345678901234567890", "price__v_text": str(2**53 + 1)}
    assert one(3) == {"id": 3, "stock": 53636111686874970, "size": "1.10", "price": 0.12345678901234568}
    assert one(4) == {"id": 4, "stock": 1000, "price__v_text": "NaN", "attributes": '["NaN", "-Infinity"]'}


def test_every_character_is_loaded_and_a_lone_surrogate_becomes_its_escape(catalog, one):
    catalog(
        r'{"id": 1, "name": "a\u0000b", "sku": "\ud83d\ude00 😀 é \n\"\\", "attributes": {"\u0000": "x\u0000"}}',
        r'{"id": 2, "name": "a\ud83d", "sku": "\\ud83d", "attributes": {"k\ude00": ["\ud83dz"]}, "k\ud83d": "v"}',
    )
    assert (one(1)["name"], one(1)["sku"]) == ("a\0b", '😀 😀 é \n"\\')
    assert json.loads(one(1)["attributes"]) == {"\0": "x\0"}
    row = one(2)
    assert (row["name"], row["sku"], json.loads(row["attributes"])) == (
        r"a\ud83d",
        r"\ud83d",
        {r"k\ude00": [r"\ud83dz"]},
    )
    assert "v" in row.values()


def test_postgres_stores_the_same_except_nul_which_is_escaped_and_listed(catalog, postgres):
    long = "very_" * 30
    stats = catalog(
        r'{"id": 1, "name": "a\u0000b", "attributes": {"\u0000": ["\\u0000", 1e400, 123456789012345678901234567890]}}',
        rf'{{"id": 2, "name": "\ud83d", "price": NaN, "stock": "none", "{long}1": "one", "{long}2": "two"}}',
    )
    [(name, attributes)] = postgres.query(f"SELECT name, attributes::text FROM {TABLE} WHERE id = 1")
    assert name == r"a\u0000b"
    assert json.loads(attributes, parse_int=Decimal) == {
        r"\u0000": [r"\u0000", 10**400, 123456789012345678901234567890]
    }
    [row] = postgres.query(f"SELECT * FROM {TABLE} WHERE id = 2")
    assert {r"\ud83d", "NaN", "none", "one", "two"} < set(row)
    assert stats.drift["name"] == stats.drift["attributes"] == r"contains NUL, stored as \u0000 (rows: 1)"


@pytest.mark.parametrize(("encoding", "named"), [("latin-1", "latin-1"), ("utf-16", "utf-8"), ("utf-8-sig", "utf-8")])
def test_a_body_is_decoded_by_its_encoding(api, read, encoding, named):
    body = '{"data": [{"id": 1, "name": "é"}]}'.encode(encoding)
    headers = {"Content-Type": f"application/json; charset={named}", "X-Total": "1"}
    api.answer("/resource", response=lambda: Response(body, headers=headers))
    assert read("catalog/ecommerce_data")[0] == [{"id": 1, "name": "é"}]


def test_windows_1252_that_is_declared_as_iso_8859_1_is_read_as_what_it_is(api, read):
    body, headers = '{"data": [{"id": 1, "name": "5 €"}]}'.encode("cp1252"), {"X-Total": "1"}
    headers["Content-Type"] = "application/json; charset=ISO-8859-1"
    api.answer("/resource", response=lambda: Response(body, headers=headers))
    assert read("catalog/ecommerce_data")[0] == [{"id": 1, "name": "5 €"}]


def test_values_of_ten_million_characters_or_hundreds_of_levels_are_loaded(catalog, one):
    long, deep = "x" * 10_000_000, "[" * 700 + "]" * 700
    catalog(f'{{"id": 1, "name": "{long}", "attributes": {{"a": "{long}"}}, "tags": {deep}, "sku": {deep}}}')
    row = one(1)
    assert row["name"] == long
    assert row["attributes"] == f'{{"a": "{long}"}}'
    assert row["tags"] == row["sku"] == deep


def test_a_value_nested_too_deeply_to_be_parsed_fails_with_its_resource_and_url(catalog, api):
    deep = "[" * 2_000 + "]" * 2_000
    with pytest.raises(ApiError, match=r"^catalog/ecommerce_data: GET .*/resource.* nested too deeply"):
        catalog(f'{{"id": 1, "tags": {deep}}}')
    assert len(api.requests) == 1


def test_text_that_is_not_a_timestamp_is_kept_as_text(catalog, one):
    times = {
        "2024-01-02T24:00:00.5Z": None,
        "0000-00-00 00:00:00": None,
        "0000-01-01T00:00:00": None,
        "9999-12-31T23:59:59-02:00": None,
        "2024-02-30": None,
        "": None,
        "2024-01-02 12:00:00+02:00": datetime(2024, 1, 2, 10, tzinfo=UTC),
        "2024-01-02": datetime(2024, 1, 2, tzinfo=UTC),
        "0001-01-01T00:00:00Z": datetime(1, 1, 1, tzinfo=UTC),
    }
    catalog(*(f'{{"id": {id}, "created_at": "{text}", "updated_at": null}}' for id, text in enumerate(times)))
    kept = [one(id) for id in range(len(times))]
    assert [row.get("created_at__v_text") for row in kept] == [t if at is None else None for t, at in times.items()]
    assert [row.get("created_at") for row in kept] == list(times.values())


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ('"007"', "'id' is a key and contains '007', which is not a bigint: declare its data_type as text"),
        ('"A-1"', "'id' is a key and contains 'A-1', which is not a bigint: declare its data_type as text"),
        ("7.5", "'id' is a key and contains '7.5', which is not a bigint"),
        ("9223372036854775808", "'id' is a key and contains '9223372036854775808', which is not a bigint"),
        ("null", "1 of 2 rows have no 'id', which is a key: check primary_key and the schema file"),
    ],
)
def test_a_key_that_does_not_fit_fails_and_is_named(key, message):
    things = columns(id="bigint", keys=("id",))
    with pytest.raises(RowError) as refused:
        things.to_batch(ColumnBuffer(parse(f'[{{"id": 7}}, {{"id": {key}}}]'.encode(), ())))
    assert str(refused.value).startswith(f"shop/things: {message}")


def test_a_null_in_a_field_declared_not_nullable_fails_and_is_named(declare, catalog):
    declare(name={"data_type": "text", "nullable": False})
    catalog('{"id": 1, "name": ""}')
    with pytest.raises(RowError, match="a row has no 'name', which is declared nullable: false"):
        catalog('{"id": 1, "name": ""}', '{"id": 2}')


def test_a_key_without_a_declared_type_keeps_the_type_of_the_first_load(catalog, warehouse):
    catalog('{"id": 7}', '{"id": 8}')
    with pytest.raises(RowError, match="'id' is a key and contains 'A-1', which is not a bigint"):
        catalog('{"id": 9}', '{"id": "A-1"}')
    assert warehouse.ids(TABLE) == [7, 8]
    catalog('{"id": "7"}')
    assert warehouse.ids(TABLE) == [7, 8]


def test_a_key_without_a_declared_type_is_text_if_the_first_load_has_any_text(catalog, warehouse):
    catalog('{"id": 7}', '{"id": "A-1"}', '{"id": "007"}')
    catalog('{"id": 7}', '{"id": 8}')
    assert warehouse.ids(TABLE) == ["007", "7", "8", "A-1"]

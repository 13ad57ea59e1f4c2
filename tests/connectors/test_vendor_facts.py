"""Columns compared both ways with what a vendor publishes: an OpenAPI file, or TypeScript types."""

import json
from dataclasses import replace

import pytest
import yaml

from connectors_dagster import Connector
from tests.support import vendor_facts
from tests.support.contract import CONNECTORS
from tests.support.openapi import Description
from tests.support.typescript import Types
from tests.support.vendor_facts import unexplained

ROW = {
    "id": {"type": "integer"},
    "paid": {"type": ["boolean", "null"]},
    "total": {"anyOf": [{"type": "number"}, {"type": "null"}]},
    "changed": {"type": "string", "format": "date-time"},
    "lines": {"type": "array"},
}
TYPES = """
declare module 'shop' {
  export interface Orders {
    [key: string]: unknown;
    id: number;
    // of the payment
    paid?: boolean;
    total?: number;
    changed: number;
    lines: Orders.Line[];
  }
  export namespace Orders {
    export interface Line {
      sku: string;
    }
  }
}
"""
COLUMNS = (
    "id: {data_type: bigint, nullable: false}, paid: {data_type: bool}, total: {data_type: decimal}, "
    "changed: {data_type: timestamp}, lines: {data_type: json}"
)


def description(row=ROW, path="/orders", parameters=()) -> Description:
    listed = {"type": "array", "items": {"properties": row}}
    schema = {"properties": {"data": listed}}
    responses = {"200": {"content": {"application/json": {"schema": schema}}}}
    get = {"parameters": list(parameters), "responses": responses}
    return Description({"openapi": "3.1.0", "info": {"title": "Shop", "version": "3"}, "paths": {path: {"get": get}}})


def types(tmp_path, text=TYPES) -> Types:
    (tmp_path / "Orders.d.ts").write_text(text)
    return Types.read(tmp_path)


def shop(tmp_path, columns=COLUMNS) -> Connector:
    schema = tmp_path / "storefront.schema.yaml"
    schema.write_text(f"tables: {{orders: {{columns: {{{columns}}}}}}}")
    return replace(CONNECTORS["storefront"], schema=schema)


def found(connector, source, kept=None) -> list[str]:
    return [line for line in unexplained(connector, source, kept or {}) if line.startswith("orders")]


@pytest.fixture(params=["openapi", "typescript"])
def source(request, tmp_path):
    """The same five fields from either kind of source."""
    return types(tmp_path) if request.param == "typescript" else description()


def test_columns_as_described_do_not_differ(tmp_path, source):
    assert found(shop(tmp_path), source) == []


@pytest.mark.parametrize(
    ("there", "instead", "difference"),
    [
        (", lines: {data_type: json}", "", "orders.lines is described as array and not declared"),
        ("total:", "sum: {data_type: text}, total:", "orders.sum is declared and not described"),
        ("{data_type: bool}", "{data_type: text}", "orders.paid is declared as text and described as boolean or null"),
        (
            "{data_type: bool}",
            "{data_type: bool, nullable: false}",
            "orders.paid is declared as never null, and can be null or absent",
        ),
    ],
)
def test_each_difference_is_said_unless_it_is_kept(tmp_path, source, there, instead, difference):
    assert there in COLUMNS
    connector = shop(tmp_path, COLUMNS.replace(there, instead))
    assert found(connector, source) == [difference]
    column = difference.split()[0].removeprefix("orders.")
    assert found(connector, source, {"orders": {column: "a reason"}}) == []
    assert found(connector, source, {"*": {column: "a reason"}}) == []


def test_an_empty_parameter_is_passed_over(tmp_path):
    empty = description(path="/orders", parameters=[{}, None])
    resource = shop(tmp_path).graph["orders"]
    assert list(empty.contradictions(resource, [{"page": "1"}])) == ["parameter page is not described"]


def test_json_is_read_as_yaml_is(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(description().document))
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(description().document))
    assert Description.read(tmp_path / "a.json") == Description.read(tmp_path / "a.yaml") == description()


def test_another_api_is_said_in_one_line(tmp_path, capsys):
    file = tmp_path / "other.json"
    file.write_text(json.dumps(description(path="/v0/things").document))
    assert vendor_facts.main("paddle", str(file)) == 1
    assert (
        capsys.readouterr().out
        == "Shop, version 3 describes no resource of paddle: is it another version of the API?\n"
    )


def test_another_version_of_the_api_is_said_in_one_line(tmp_path, capsys):
    file = tmp_path / "v1.json"
    servers = [{"url": "https://{site}.example/api/v1"}]
    file.write_text(json.dumps({**description(path="/customers").document, "servers": servers}))
    assert vendor_facts.main("chargebee", str(file)) == 1
    assert capsys.readouterr().out == "Shop, version 3 is API v1, chargebee reads v2\n"


@pytest.mark.parametrize(
    ("content", "reason"),
    [("", "not a file of OpenAPI 3"), ("swagger: '2.0'\npaths: {}", "not a file"), ("{", "neither JSON nor YAML")],
)
def test_a_file_of_another_kind_is_said_in_one_line(tmp_path, capsys, content, reason):
    (tmp_path / "file.yaml").write_text(content)
    assert vendor_facts.main("paddle", str(tmp_path / "file.yaml")) == 1
    [said] = capsys.readouterr().out.splitlines()
    assert f"file.yaml: {reason}" in said


@pytest.mark.parametrize("vendor", [path.name.partition(".")[0] for path in vendor_facts.FACTS.glob("*.kept.yaml")])
def test_differences_are_kept_for_resources_that_exist(vendor):
    assert {*vendor_facts.read_kept(vendor)} <= {"*", *CONNECTORS[vendor].graph}

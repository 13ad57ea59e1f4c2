"""Requests and columns compared with a vendor's own description: ``make contract SPEC=<OpenAPI file>``."""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from connectors_dagster import Connector, Resource
from tests.support import openapi
from tests.support.contract import CONNECTORS, read
from tests.support.documented import Documented
from tests.support.openapi import Description
from tests.support.vendor_facts import another_api

SPEC = os.environ.get("SPEC", "")


def contradictions(resource: Resource, vendor: Documented, description: Description) -> list[str]:
    """Read some pages as documented, and compare the requests with a description; no list in a row is requested."""
    if resource.list_of:
        return list(description.contradictions(resource, []))
    facts = vendor.begin(resource)
    vendor.put(resource, facts.rows(2 * facts.size))
    read(resource)
    secret = set(facts.auth.get("query", ()))
    queries = [{k: v for k, v in r.query.items() if k not in secret} for r in vendor.requests_for(resource)]
    return list(description.contradictions(resource, queries))


# A vendor's file, if there is one


def described() -> tuple[Connector, Description]:
    """Return the connector that CONNECTOR or the file names, and the file that SPEC names."""
    description = Description.read(Path(SPEC))
    wanted = os.environ.get("CONNECTOR")
    found = [c for c in CONNECTORS.values() if (c.name == wanted if wanted else description.names(c.name))]
    if len(found) != 1:
        pytest.fail(
            f"{description.title} names {len(found)} connectors: set CONNECTOR=<one of {', '.join(CONNECTORS)}>"
        )
    if other := another_api(found[0], description):
        pytest.fail(other)
    return found[0], description


@pytest.mark.skipif(not SPEC, reason="no description: run make contract SPEC=<OpenAPI file of the vendor>")
def test_the_vendors_description_has_every_path_parameter_and_column(vendor):
    connector, description = described()
    found = {r.name: contradictions(r, vendor, description) for r in connector.graph.values()}
    assert {name: lines for name, lines in found.items() if lines} == {}, description.title


# What is compared


TEXT = """
openapi: 3.1.0
info: {title: A storefront, version: "7"}
servers: [{url: "https://shop.example/api"}]
paths:
  /orders:
    parameters: [{$ref: "#/components/parameters/per_page"}]
    get:
      parameters:
        - {name: order, in: query, schema: {type: string, enum: [asc, desc]}}
        - {name: orderby, in: query, schema: {type: array, items: {enum: [id, date]}}, explode: false}
        - {name: offset, in: query, schema: {type: integer}}
        - {name: dates_are_gmt, in: query, schema: {type: boolean}}
        - {name: modified_after, in: query, schema: {type: string}}
        - {name: modified_before, in: query, schema: {type: string}}
        - {name: id, in: path, schema: {type: string}}
      responses:
        200: {content: {application/json: {schema: {$ref: "#/components/schemas/page"}}}}
components:
  parameters:
    per_page: {name: per_page, in: query, schema: {type: integer, maximum: 100}}
  schemas:
    page:
      type: object
      properties: {data: {type: array, items: {$ref: "#/components/schemas/order"}}}
    order:
      allOf: [{$ref: "#/components/schemas/entity"}, {properties: {status: {type: string}}}]
    entity: {properties: {id: {type: integer}, date_modified_gmt: {type: string}}}
"""
TINY = yaml.safe_load(TEXT)
ORDERS = CONNECTORS["storefront"].graph["orders"]


@pytest.fixture
def orders(tmp_path) -> Resource:
    """Orders with the three columns that are described."""
    schema = tmp_path / "storefront.schema.yaml"
    schema.write_text("tables: {orders: {columns: {id: {}, status: {}, date_modified_gmt: {}}}}")
    return replace(ORDERS.connector, schema=schema).graph["orders"]


def test_described_requests_and_columns_are_not_contradictions(orders, vendor):
    assert contradictions(orders, vendor, Description(TINY)) == []


def test_an_undescribed_column_is_a_contradiction(vendor):
    found = contradictions(ORDERS, vendor, Description(TINY))
    assert "column billing is not described" in found
    assert {line.split()[0] for line in found} == {"column"}


@pytest.mark.parametrize(
    ("there", "instead", "contradiction"),
    [
        ("/orders:", "/order:", "path /orders is not described"),
        ("get:", "post:", "path /orders is not described"),
        ("name: order,", "name: sort,", "parameter order is not described"),
        ("name: offset, in: query", "name: offset, in: header", "parameter offset is not described"),
        ("maximum: 100", "maximum: 50", "parameter per_page is at most 50, not 100"),
        ("enum: [id, date]", "enum: [date]", "parameter orderby is one of ['date'], not ['id']"),
        ("application/json", "text/csv", "no JSON response is described"),
        ("{data:", "{rows:", "nothing is described at data"),
        ("{id: {type: integer}", "{number: {type: integer}", "column id is not described"),
    ],
)
def test_every_part_that_is_not_described_is_a_contradiction(orders, vendor, there, instead, contradiction):
    assert there in TEXT
    description = Description(yaml.safe_load(TEXT.replace(there, instead)))
    assert contradictions(orders, vendor, description) == [contradiction]


def parameter(**options) -> Description:
    get = {"parameters": [{"in": "query", **options}], "responses": TINY["paths"]["/orders"]["get"]["responses"]}
    return Description({**TINY, "paths": {"/orders": {"get": get}}})


@pytest.mark.parametrize(
    ("options", "sent", "contradiction"),
    [
        ({"name": "at", "style": "deepObject", "schema": {"properties": {"between": {}}}}, "at[between]", []),
        (
            {"name": "at", "style": "deepObject", "schema": {"properties": {"after": {}}}},
            "at[between]",
            ["parameter at is described, but not at[between]"],
        ),
        ({"name": "at[GTE]", "schema": {}}, "at[GTE]", []),
        ({"name": "at", "schema": {"type": "string"}, "description": "or use at[GTE]=…"}, "at[GTE]", []),
        ({"name": "at", "schema": {}}, "at[GTE]", ["parameter at is described, but not at[GTE]"]),
    ],
)
def test_an_operator_in_brackets_is_described_by_an_object_a_name_or_in_words(orders, options, sent, contradiction):
    assert list(parameter(**options).contradictions(orders, [{sent: "1"}])) == contradiction


def test_several_values_in_one_parameter_are_checked_one_by_one(orders):
    status = {
        "name": "status",
        "schema": {"type": "array", "items": {"enum": ["active", "archived"]}},
        "explode": False,
    }
    assert list(parameter(**status).contradictions(orders, [{"status": "active,archived"}])) == []
    found = list(parameter(**status).contradictions(orders, [{"status": "active,expired"}]))
    assert found == ["parameter status is one of ['active', 'archived'], not ['expired']"]


def test_rows_within_items_and_placeholders_of_other_names_are_found(vendor, tmp_path):
    schema = tmp_path / "subscriptions.schema.yaml"
    schema.write_text("tables: {attached_item: {columns: {id: {}, item_id: {}}}, item: {columns: {id: {}}}}")
    connector = replace(CONNECTORS["subscriptions"], schema=schema)
    row = {"anyOf": [{"properties": {"id": {}}}, {"properties": {"item_id": {}}}]}
    listed = {"type": "array", "items": {"properties": {"attached_item": row}}}
    responses = {"200": {"content": {"application/json;charset=utf-8": {"schema": {"properties": {"list": listed}}}}}}
    limit = {"name": "limit", "in": "query", "schema": {"maximum": 100}}
    offset = {"name": "offset", "in": "query"}
    get = {"parameters": [limit, offset], "responses": responses}
    description = Description({**TINY, "paths": {"/items/{item-id}/attached_items": {"get": get}}})
    assert contradictions(connector.graph["attached_item"], vendor, description) == []


def test_lists_in_rows_are_compared_with_the_items_of_the_list(vendor, tmp_path):
    schema = tmp_path / "stripe.schema.yaml"
    schema.write_text(
        "tables: {invoices: {columns: {lines: {data_type: json}}}, invoice_lines: {columns: {id: {}, sum: {}}}}"
    )
    lines = {"properties": {"data": {"type": "array", "items": {"properties": {"id": {"type": "string"}}}}}}
    listed = {"type": "array", "items": {"properties": {"lines": lines}}}
    responses = {"200": {"content": {"application/json": {"schema": {"properties": {"data": listed}}}}}}
    description = Description({**TINY, "paths": {"/v1/invoices": {"get": {"responses": responses}}}})
    resource = replace(CONNECTORS["stripe"], schema=schema).graph["invoice_lines"]
    assert contradictions(resource, vendor, description) == ["column sum is not described"]
    assert {*description.fields(resource)} == {"id"}


def test_a_json_or_yaml_file_names_its_connector(tmp_path):
    file = tmp_path / "openapi.yaml"
    file.write_text(yaml.safe_dump(TINY))
    description = Description.read(file)
    assert description.title == "A storefront, version 7"
    assert [name for name in CONNECTORS if description.names(name)] == ["storefront"]


def test_another_version_of_the_api_is_said_in_one_line_and_nothing_else(tmp_path, monkeypatch):
    file = tmp_path / "openapi.yaml"
    file.write_text(yaml.safe_dump({**TINY, "servers": [{"url": "https://{site}.example/api/v1"}]}))
    monkeypatch.setattr(sys.modules[__name__], "SPEC", str(file))
    monkeypatch.setenv("CONNECTOR", "chargebee")
    with pytest.raises(pytest.fail.Exception, match=r"^A storefront, version 7 is API v1, chargebee reads v2$"):
        described()


def test_yaml_that_is_too_large_is_refused_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(openapi, "MOST_YAML", 100)
    file = tmp_path / "openapi.yaml"
    file.write_text(yaml.safe_dump(TINY))
    with pytest.raises(
        ValueError, match=r"openapi\.yaml: YAML of 0 MB would need 0\.0 GB of memory: convert it to JSON"
    ):
        Description.read(file)
    file.write_text(json.dumps(TINY))
    assert Description.read(file).title == "A storefront, version 7"

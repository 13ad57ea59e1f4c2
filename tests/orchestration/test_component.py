"""A connector in YAML equals one in Python, and its errors show where they are."""

import re
import subprocess
import sys
import traceback
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from importlib.metadata import entry_points
from inspect import signature
from pathlib import Path
from typing import Any

import dagster as dg
import jsonschema
import pytest
import yaml

import connectors_dagster
from connectors_dagster import (
    AuthChoice,
    Connector,
    Cursor,
    NextPage,
    ResourceOptions,
    ResponseRule,
    RestConnector,
    Retry,
    Secret,
    SessionToken,
    Setting,
    Text,
    Transformation,
    TypedValue,
    build_definitions,
    definitions,
    load_connectors,
)
from connectors_dagster.orchestration.location import enabled_connectors, load_location
from connectors_dagster.orchestration.scaffolder import RestConnectorScaffolder
from connectors_dagster.spec.placeholders import REQUIRED
from tests.support.rows import address, customer, product

pytestmark = pytest.mark.filterwarnings("ignore:`parse_obj_as` is deprecated")  # Dagster's own use
ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "add-your-api.md").read_text(encoding="utf-8")
BLOCKS = {kind: re.findall(rf"```{kind}\n(.*?)```", DOCS, re.DOTALL) for kind in ("yaml", "python")}


def in_yaml(connector: Connector) -> str:
    """Write a connector as YAML."""
    model = RestConnector.get_model_cls()
    names = {field.name for field in fields(Connector)} - {"schema", "programs"}
    same = {name: getattr(connector, name) for name in names}
    attributes = model(**{**same, "config": plain(connector.config), "schema_file": "schema.yaml"})
    given = attributes.model_dump(mode="json")
    return yaml.safe_dump({"type": "connectors_dagster.RestConnector", "attributes": given}, sort_keys=False)


def plain(value: Any) -> Any:
    if isinstance(value, Setting):
        return f"{{{{ {'secret' if isinstance(value, Secret) else 'setting'}.{value} }}}}"
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def described(definitions: dg.Definitions) -> dict[str, Any]:
    """Everything Dagster shows of definitions."""
    families = [asset for asset in definitions.assets or () if isinstance(asset, dg.AssetsDefinition)]
    return {
        "assets": sorted(definitions.resolve_all_asset_specs(), key=lambda spec: spec.key),
        "families": [(family.op.name, family.op.pool, family.partitions_def) for family in families],
        "config": [str(family.op.config_schema.config_type) for family in families],
        "jobs": [(job.name, job.description) for job in definitions.jobs or ()],
        "schedules": [(s.name, s.cron_schedule, s.default_status) for s in definitions.schedules or ()],
        "sensors": [(sensor.name, sensor.default_status) for sensor in definitions.sensors or ()],
    }


@pytest.mark.parametrize("twin", load_connectors().values(), ids=lambda connector: connector.name)
def test_a_python_and_a_yaml_twin_are_one_value_and_give_identical_definitions(twin, scaffolded, monkeypatch):
    monkeypatch.setenv("CONNECTORS__ENABLED", twin.name)
    scaffolded.put(twin.name, in_yaml(twin), twin.schema.read_text(encoding="utf-8"))
    component, definitions = scaffolded.load()
    assert replace(component.connector, schema=twin.schema) == twin
    assert [(type(s), s) for s in component.connector.settings] == [(type(s), s) for s in twin.settings]
    assert described(definitions) == described(build_definitions(twin))


def test_the_twins_in_the_docs_are_one_value_with_the_columns_shown_there(scaffolded, tmp_path):
    declared, schema, _ = BLOCKS["yaml"]
    scaffolded.put("helpdesk", declared, schema)
    (tmp_path / "helpdesk.schema.yaml").write_text(schema)
    names: dict[str, Any] = {"__file__": str(tmp_path / "helpdesk.py")}
    exec(compile(BLOCKS["python"][0], "helpdesk.py", "exec"), names)
    in_python, (component, _) = names["connector"], scaffolded.load()
    different = {
        f.name for f in fields(Connector) if getattr(in_python, f.name) != getattr(component.connector, f.name)
    }
    assert different == {"schema"}
    assert component.connector.tables == in_python.tables
    assert list(component.connector.tables["tickets"]) == ["id", "updated_at", "subject"]


def test_yaml_can_express_everything_that_python_can():
    known = set(RestConnector.get_model_cls().model_fields)
    # A program is a part of this project, not of a connector that somebody writes.
    written = {field.name for field in fields(Connector)} - {"schema", "programs"} | {"schema_file", "settings"}
    built = set(signature(build_definitions).parameters) - {"connector"}
    assert known == written | built


SCHEMA = RestConnector.get_model_cls().model_json_schema()


@pytest.mark.parametrize("connector", load_connectors().values(), ids=lambda connector: connector.name)
def test_the_schema_for_editors_and_dg_check_accepts_every_shipped_connector(connector):
    document = yaml.safe_load(in_yaml(connector))["attributes"]
    jsonschema.validate(document, SCHEMA)


def test_the_schema_describes_each_of_our_fields_at_any_depth():
    nested = [SCHEMA["$defs"][name] for name in ("ResourceOptions", "TimestampFormat", "Retry")]
    for schema in (SCHEMA, *nested, nested[0]["properties"]["cursor"]):
        unexplained = {name for name, field in schema["properties"].items() if not field.get("description")}
        assert unexplained <= {"config"}, "dlt's own fields are documented by dlt"
    explained = nested[1]["properties"]["granularity"]["description"]
    assert explained.startswith("the smallest time difference")


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("data_selector: tickets", "data_selctor: tickets", "'data_selctor' was unexpected"),
        ("type: offset", "type: ofset", "'ofset' is not one of"),
        ("limit: 50", "limit: fifty", "'fifty' does not match '^\\\\{\\\\{ *(setting|secret)"),
        ("{type: bearer, token:", "{type: bearer, tokn:", "'tokn' was unexpected"),
        ("description: Support tickets", "", "'description' is a required property"),
        ("\n  resources:", "\n  resource:", "'resource' was unexpected"),
        ("timestamp_format:", "timestamp_fromat:", "'timestamp_fromat' was unexpected"),
        ("    tickets:\n", "    tickets:\n      accept_fewr: true\n", "'accept_fewr' was unexpected"),
        ("    tickets:\n", "    tickets:\n      accept_fewer: maybe\n", "'maybe' is not of type 'boolean', 'null'"),
        (
            "\n  resources:\n    tickets",
            "\n  translation: {grup_name: support}\n  resources:\n    tickets",
            "'grup_name' was",
        ),
    ],
)
def test_the_schema_names_a_wrong_word(before, after, message):
    document = yaml.safe_load(BLOCKS["yaml"][0].replace(before, after))["attributes"]
    errors = [error.message for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(document)]
    assert any(message in error for error in errors), errors


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (
            'token: "{{ secret.token }}"',
            "token: t0p-s3cret",
            'token of auth is written out: write "{{ secret.token }}"',
        ),
        ('"{{ setting.base_url }}"', '"https://{{ setting.host }}/{{ env.HOME }}"', "are allowed here"),
        ('"{{ setting.base_url }}"', '"https://{{ secret.host }}/api"', "base_url has the secret host"),
        ("primary_key: id", "selected: true", "helpdesk/tickets: primary_key is missing"),
        ("\n    tickets:\n", "\n    ticket:\n", "['ticket'], which config does not define; did you mean 'tickets'?"),
        ("    tickets:\n", "    tickets:\n      accept_fewr: true\n", "accept_fewr"),
        (
            "    tickets:\n",
            "    tickets:\n      total_path: a[[\n",
            "helpdesk/tickets: total_path 'a[[' is not a JSON path",
        ),
    ],
)
def test_errors_the_schema_cannot_find_fail_the_load_of_the_component(before, after, message, scaffolded):
    scaffolded.put("helpdesk", BLOCKS["yaml"][0].replace(before, after))
    with pytest.raises(Exception, match="helpdesk") as caught:
        scaffolded.load()
    shown = "".join(traceback.format_exception(caught.value))
    assert message in shown
    assert "t0p-s3cret" not in shown


@pytest.mark.parametrize(
    ("before", "after"),
    [
        *(
            ("path: /tickets\n", f"path: '{template}'\n")
            for template in (
                "{{ env.HOME }}",
                "{{ 7 * 7 }}",
                "{% set x = 1 %}",
                "{{ ''.__class__ }}",
                "{# x #}",
                "a{{b",
            )
        ),
        ("path: /tickets\n", "path: /tickets\n          params: {'{{ env.HOME }}': x}\n"),
        ("  name: helpdesk\n", "  name: helpdesk\n  select: '{{ env.HOME }}'\n"),
        ("  name: helpdesk\n", "  name: helpdesk\n  key_prefix: ['{{ env.HOME }}']\n"),
        ("  name: helpdesk\n", "  name: helpdesk\n  schema_file: '{{ env.HOME }}'\n"),
        *(
            ("  name: helpdesk\n", f"  name: helpdesk\n  translation: {{description: {template!r}}}\n")
            for template in (
                *("{{ env('HOME') }}", "{{ env.HOME }}", "{{ resource.__class__ }}", "{{ spec['__class__'] }}"),
                *("{{ resource | attr('_x') }}", "{{ resource.name.upper() }}", "{% for x in spec %}{% endfor %}"),
                *("{{ spec['_' ~ 'x'] }}", "{% import 'x' as x %}", "{{ context }}", "{{ cycler.x }}"),
            )
        ),
    ],
)
def test_a_template_that_does_more_than_read_settings_or_an_asset_is_refused(before, after, scaffolded):
    assert before in BLOCKS["yaml"][0]
    scaffolded.put("helpdesk", BLOCKS["yaml"][0].replace(before, after, 1))
    with pytest.raises(Exception, match="helpdesk") as caught:
        scaffolded.load()
    assert re.search("are allowed here|a template may read", "".join(traceback.format_exception(caught.value)))


@pytest.mark.parametrize("schema", ["../../../outside.yaml", "/etc/hostname", "../link/outside.yaml"])
def test_a_schema_file_outside_of_the_project_is_refused(schema, scaffolded, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "outside.yaml"
    outside.write_text("tables: {}")
    (scaffolded.folder / "link").symlink_to(outside.parent)
    text = BLOCKS["yaml"][0].replace("  name: helpdesk\n", f"  name: helpdesk\n  schema_file: {schema}\n")
    scaffolded.put("helpdesk", text)
    with pytest.raises(Exception, match="helpdesk") as caught:
        scaffolded.load()
    assert "is outside of the project" in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.mkdir", "!!python/name:os.system", "!thing"])
def test_tags_that_make_objects_are_refused_in_components_and_schema_files(tag, scaffolded):
    made = scaffolded.folder / "made"
    value, text = f"{tag} ['{made}']" if "apply" in tag else f"{tag} ''", BLOCKS["yaml"][0]
    for defs, schema in ((f"{text}  examples: {value}\n", "tables: {}"), (text, f"tables: {value}\n")):
        scaffolded.put("helpdesk", defs, schema)
        with pytest.raises(Exception, match="could not determine a constructor"):
            scaffolded.load()[1].resolve_all_asset_specs()
        assert not made.exists()


def test_a_resource_in_yaml_overrides_what_its_connector_says(scaffolded):
    text = BLOCKS["yaml"][0].replace("  name: helpdesk\n", "  name: helpdesk\n  accept_fewer: true\n")
    own = "    tickets: {accept_fewer: false, total_path: meta.total, cursor: {"
    scaffolded.put("helpdesk", text.replace("    tickets:\n      cursor: {", own) + "}\n")
    graph = scaffolded.load()[0].connector.graph
    assert [(one.accept_fewer, one.total_path) for one in graph.values()] == [(False, "meta.total"), (True, None)]


IN_TEXT = """
  settings:
    shop: {description: name of the shop}
    page_size: {type: integer, default: 100, choices: [50, 100]}
    since: {type: date, default: null}
  config:
    client:
      base_url: "https://{{ setting.shop }}.example.com/v1"
      headers: {X-Auth: "token {{ secret.token }} of {{setting.shop}}"}
    resource_defaults: {primary_key: id, write_disposition: merge}
    resources:
      - name: tickets
        endpoint:
          path: "/{{ setting.shop }}/tickets"
          params: {since: "{{ setting.since }}", per: "{{ setting.page_size }}", of: "{{ setting.shop | upper }}"}
          paginator: {type: offset, limit: "{{ setting.page_size }}", total_path: null}
"""
DECLARED = {
    "shop": Setting("shop", description="name of the shop"),
    "page_size": Setting("page_size", type=int, default=100, choices=[50, 100]),
    "since": Setting("since", type=date, default=None),
}


def test_settings_inside_text_and_their_types_are_the_same_in_yaml_and_python(scaffolded):
    text = "type: connectors_dagster.RestConnector\nattributes:\n  name: helpdesk\n  description: x" + IN_TEXT
    scaffolded.put("helpdesk", text)
    jsonschema.validate(yaml.safe_load(text)["attributes"], SCHEMA)
    connector = scaffolded.load()[0].connector
    shop, size = DECLARED["shop"], DECLARED["page_size"]
    assert connector.config["client"]["base_url"] == Text("https://", shop, ".example.com/v1")
    assert connector.config["client"]["headers"]["X-Auth"] == Text("token ", Secret("token"), " of ", shop)
    endpoint = connector.graph["tickets"].endpoint
    assert (endpoint["path"], endpoint["paginator"]["limit"]) == (Text("/", shop, "/tickets"), size)
    assert endpoint["params"]["of"].value({shop: "acme"}) == "ACME"
    assert {str(one): one.declaration for one in connector.settings if one != "token"} == {
        name: one.declaration for name, one in DECLARED.items()
    }


OPTIONS = """
  settings:
    regions: {type: list, default: [eu, us]}
  auth_choice:
    by: "{{ setting.method }}"
    options:
      key: {type: api_key, name: X-Key, api_key: "{{ secret.key }}"}
      none: {}
  responses: [{action: retry, statuses: [400], text: again}]
  retry: {wait_headers: [X-Reset]}
  config:
    client: {base_url: "https://example.com"}
    resource_defaults: {endpoint: {data_selector: data}}
    resources:
      - name: sales
        endpoint: {path: "/{each.region}/sales", incremental: {cursor_path: day, start_param: a, end_param: b}}
  resources:
    sales:
      base_url: "https://{{ setting.host }}.example.com"
      session_token:
        url: "https://{{ setting.host }}.example.com/login"
        json: {user: me, password: "{{ secret.password }}"}
        token_path: data.token
      key: row_hash
      missing_rows: delete
      missing_envelope: empty
      for_each: {region: "{{ setting.regions }}"}
      include_each: [region]
      next_page: {value: "{{ response.at + 1 }}", stop: "{{ last_page_size < 10 }}", param: at}
      record_filter: "{{ record.status != 'draft' }}"
      transformations:
        - add_fields: {region: "{{ each.region }}", total: {value: "{{ record.sums.total }}", type: float}}
        - remove_fields: [sums, [owner, mail]]
        - rename_fields: {at: day}
        - lower_names: true
      cursor: {request_step: P7D}
      responses: [{action: ignore, text: gone}, {action: fail, condition: "{{ response.code == 7 }}"}]
"""


def test_options_of_resources_are_the_same_in_yaml_and_python(scaffolded):
    text = "type: connectors_dagster.RestConnector\nattributes:\n  name: helpdesk\n  description: x" + OPTIONS
    scaffolded.put("helpdesk", text)
    jsonschema.validate(yaml.safe_load(text)["attributes"], SCHEMA)
    connector = scaffolded.load()[0].connector
    assert connector.resources["sales"] == ResourceOptions(
        base_url=Text("https://", Setting("host"), ".example.com"),
        session_token=SessionToken(
            url=Text("https://", Setting("host"), ".example.com/login"),
            json={"user": "me", "password": Secret("password")},
            token_path="data.token",
        ),
        key="row_hash",
        missing_rows="delete",
        missing_envelope="empty",
        for_each={"region": Setting("regions")},
        include_each=("region",),
        next_page=NextPage(value="{{ response.at + 1 }}", stop="{{ last_page_size < 10 }}", param="at"),
        record_filter="{{ record.status != 'draft' }}",
        transformations=(
            Transformation(
                add_fields={
                    "region": "{{ each.region }}",
                    "total": TypedValue(value="{{ record.sums.total }}", type="float"),
                }
            ),
            Transformation(remove_fields=("sums", ("owner", "mail"))),
            Transformation(rename_fields={"at": "day"}),
            Transformation(lower_names=True),
        ),
        cursor=Cursor(request_step="P7D"),
        responses=(
            ResponseRule(action="ignore", text="gone"),
            ResponseRule(action="fail", condition="{{ response.code == 7 }}"),
        ),
    )
    key = {"type": "api_key", "name": "X-Key", "api_key": Secret("key")}
    assert connector.auth_choice == AuthChoice(by=Setting("method"), options={"key": key, "none": {}})
    rule = ResponseRule(action="retry", statuses=frozenset({400}), text="again")
    assert (connector.responses, connector.retry) == ((rule,), Retry(wait_headers=("X-Reset",)))
    assert {str(one): one.default for one in connector.settings} == {
        "method": REQUIRED,
        "key": REQUIRED,
        "host": REQUIRED,
        "password": REQUIRED,
        "regions": ["eu", "us"],
    }
    scaffolded.put("helpdesk", text.replace("key: row_hash", "known_limitations: '{{ env.HOME }}'"))
    with pytest.raises(Exception, match="helpdesk") as caught:
        scaffolded.load()
    assert "are allowed here" in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (
            "page_size: {type",
            "pagesize: {type",
            "settings declares 'pagesize', which config does not use; did you mean",
        ),
        ("default: 100, ", "default: 70, ", "the default 70 is not one of the choices [50, 100]"),
        ("default: 100, ", "default: many, ", "'many' is not int, which the value must be"),
        ("shop: {", "shop: {default: null, ", "setting shop may have no value, but it is used where one is needed"),
    ],
)
def test_a_setting_that_is_declared_wrongly_is_refused_by_name(before, after, message, scaffolded):
    assert before in IN_TEXT
    text = "type: connectors_dagster.RestConnector\nattributes:\n  name: helpdesk\n  description: x" + IN_TEXT
    scaffolded.put("helpdesk", text.replace(before, after))
    with pytest.raises(Exception, match="helpdesk") as caught:
        scaffolded.load()
    assert message in "".join(traceback.format_exception(caught.value))


def test_text_that_looks_like_a_number_stays_text(scaffolded):
    params = 'params: {version: "2", day: "2024-01-01"}'
    scaffolded.put("helpdesk", BLOCKS["yaml"][0].replace("path: /tickets\n", f"path: /tickets\n          {params}\n"))
    params = scaffolded.load()[0].connector.graph["tickets"].endpoint["params"]
    assert params == {"version": "2", "day": "2024-01-01"}


def test_dg_finds_the_component_in_the_package():
    (entry,) = entry_points(group="dagster_dg_cli.registry_modules", name="connectors_dagster")
    module = entry.load()
    assert module is connectors_dagster
    assert module.RestConnector is RestConnector
    assert "RestConnector" in dir(module)


def test_importing_the_package_does_not_import_dagster():
    code = "import sys, connectors_dagster.connectors as c; c.load_connectors(); assert 'dagster' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_scaffolding_writes_a_connector_and_can_add_a_second_one(scaffolded):
    folder = scaffolded.folder / "my-api"
    folder.mkdir()
    scaffold(folder)
    assert scaffolded.load()[0].connector.name == "my_api"
    scaffold(folder, append=True)
    documents = list(yaml.safe_load_all((folder / "defs.yaml").read_text()))
    assert [document["attributes"]["name"] for document in documents] == ["my_api", "my_api"]


def scaffold(folder: Path, *, append: bool = False) -> None:
    request = dg.ScaffoldRequest(
        type_name="connectors_dagster.RestConnector",
        target_path=folder / "defs.yaml" if append else folder,
        scaffold_format="yaml",
        project_root=None,
        params=None,
        append=append,
    )
    RestConnectorScaffolder().scaffold(request)


def storefront_as(name: str) -> str:
    """The storefront in YAML under another name."""
    return in_yaml(load_connectors()["storefront"]).replace("name: storefront\n", f"name: {name}\n", 1)


def test_the_docs_connector_for_the_sandbox_loads_like_any_other(scaffolded, api, monkeypatch, materialize, warehouse):
    scaffolded.put("my_api", BLOCKS["yaml"][2])
    monkeypatch.setenv("SOURCES__MY_API__BASE_URL", api.environment["SOURCES__BILLING__BASE_URL"])
    monkeypatch.setenv("SOURCES__MY_API__TOKEN", api.environment["SOURCES__BILLING__API_KEY"])
    api.set("billing/products", [product("p1", "2024-01-05T00:00:00Z"), product("p2", "2024-02-05T00:00:00Z")])
    api.set("billing/customers", [customer("c1")])
    api.set("billing/customer_addresses", [address("a1", "c1")])
    assert not materialize("my_api", until=datetime(2024, 1, 2, tzinfo=UTC)).errors
    assert warehouse.ids("my_api.products") == ["p1"]
    assert warehouse.query("SELECT id, _customers_id FROM my_api.addresses") == [("a1", "c1")]


def test_a_scaffolded_connector_can_be_turned_off(scaffolded, monkeypatch):
    scaffolded.put("shop", storefront_as("shop"))
    assert "shop" in [connector.name for connector in enabled_connectors()]
    monkeypatch.setenv("CONNECTORS__ENABLED", "billing")
    assert {spec.group_name for spec in definitions.defs().resolve_all_asset_specs()} == {"billing"}


def test_a_connector_name_can_be_used_only_once(scaffolded):
    scaffolded.put("billing", storefront_as("billing"))
    location = load_location()
    (broken,) = location.broken
    assert str(broken).startswith("defs/billing/defs.yaml: billing: both in connectors/billing.py and in defs/billing")
    assert "billing" in [assets.connector.name for assets in location.enabled]
    assert definitions.defs()

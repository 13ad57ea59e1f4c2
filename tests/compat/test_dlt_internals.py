"""The parts of dlt that this project uses although they are not public: one test each, which fails on a change."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import dlt
import duckdb
import pyarrow as pa
import pytest
import requests
from dlt.common.configuration.providers import ConfigTomlProvider
from dlt.common.configuration.specs import RuntimeConfiguration
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.destination.exceptions import SchemaUpdateError
from dlt.common.schema import Schema
from dlt.destinations.exceptions import DatabaseException
from dlt.pipeline.exceptions import PipelineStepFailed
from dlt.sources.helpers.rest_client.client import RESTClient
from dlt.sources.helpers.rest_client.paginators import (
    HeaderLinkPaginator,
    JSONResponseCursorPaginator,
    OffsetPaginator,
    SinglePagePaginator,
)
from dlt.sources.rest_api.typing import RESTAPIConfig

from connectors_dagster.compat import dlt_internals as internals
from connectors_dagster.config.dlt_defaults import NAME, use_defaults
from tests.support.wire import reply

REQUEST = (
    "method path headers params json data paginator data_selector hooks client "
    "incremental_object incremental_param incremental_cursor_transform"
).split()
RESOURCES = [
    {"name": "orders", "endpoint": {"path": "/orders"}},
    {"name": "refunds", "endpoint": {"path": "/orders/{resources.orders.id}/refunds"}},
]


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (internals.build_resource_dependency_graph, ["resource_defaults", "resource_list"]),
        (internals.make_parent_key_name, ["resource_name", "field_name"]),
        (internals.create_auth, ["auth_config"]),
        (internals.create_paginator, ["paginator_config"]),
        (internals.create_response_hooks, ["response_actions"]),
        (internals.expand_placeholders, ["obj", "placeholders"]),
        (internals.paginate_dependent_resource, ["items", *REQUEST, "resolved_params", "include_from_parent"]),
        (internals.get_columns_names_with_prop, ["table", "column_prop"]),
        (internals.has_column_with_prop, ["table", "column_prop"]),
        (internals.validate_dict, ["spec", "doc", "path"]),
        (internals.retry_schema_update, []),
        (internals._parse_path, ["s"]),
        (internals.jsonpath.find_values, ["path", "data"]),
        (internals.extract_simple_field_name, ["path"]),
    ],
)
def test_a_function_accepts_exactly_the_arguments_passed_to_it(
    function: Callable[..., Any], parameters: list[str]
) -> None:
    signature = inspect.signature(function).parameters
    assert set(parameters) <= set(signature)
    assert {name for name, p in signature.items() if p.default is p.empty} <= set(parameters)


@pytest.mark.parametrize(
    "path",
    [
        *("data", "data.items", "a.b.c", "_id", "A1.b_2", "where", "a.where.b", "wherever.a", "parent.a"),
        *("a[*]", "a.*", "a[*].b", "a.*.b", "a[*].b[*].c", "a[*][*]", "a[*].where", "a.[*]", "a[*]b", "a.*b"),
    ],
)
def test_a_path_of_names_is_what_the_parser_makes_of_it(path):
    try:
        expected = internals._parse_path(path)
    except Exception as error:  # noqa: BLE001  # the parser raises errors of many kinds
        with pytest.raises(type(error)):
            internals.compile_path(path)
    else:
        assert internals.compile_path(path) == expected
        assert repr(internals.compile_path(path)) == repr(expected)


DOCUMENT = {"a": {"b": [{"c": 1}, {"c": None}], "n": None, "s": "text", "e": {}}, "l": [{"a": 1}], "": 2, "get": 3}


@pytest.mark.parametrize(
    "path",
    [
        "a",
        "a.b",
        "a.n",
        "a.s",
        "a.s.x",
        "a.n.x",
        "a.x",
        "x",
        "x.y",
        "l",
        "l.a",
        "a.e",
        "a.e.x",
        "get",
        "a.b.c",
        "a.get",
    ],
)
@pytest.mark.parametrize(
    "document",
    [DOCUMENT, [DOCUMENT], None, "text", 7, {}, MappingProxyType(DOCUMENT), {"a": MappingProxyType({"b": 1})}],
    ids=str,
)
def test_the_values_at_a_path_of_names_are_those_that_dlt_finds(path, document):
    assert internals.find_values(path, document) == internals.jsonpath.find_values(path, document)


@pytest.fixture
def request_(wire) -> Iterator[dict[str, Any]]:
    """The arguments of a request to a server."""
    with requests.Session() as session:
        client = RESTClient(base_url=wire.url, session=session, config=RuntimeConfiguration())
        unused = dict.fromkeys(REQUEST)
        yield {**unused, "method": "GET", "client": client, "params": {"a": 1}, "data_selector": "data"}


def test_the_graph_lists_parents_first_completes_resources_and_names_the_field_in_the_path():
    order, endpoints, parents = internals.build_resource_dependency_graph({"primary_key": "id"}, RESOURCES)
    assert list(order.static_order()) == ["orders", "refunds"]
    assert endpoints["orders"]["primary_key"] == "id"
    (param,) = parents["refunds"]
    assert param.resolve_config["resource"] == "orders"
    assert param.resolve_config["field"] == "id"
    assert parents["orders"] is None


def test_a_field_of_the_parent_is_named_after_the_parent():
    assert internals.make_parent_key_name("orders", "id") == "_orders_id"


def test_auth_of_the_configuration_signs_requests():
    prepared = requests.Request("GET", "http://127.0.0.1/").prepare()
    internals.create_auth({"type": "bearer", "token": "t"})(prepared)
    assert prepared.headers["Authorization"] == "Bearer t"
    assert internals.create_auth(None) is None


def test_a_paginator_of_the_configuration_is_one_of_dlts_classes():
    offset = internals.create_paginator({"type": "offset", "limit": 10, "total_path": None})
    assert isinstance(offset, OffsetPaginator)
    assert isinstance(internals.create_paginator("single_page"), SinglePagePaginator)
    assert internals.create_paginator(None) is None


@pytest.mark.parametrize("kind", [HeaderLinkPaginator, JSONResponseCursorPaginator])
def test_a_paginator_continues_while_its_next_reference_is_set(kind):
    paginator = kind()
    internals.set_next_reference(paginator, "next")
    assert (internals.next_reference(paginator), paginator.has_next_page) == ("next", True)
    internals.set_next_reference(paginator, None)
    assert (internals.next_reference(paginator), paginator.has_next_page) == (None, False)


@pytest.mark.parametrize("kind", [HeaderLinkPaginator, JSONResponseCursorPaginator, OffsetPaginator])
def test_a_paginator_continues_if_it_is_told_that_there_is_another_page(kind):
    paginator = kind(limit=10) if kind is OffsetPaginator else kind()
    for has_next in (False, True):
        internals.set_has_next(paginator, has_next)
        assert paginator.has_next_page is has_next


def test_dlts_paginators_report_what_they_find_as_the_next_reference(wire):
    wire.replies = [reply({"next": "abc"})]
    paginator = JSONResponseCursorPaginator(cursor_path="next")
    paginator.update_state(requests.get(wire.url, timeout=10), [{}])
    assert internals.next_reference(paginator) == "abc"


def test_a_child_is_requested_once_per_row_of_its_parent(wire, request_):
    wire.replies = [reply({"data": [{"id": 7}]})]
    _, endpoints, parents = internals.build_resource_dependency_graph({}, RESOURCES)
    arguments = request_ | {"path": endpoints["refunds"]["endpoint"]["path"], "paginator": SinglePagePaginator()}
    pages = internals.paginate_dependent_resource(
        items=[{"id": 1}, {"id": 2}], resolved_params=parents["refunds"], include_from_parent=[], **arguments
    )
    assert list(pages) == [[{"id": 7}], [{"id": 7}]]
    assert wire.paths == ["/orders/1/refunds?a=1", "/orders/2/refunds?a=1"]


def test_hooks_raise_the_exception_for_ignored_responses_through_the_session(wire):
    wire.replies = [reply({}, "404 Not Found")]
    hooks = internals.create_response_hooks([{"status_code": 404, "action": "ignore"}])
    assert [*hooks] == ["response"]
    with requests.Session() as session, pytest.raises(internals.IgnoreResponseException):
        session.get(wire.url, hooks=hooks)
    assert internals.create_response_hooks(None) is None


def test_a_configuration_with_an_unknown_word_fails_and_shows_where():
    config: Any = {"client": {"base_url": "http://127.0.0.1"}, "resources": [], "other": 1}
    with pytest.raises(internals.DltException, match="shop"):
        internals.validate_dict(RESTAPIConfig, config, path="shop")


def test_the_type_hints_of_a_configuration_are_found_once():
    config: Any = {"client": {"base_url": "https://example.com"}, "resources": ["things"]}
    internals.validate_dict(RESTAPIConfig, config, path="shop")
    before = internals._type_hints.cache_info()
    internals.validate_dict(RESTAPIConfig, config, path="shop")
    after = internals._type_hints.cache_info()
    assert (after.misses, after.hits > before.hits) == (before.misses, True)


def test_the_kinds_of_the_types_of_a_configuration_are_found_once():
    config: Any = {"client": {"base_url": "https://example.com"}, "resources": [{"name": "things"}]}
    internals.validate_dict(RESTAPIConfig, config, path="shop")
    questions = [vars(internals.validation)[name] for name in internals.KINDS_OF_TYPES]
    before = [one.cache_info() for one in questions]
    internals.validate_dict(RESTAPIConfig, config, path="shop")
    after = [one.cache_info() for one in questions]
    assert [one.misses for one in after] == [one.misses for one in before]
    assert sum(one.hits for one in after) > sum(one.hits for one in before)


def test_a_json_path_of_paginators_is_parsed_once():
    config: Any = {"type": "cursor", "cursor_path": "once.next"}
    first = internals.create_paginator(dict(config))
    before = internals.compile_path.cache_info()
    again = internals.create_paginator(dict(config))
    after = internals.compile_path.cache_info()
    assert (after.misses, after.hits > before.hits) == (before.misses, True)
    assert vars(first)["cursor_path"] is vars(again)["cursor_path"]


def test_the_error_of_a_value_with_several_types_has_the_errors_for_each_type():
    client: Any = {"base_url": "http://127.0.0.1", "paginator": {"type": "offst"}}
    config: Any = {"client": client, "resources": []}
    with pytest.raises(internals.DictValidationException) as caught:
        internals.validate_dict(RESTAPIConfig, config, path="shop")
    causes = [caught.value]
    for cause in causes:
        causes += cause.nested_exceptions or []
    assert len(causes) > 2
    assert any(cause.path == "shop/client/paginator" and "`type=offst` is not one of" in cause.msg for cause in causes)


@pytest.mark.parametrize("written", ["a = ", "[sources.shop"])
def test_a_file_of_the_configuration_that_is_not_toml_is_reported_by_name(tmp_path, written):
    (tmp_path / "config.toml").write_text(written)
    with pytest.raises(internals.TomlProviderReadException, match=r"config\.toml"):
        ConfigTomlProvider(settings_dir=str(tmp_path))


def test_an_unknown_destination_is_reported_when_it_is_referred_to():
    with pytest.raises(internals.UnknownDestinationModule, match="duckdbb"):
        internals.Destination.from_reference("duckdbb")


def test_values_are_found_by_path_and_a_path_of_a_single_field_is_recognized():
    compiled = internals.compile_path("a.*.b")
    assert compiled is internals.compile_path("a.*.b")  # it was parsed only once
    for path in (compiled, "a.*.b"):
        assert internals.find_values(path, {"a": [{"b": 1}, {"b": 2}]}) == [1, 2]
    assert internals.find_values("missing", {}) == []
    assert internals.extract_simple_field_name(internals.compile_path("updated_at")) == "updated_at"
    assert internals.extract_simple_field_name(internals.compile_path("meta.updated_at")) is None


def test_columns_are_found_by_their_hints():
    table = dlt.resource([], name="t", primary_key="id", columns={"id": {"data_type": "bigint"}}).compute_table_schema()
    assert internals.get_columns_names_with_prop(table, "primary_key") == ["id"]
    assert internals.has_column_with_prop(table, "primary_key")
    assert not internals.has_column_with_prop(table, "merge_key")


def test_dlt_turns_the_write_disposition_into_the_hint_of_a_deduplicated_load():
    merge: Any = {"disposition": "merge", "deduplicated": True}
    table = dlt.resource([], name="t", primary_key="id", write_disposition=merge).compute_table_schema()
    assert table[internals.DEDUPLICATED] is True


def test_dlt_turns_the_source_filter_of_a_disposition_into_its_hint_and_merges_only_rows_that_meet_it(tmp_path):
    merge: Any = {"disposition": "merge", "source_filter": "id > 1"}
    things = dlt.resource([{"id": 1}, {"id": 2}], name="things", primary_key="id", write_disposition=merge)
    assert things.compute_table_schema()[internals.SOURCE_FILTER] == "id > 1"
    file = str(tmp_path / "compat.db")
    destination = dlt.destinations.duckdb(file)
    pipeline = dlt.pipeline("compat", pipelines_dir=str(tmp_path), destination=destination, dataset_name="shop")
    pipeline.run(things)
    with duckdb.connect(file) as connection:
        assert connection.execute("SELECT id FROM shop.things").fetchall() == [(2,)]


def test_the_schema_of_a_package_can_be_changed_before_it_is_loaded(tmp_path):
    pipeline = dlt.pipeline("compat", pipelines_dir=str(tmp_path), destination="duckdb", dataset_name="compat")
    pipeline.extract([{"id": 1}], table_name="things", write_disposition="merge", primary_key="id")
    pipeline.normalize()
    (load_id,) = pipeline.list_normalized_load_packages()
    package = internals.normalized_packages(pipeline.get_load_package_info(load_id).package_path)
    schema = package.load_schema(load_id)
    assert schema.tables["things"]["write_disposition"] == "merge"
    schema.tables["things"]["write_disposition"] = "append"
    package.save_schema(load_id, schema)
    assert pipeline.load().load_packages[0].state == "loaded"
    jobs = pipeline.get_load_package_info(load_id).jobs["completed_jobs"]
    assert not any(job.file_path.endswith(".sql") for job in jobs)


def test_the_environment_overrides_defaults_and_the_first_defaults_remain(monkeypatch):
    for values in ({"compat_test": {"a": 1, "b": 1}}, {"compat_test": {"a": 2}}):
        internals.register_defaults("compat_test", values)
    monkeypatch.setenv("COMPAT_TEST__B", "3")
    assert (dlt.config.get("compat_test.a", int), dlt.config.get("compat_test.b", int)) == (1, 3)


def test_a_load_is_retried_only_when_another_load_created_the_tables_first():
    retry = internals.retry_schema_update()
    raised = PipelineStepFailed.__new__(PipelineStepFailed)
    raised.__context__ = SchemaUpdateError("shop", ["things"], ValueError())
    assert retry(raised)
    assert not retry(ValueError())


def test_all_errors_that_a_step_of_dlt_can_raise_share_one_base():
    assert issubclass(DatabaseException, internals.DltException)


def test_a_time_has_the_arrow_type_in_utc_that_dlt_expects():
    column: Any = {"name": "at", "data_type": "timestamp", "precision": 3}
    capabilities = DestinationCapabilitiesContext.generic_capabilities()
    assert internals.arrow_type(column, capabilities) == pa.timestamp("ms", tz="UTC")
    assert internals.arrow_type({"name": "n", "data_type": "bigint"}, capabilities) == pa.int64()


@pytest.fixture
def resolved(monkeypatch) -> list[dict[str, Any]]:
    """What a destination of DuckDB looks up in the configuration: how each time."""
    found: list[dict[str, Any]] = []
    resolve = dlt.destinations.duckdb.configuration

    def counted(self: Any, initial_config: Any, **options: Any) -> Any:
        if not (initial_config.credentials and initial_config.is_resolved()):
            found.append(options)
        return resolve(self, initial_config, **options)

    monkeypatch.setattr(dlt.destinations.duckdb, "configuration", counted)
    return found


def remembering(folder: Path) -> Any:
    destination = dlt.destinations.duckdb(str(folder / "warehouse.duckdb"))
    return internals.remember_configuration(internals.remember_capabilities(destination))


def test_a_destination_finds_out_once_how_it_is_configured_and_a_pipeline_uses_that(tmp_path, resolved):
    destination = remembering(tmp_path)
    pipeline = dlt.pipeline("once", pipelines_dir=str(tmp_path), destination=destination)
    pipeline.run([{"Id": 1}], table_name="things")
    without_naming, with_naming, with_all = 1, 1, 1
    assert resolved.count({"accept_partial": True}) == without_naming + with_naming
    assert resolved.count({}) == with_all
    with pipeline.sql_client() as client:
        assert client.execute_sql("SELECT id FROM things") == [(1,)]
    assert resolved.count({}) == with_all


def test_each_client_of_a_destination_has_a_connection_of_its_own(tmp_path):
    destination = remembering(tmp_path)
    pipeline = dlt.pipeline("own", pipelines_dir=str(tmp_path), destination=destination)
    pipeline.run([{"id": 1}], table_name="things")
    with pipeline.sql_client() as one, pipeline.sql_client() as other:
        assert one.credentials is not other.credentials
        assert one.credentials.conn_pool is not other.credentials.conn_pool
        with one.begin_transaction():
            one.execute_sql("DELETE FROM things")
            assert other.execute_sql("SELECT id FROM things") == [(1,)]


def test_a_default_with_another_value_counts_although_the_configuration_is_remembered(tmp_path):
    use_defaults()
    destination = remembering(tmp_path)
    pipeline = dlt.pipeline("limit", pipelines_dir=str(tmp_path), destination=destination)
    pipeline.run([{"id": 1}], table_name="things")

    def limit() -> Any:
        with pipeline.sql_client() as client:
            return client.execute_sql("SELECT current_setting('memory_limit')")[0][0]

    usual, sections = limit(), ("destination", "duckdb", "credentials", "global_config")
    assert usual != "200.0 MiB"
    with internals.other_default(NAME, "200MiB", "memory_limit", *sections):
        assert limit() == "200.0 MiB"
        with internals.other_default(NAME, "300MiB", "memory_limit", *sections):
            assert limit() == "300.0 MiB"
        assert limit() == "200.0 MiB"
    assert limit() == usual


def test_what_dlt_changes_in_capabilities_is_not_remembered(tmp_path):
    destination = remembering(tmp_path)
    destination.capabilities().preferred_loader_file_format = "csv"
    assert destination.capabilities().preferred_loader_file_format == "insert_values"


def test_a_schema_is_stored_after_the_others_and_only_if_the_transaction_succeeds(tmp_path):
    destination = dlt.destinations.duckdb(str(tmp_path / "warehouse.duckdb"))
    pipeline = dlt.pipeline("shop", pipelines_dir=str(tmp_path), destination=destination)
    pipeline.run([{"id": 1}], table_name="things")
    before, changed = pipeline.default_schema.version_hash, pipeline.default_schema.clone().to_dict()
    changed["tables"]["things"]["columns"]["added"] = {"name": "added", "data_type": "bool"}
    newer = Schema.from_dict(changed)
    client: Any
    with pipeline.destination_client() as client:
        with suppress(InterruptedError), client.sql_client.begin_transaction():
            internals.store_schema(client, newer)
            raise InterruptedError
        assert client.get_stored_schema("shop").version_hash == before
        with client.sql_client.begin_transaction():
            internals.store_schema(client, newer)
        assert client.get_stored_schema("shop").version_hash == newer.version_hash

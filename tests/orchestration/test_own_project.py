"""In your own Dagster project, prefix, translation and selection apply to assets, schedule, checks and lineage."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from connectors_dagster import Api, Connector, Resource, build_definitions, load_connectors
from connectors_dagster.orchestration import clock, runs
from tests.support.rows import address, customer, order

BILLING, STOREFRONT = load_connectors()["billing"], load_connectors()["storefront"]
NOON = datetime(2024, 4, 10, 12, tzinfo=UTC)
WINDOWS = [FIRST, SECOND, THIRD, OPEN] = ["2024-01-01", "2024-01-31", "2024-03-01", "2024-03-31"]


def sales(spec: dg.AssetSpec, asset: Resource | Api) -> dg.AssetSpec:
    """A translation that changes almost everything."""
    changed = spec.replace_attributes(
        key=dg.AssetKey(["sales", f"{asset.name}_raw"]),
        group_name="sales",
        description=f"{asset.name} of the shop",
        owners=["team:sales"],
        kinds={"shop"},
    )
    return changed.merge_attributes(tags={"tier": "one"}, metadata={"runbook": "https://wiki.example/sales"})


class Project:
    """The definitions of a project, with the actions of Dagster's daemon and of people."""

    def __init__(self, instance: dg.DagsterInstance, definitions: dg.Definitions) -> None:
        dg.Definitions.validate_loadable(definitions)
        self.instance, self.definitions = instance, definitions

    @property
    def specs(self) -> dict[str, dg.AssetSpec]:
        return {spec.key.to_user_string(): spec for spec in self.definitions.resolve_all_asset_specs()}

    def upstream(self, key: str) -> set[str]:
        return {dep.asset_key.to_user_string() for dep in self.specs[key].deps}

    def tick(self, schedule: str) -> list[dg.RunRequest]:
        """Evaluate a schedule as the daemon does."""
        found, repository = self.definitions.resolve_schedule_def(schedule), self.definitions.get_repository_def()
        with dg.build_schedule_context(instance=self.instance, repository_def=repository) as context:
            return list(found.evaluate_tick(context).run_requests or ())

    def execute(self, job: str, request: dg.RunRequest) -> None:
        """Execute a request of a schedule."""
        self.definitions.resolve_job_def(job).execute_in_process(
            run_config={**runs.QUIET, **request.run_config},
            instance=self.instance,
            asset_selection=request.asset_selection,
            tags=request.tags,
        )

    def check(self, key: str) -> dict[str, bool]:
        """Run all checks of an asset."""
        wanted = dg.AssetSelection.checks_for_assets(dg.AssetKey(key.split("/")))
        job = dg.define_asset_job("only_checks", wanted)
        definitions = dg.Definitions.merge(self.definitions, dg.Definitions(jobs=[job]))
        result = definitions.resolve_job_def("only_checks").execute_in_process(
            run_config=runs.QUIET, instance=self.instance
        )
        return {e.check_name: e.passed for e in result.get_asset_check_evaluations()}


@pytest.fixture
def build(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Project]:
    """Build a project with one connector at a fixed time."""
    monkeypatch.setattr(clock, "now", lambda: NOON)

    def build_(connector: Connector, **options: Any) -> Project:
        return Project(instance, build_definitions(connector, **options))

    return build_


def about(requests: list[dg.RunRequest]) -> list[tuple[list[str], list[str]]]:
    """The assets and windows of runs."""
    return [
        (
            sorted(key.to_user_string() for key in request.asset_selection or ()),
            [w for w in WINDOWS if request.tags.get(runs.RANGE_START, "9") <= w <= request.tags[runs.RANGE_END]],
        )
        for request in requests
    ]


PREFIXED = {"key_prefix": ["acme", "eu"]}
TRANSLATED = {"translation": sales}
BOTH = {"key_prefix": "acme", "translation": sales}
KEYS = [
    pytest.param(PREFIXED, "acme/eu/{connector}/{name}", "acme_eu_", id="prefix"),
    pytest.param(TRANSLATED, "sales/{name}_raw", "", id="translation"),
    pytest.param(BOTH, "acme/sales/{name}_raw", "acme_", id="both"),
]


@pytest.mark.parametrize(("options", "pattern", "_"), KEYS)
def test_every_key_has_the_prefix_and_the_translation_and_the_lineage_follows(build, options, pattern, _):
    project = build(BILLING, **options)
    keys = {name: pattern.format(connector="billing", name=name) for name in ("api", *BILLING.graph)}
    assert set(project.specs) == set(keys.values())
    assert project.upstream(keys["customer_addresses"]) == {keys["customers"]}
    assert project.upstream(keys["products"]) == {keys["api"]}
    lineage = project.specs[keys["customer_addresses"]].metadata["dagster/column_lineage"]
    origins = {d.asset_key.to_user_string() for deps in lineage.deps_by_column.values() for d in deps}
    assert origins == {keys["customers"]}


@pytest.mark.journey
@pytest.mark.parametrize(("options", "pattern", "prefix"), KEYS[-1:])  # what differs most; it takes long
def test_the_schedule_resumes_windows_under_changed_keys(api, warehouse, build, monkeypatch, options, pattern, prefix):
    orders, lines, coupons, customers = (
        pattern.format(connector="storefront", name=name) for name in ("orders", "order_lines", "coupons", "customers")
    )
    project = build(STOREFRONT, **options)
    api.set("storefront/orders", [order(1, "2024-01-05T00:00:00"), order(2, "2024-04-10T11:00:00")])
    first = project.tick(f"refresh_{prefix}storefront")
    assert about(first) == [([coupons, lines, orders], WINDOWS), ([customers], [])]
    for request in first:
        project.execute(f"{prefix}storefront", request)
    assert warehouse.ids("storefront.orders") == [1, 2]
    later = NOON + timedelta(hours=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    second = project.tick(f"refresh_{prefix}storefront")
    assert about(second) == [([coupons, lines, orders], [OPEN]), ([customers], [])]
    project.execute(f"{prefix}storefront", second[0])
    assert api.asked("/orders")[-1]["modified_after"] == "2024-04-10T11:49:59", "resumed at the last settled time"


@pytest.mark.parametrize(("options", "pattern", "prefix"), KEYS[-1:])  # what differs most; it takes long
def test_checks_use_changed_keys(api, build, options, pattern, prefix):
    orders = pattern.format(connector="storefront", name="orders")
    project = build(STOREFRONT, select=["orders"], **options)
    api.set("storefront/orders", [order(1, "2024-01-05T00:00:00")])
    (request,) = project.tick(f"refresh_{prefix}storefront")
    project.execute(f"{prefix}storefront", request)
    assert project.check(orders) == dict.fromkeys(
        ["key", "columns", "source_count", "cursor_in_windows", "complete_is_read"], True
    )


def test_windows_running_under_a_prefix_are_not_requested_again(build, instance):
    project = build(STOREFRONT, key_prefix="acme")
    keys = [dg.AssetKey(["acme", "storefront", "customers"])]
    job = project.definitions.resolve_job_def("acme_storefront").get_subset(asset_selection=set(keys))
    instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    assert [assets for assets, _ in about(project.tick("refresh_acme_storefront"))] == [
        ["acme/storefront/coupons", "acme/storefront/order_lines", "acme/storefront/orders"]
    ]


def test_the_sensor_reports_open_windows_under_the_changed_key_of_the_api(build, instance):
    project = build(STOREFRONT, key_prefix="acme", translation=sales)
    sensor = project.definitions.resolve_sensor_def("open_windows_acme_storefront")
    result = sensor(dg.build_sensor_context(instance=instance))
    assert [event.asset_key.to_user_string() for event in result.asset_events] == ["acme/sales/api_raw"]


def test_a_translation_changes_group_description_owners_kinds_tags_and_metadata_and_keeps_the_rest(build):
    plain = build(STOREFRONT).specs["storefront/orders"]
    spec = build(STOREFRONT, translation=sales).specs["sales/orders_raw"]
    assert (spec.group_name, spec.description, spec.owners) == ("sales", "orders of the shop", ["team:sales"])
    assert spec.kinds == {"shop"}
    assert spec.tags.items() >= {"tier": "one", "connector": "storefront"}.items()
    assert spec.metadata["runbook"] == "https://wiki.example/sales"
    assert spec.metadata["dagster/column_schema"] == plain.metadata["dagster/column_schema"]
    assert (spec.partitions_def, spec.freshness_policy) == (plain.partitions_def, plain.freshness_policy)


def test_a_materialization_shows_the_table_name_set_by_the_translation(api, build, instance):
    def elsewhere(spec: dg.AssetSpec, asset: Resource | Api) -> dg.AssetSpec:
        return spec.merge_attributes(metadata={"dagster/table_name": f"lake.shop.{asset.name}"})

    project = build(STOREFRONT, select=["customers"], translation=elsewhere)
    api.set("storefront/customers", [{"id": 1}])
    (request,) = project.tick("refresh_storefront")
    project.execute("storefront", request)
    event = instance.get_latest_materialization_event(dg.AssetKey(["storefront", "customers"]))
    assert event.asset_materialization.metadata["dagster/table_name"].value == "lake.shop.customers"


def test_dependencies_that_a_translation_adds_are_kept(build):
    def after_the_export(spec: dg.AssetSpec, asset: Resource | Api) -> dg.AssetSpec:
        export = dg.AssetDep(["erp", "export"])
        return spec if isinstance(asset, Api) else spec.replace_attributes(deps=[*spec.deps, export])

    project = build(STOREFRONT, key_prefix="acme", translation=after_the_export)
    assert project.upstream("acme/storefront/orders") == {"acme/storefront/api", "erp/export"}


def test_a_translation_that_gives_two_assets_the_same_key_fails_with_their_names(build):
    with pytest.raises(
        ValueError, match=r"storefront: the translation gives 'coupons' and 'orders' the same asset key"
    ):
        build(
            STOREFRONT,
            translation=lambda spec, asset: (
                spec.replace_attributes(key=dg.AssetKey("sold")) if asset.name in {"orders", "coupons"} else spec
            ),
        )


def test_a_translation_that_returns_nothing_fails_with_the_name_of_the_asset(build):
    with pytest.raises(ValueError, match=r"storefront/api: the translation returned None; it must return an AssetSpec"):
        build(STOREFRONT, translation=lambda *_: None)


def test_the_same_connector_can_be_built_under_two_prefixes_in_one_project(instance, api, warehouse):
    twice = dg.Definitions.merge(
        *(build_definitions(STOREFRONT, key_prefix=place, select=["customers"]) for place in ("eu-west", "us"))
    )
    project = Project(instance, twice)
    assert {job.name for job in twice.jobs or ()} == {"eu_west_storefront", "us_storefront"}
    families = [asset for asset in twice.assets or () if isinstance(asset, dg.AssetsDefinition)]
    assert {family.op.name for family in families} == {"eu_west_storefront__customers", "us_storefront__customers"}
    assert len({family.op.pool for family in families}) == 1, "both load the same table, so one waits for the other"
    api.set("storefront/customers", [{"id": 1}])
    for name in ("eu_west_storefront", "us_storefront"):
        (request,) = project.tick(f"refresh_{name}")
        project.execute(name, request)
    assert warehouse.ids("storefront.customers") == [1]


def test_only_selected_resources_are_assets_with_their_checks_and_in_the_schedule(build):
    project = build(STOREFRONT, select=["customers"])
    assert set(project.specs) == {"storefront/api", "storefront/customers"}
    assert about(project.tick("refresh_storefront")) == [(["storefront/customers"], [])]
    checked = {
        key.asset_key.to_user_string() for check in project.definitions.asset_checks or () for key in check.check_keys
    }
    assert checked == {"storefront/customers"}
    assert project.definitions.sensors == [], "what has no windows needs no sensor that opens them"


def test_a_child_can_be_loaded_without_loading_its_parent(api, build, warehouse):
    project = build(BILLING, select=["customer_addresses"])
    assert project.upstream("billing/customer_addresses") == {"billing/api"}
    api.set("billing/customers", [customer("c1")])
    api.set("billing/customer_addresses", [address("a1", "c1")])
    (request,) = project.tick("refresh_billing")
    project.execute("billing", request)
    assert warehouse.ids("billing.customer_addresses") == ["a1"]
    assert "billing.customers" not in warehouse.tables()
    assert project.check("billing/customer_addresses")["key"]


def test_configuration_overrides_the_selected_resources(build, monkeypatch):
    monkeypatch.setenv("SOURCES__STOREFRONT__RESOURCES", "orders, coupons")
    assert set(build(STOREFRONT, select=["customers"]).specs) == {
        "storefront/api",
        "storefront/orders",
        "storefront/coupons",
    }


def test_a_resource_with_selected_false_is_left_out_unless_it_is_named(build):
    resources = [
        {**resource, "selected": resource["name"] == "customers"} for resource in STOREFRONT.config["resources"]
    ]
    connector = replace(STOREFRONT, config={**STOREFRONT.config, "resources": resources})
    assert set(build(connector).specs) == {"storefront/api", "storefront/customers"}
    assert "storefront/orders" in build(connector, select="orders").specs


def test_an_unknown_resource_fails_with_its_name_and_a_suggestion(build, monkeypatch):
    with pytest.raises(ValueError, match=r"storefront: select names 'order', which is not .*; did you mean 'orders'\?"):
        build(STOREFRONT, select=["order"])
    with pytest.raises(ValueError, match="storefront: select is empty; leave it out"):
        build(STOREFRONT, select=[])
    monkeypatch.setenv("SOURCES__STOREFRONT__RESOURCES", "refunds")
    with pytest.raises(ValueError, match=r"SOURCES__STOREFRONT__RESOURCES names 'refunds', .* there are customers"):
        build(STOREFRONT)

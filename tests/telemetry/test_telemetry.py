"""What is exported over OpenTelemetry, by loads in processes of their own that read over HTTP and load into DuckDB."""

import json
import os
import re
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest
import yaml
from opentelemetry import metrics, trace
from starlette.responses import JSONResponse

from connectors_dagster.cli.sandbox_process import free_port
from connectors_dagster.telemetry import exporting, instruments
from tests.support.collector import Collector, labels
from tests.support.leaks import leaks
from tests.support.processes import Job, Trap, run_at_once
from tests.support.rows import order

WINDOWS = ["2024-01-01", "2024-01-31"]
ORDERS = [order(number, f"2024-01-{number + 1:02}T00:00:00", note="customer 4711") for number in range(1, 26)]
ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "deploy" / "telemetry" / "dashboard.json"
PAGE = ROOT / "docs" / "monitoring.md"
METRICS = [
    *instruments.COUNTS.values(),
    *(instruments.REQUEST, instruments.PHASE, instruments.LAG, instruments.FETCHED_UNTIL),
]


@pytest.fixture
def collector(monkeypatch):
    with Collector().served() as collector:
        for name, value in collector.environment.items():
            monkeypatch.setenv(name, value)
        yield collector


def only(collector, metric, **wanted):
    """The value of the only point of a metric that has these labels."""
    [value] = [value for found, value in collector.points[metric] if wanted.items() <= found.items()]
    return value


def test_a_load_exports_its_counts_phases_and_windows_at_its_end(api, collector):
    api.set("storefront/orders", ORDERS)
    api.answer("/orders", 503, times=1, headers={"Retry-After": "0"})
    assert run_at_once(Job(["storefront/orders"], WINDOWS)) == [{"orders": 25}]
    of = {"connector": "storefront", "resource": "orders"}
    assert only(collector, "connectors.rows", **of) == 25
    assert only(collector, "connectors.retries", **of) == 1
    assert only(collector, "connectors.requests", **of) == len(api.requests)
    assert only(collector, "connectors.response.size", **of) > 25 * len("customer 4711")
    assert only(collector, "connectors.wait.time", **of) >= 0
    assert only(collector, "connectors.window.lag", **of, window=WINDOWS[0]) == 0
    phases = {found["phase"] for found, _ in collector.points["connectors.phase.duration"]}
    assert phases == {"total", "schema", "extract", "read", "convert", "normalize", "load"}
    statuses = {found["http.response.status_code"] for found, _ in collector.points["http.client.request.duration"]}
    assert statuses == {200, 503}


@pytest.mark.journey
def test_requests_belong_to_the_trace_of_their_load_and_name_no_url(api, collector):
    api.set("storefront/orders", ORDERS)
    run_at_once(Job(["storefront/orders"], WINDOWS))
    assert len({span.trace_id for span in collector.spans}) == 1
    [read] = [span for span in collector.spans if span.name == "read"]
    requests = [span for span in collector.spans if span.name == "GET"]
    assert len(requests) == len(api.requests)
    assert {span.parent_span_id for span in requests} == {read.span_id}
    assert {tuple(sorted(labels(span))) for span in requests} == {
        ("connector", "http.request.method", "http.response.status_code", "resource")
    }


@pytest.mark.journey
def test_the_lag_of_a_window_that_failed_grows_and_that_of_an_open_one_is_what_may_still_change(api, collector):
    # The windows of the sandbox's end, 2026-11-01: one ends before it, the last is open.
    api.faults.append(
        lambda request: (
            JSONResponse({"message": "no"}, 400)
            if request.query_params.get("modified_after", "").startswith("2026-09")
            else None
        )
    )
    with pytest.raises(Exception, match="2026-09"):
        run_at_once(Job(["storefront/orders"], ["2026-09-17", "2026-10-17"]))
    lags = {found["window"]: value for found, value in collector.points["connectors.window.lag"]}
    assert lags["2026-09-17"] == 30 * 86_400
    assert 0 < lags["2026-10-17"] < 86_400


def test_no_secret_or_value_of_a_row_is_exported(api, collector, waits):
    api.answer("/resource", 401, {"error": f"wrong key {api.secrets} of customer 4711"})
    with pytest.raises(Exception, match="401"):
        run_at_once(Job(["catalog/ecommerce_data"]))
    api.set("storefront/orders", ORDERS)
    run_at_once(Job(["storefront/orders"], WINDOWS))
    kept = "".join(body.decode("latin-1") for _, body in collector.bodies)
    assert "ecommerce_data" in kept and "ApiError" in kept
    assert leaks(kept, [*api.secrets, "customer 4711", "127.0.0.1", "http://"]) == []


@pytest.mark.journey
def test_processes_send_what_a_collector_can_add_up(api, collector, monkeypatch):
    for line in re.findall(r"\$ export (OTEL\w+(?:PREFERENCE|ATTRIBUTES)=\S+)", PAGE.read_text(encoding="utf-8")):
        monkeypatch.setenv(*line.split("=", 1))
    api.set("storefront/orders", ORDERS)
    for _ in range(2):
        run_at_once(Job(["storefront/orders"], WINDOWS))
        assert only(collector, "connectors.rows", resource="orders") == 25
    assert len(collector.sources) == 1


@pytest.mark.journey
def test_prometheus_reads_the_metrics_of_a_running_process(api, project, monkeypatch):
    port, page = free_port(), project / "page"
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "prometheus")
    monkeypatch.setenv("OTEL_EXPORTER_PROMETHEUS_PORT", str(port))
    api.set("storefront/orders", ORDERS)
    monkeypatch.setenv("PAGE", f"{port} {page}")
    run_at_once(Job(["storefront/orders"], WINDOWS, trap=Trap("connectors_dagster.load.measured:flush", scrape)))
    names = set(re.findall(r"^# TYPE (\w+)", page.read_text(), re.MULTILINE))
    assert 'connectors_rows_total{connector="storefront"' in page.read_text()
    assert names_of_metrics() <= names


def scrape() -> None:
    """Keep the page that Prometheus would read."""
    port, page = os.environ["PAGE"].split(" ")
    Path(page).write_bytes(urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read())


def names_of_metrics() -> set[str]:
    """The names of all metrics in Prometheus: with units, and `_total` for a counter."""
    units = {"s": "_seconds", "By": "_bytes"}
    return {
        metric.name.replace(".", "_") + units.get(metric.unit, "") + "_total" * (metric in METRICS[:5])
        for metric in METRICS
    }


def test_the_page_lists_every_metric_with_its_unit():
    rows = re.findall(r"^\| `([a-z._]+)` \| ([^|]*) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [(metric.name, metric.unit) for metric in METRICS]


def test_the_dashboard_shows_every_metric_and_no_other():
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    used = set(re.findall(r"\b(?:connectors|http_client)_\w+", " ".join(queries)))
    assert {re.sub("_(bucket|sum|count)$", "", name) for name in used} == names_of_metrics()


def test_every_part_of_the_collectors_pipelines_is_configured():
    collector = yaml.safe_load((DASHBOARD.parent / "collector.yaml").read_text(encoding="utf-8"))
    for pipeline in collector["service"]["pipelines"].values():
        assert all(set(used) <= set(collector[kind]) for kind, used in pipeline.items())


@pytest.mark.journey
def test_a_collector_that_is_gone_and_a_port_in_use_fail_no_load(api, collector, monkeypatch):
    api.set("storefront/orders", ORDERS)
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "prometheus")
    monkeypatch.setenv("OTEL_EXPORTER_PROMETHEUS_PORT", str(api.port))
    assert run_at_once(Job(["storefront/orders"], WINDOWS)) == [{"orders": 25}]
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "otlp")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    assert run_at_once(Job(["storefront/orders"], WINDOWS)) == [{"orders": 25}]
    assert collector.bodies == []


def test_a_receiver_that_never_answers_holds_up_a_load_for_a_moment_and_is_named(monkeypatch, caplog):
    answered = threading.Event()

    class Silent:
        def force_flush(self, **_: int) -> bool:
            return answered.wait(2)

    for module, name in ((trace, "get_tracer_provider"), (metrics, "get_meter_provider")):
        monkeypatch.setattr(module, name, Silent)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://key:hidden-word@127.0.0.1:9/otlp?key=hidden-word")
    monkeypatch.setattr(exporting, "FLUSH_MILLIS", 10)
    exporting.start.cache_clear()
    exporting.flush()
    exporting.start.cache_clear()
    assert not answered.is_set() and "OpenTelemetry: 127.0.0.1:9 has not taken" in caplog.text
    assert "hidden-word" not in caplog.text
    answered.set()


NOTHING = """
import os, sys
from tests.support.processes import Job
Job(["storefront/orders"], ["2024-01-01"]).run()
sys.exit(any(name.partition(".")[0] in {"opentelemetry", "prometheus_client"} for name in sys.modules))
"""


@pytest.mark.journey
def test_nothing_is_imported_unless_something_is_configured(api):
    api.set("storefront/orders", ORDERS)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OTEL_SERVICE_NAME": "shops"}
    assert subprocess.run([sys.executable, "-c", NOTHING], env=environment, timeout=60).returncode == 0


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "shops"}, False),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": ""}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_SDK_DISABLED": "TRUE"}, False),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c"}, True),
        ({"OTEL_METRICS_EXPORTER": "prometheus"}, True),
    ],
)
def test_only_exporters_and_endpoints_ask_for_telemetry(monkeypatch, environment, wanted):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert exporting.is_wanted() is wanted


def test_the_extra_is_named_if_it_is_missing(monkeypatch, caplog):
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "prometheus")
    monkeypatch.setattr(exporting, "find_spec", lambda _: None)
    assert exporting.start.__wrapped__() is False
    assert "connectors_dagster[telemetry]" in caplog.text

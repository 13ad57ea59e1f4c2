import os
import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg
import pytest

from connectors_dagster import Resource, load_connectors
from connectors_dagster.config.settings import environment_name
from connectors_dagster.definitions import defs
from connectors_dagster.http.read_stats import ReadStats
from connectors_dagster.load.pipeline import Load, loading
from connectors_dagster.load.request import LoadRequest
from connectors_dagster.orchestration import location, runs
from connectors_dagster.orchestration.assets import build_assets
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.orchestration.instance import open_instance
from connectors_dagster.orchestration.location import load_location
from connectors_dagster.orchestration.partitions import open_windows
from connectors_dagster.orchestration.selection import select
from connectors_dagster.read import connection
from connectors_dagster.read.reader import ResourceReader
from connectors_dagster.rows.raw_json import decode_row
from connectors_dagster.secrets import redaction
from connectors_dagster.spec.windows import Slice, WindowGrid
from tests.support.api import Api
from tests.support.bucket import Bucket
from tests.support.bucket import serving as bucket_server
from tests.support.documented import Documented
from tests.support.installed import required
from tests.support.postgres import Postgres, cluster, find_programs
from tests.support.rows import NOW
from tests.support.scaffolded import Scaffolded
from tests.support.shop import settings
from tests.support.warehouse import DuckLake, Lake, Tables, Warehouse
from tests.support.wire import Wire, reply

Row = dict[str, Any]
DESTINATIONS = ("duckdb", "postgres", "ducklake", "delta", "iceberg")


def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are processors: tests wait for the processes that they start."""
    return (os.cpu_count() or 1) + 1


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the tests that load rows be run for any destination."""
    parser.addoption("--destination", default="duckdb", choices=DESTINATIONS, help="what the tests load into")
    parser.addoption("--bucket", action="store_true", help="whether a lake is in a bucket of a made-up S3")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the file that takes longest, because one process plays it alone."""
    destination = config.getoption("destination")
    for item in items:
        only = item.get_closest_marker("only_in")
        if only and destination not in only.args:
            item.add_marker(pytest.mark.skip(f"only for {', '.join(only.args)}"))
    items.sort(key=lambda item: not item.nodeid.startswith("tests/soak/"))


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project folder with its own instance and warehouse, and no settings of this machine."""
    for name in list(os.environ):
        if name.startswith(("SOURCES__", "DESTINATION__", "CONNECTORS__", "DAGSTER_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / ".dagster"))
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(tmp_path / "warehouse.duckdb"))
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    return tmp_path


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remember no secret from before, and forget after a test what it has remembered."""
    monkeypatch.setattr(redaction, "_secrets", frozenset())
    monkeypatch.setattr(redaction, "_wanted", redaction.Wanted())


@pytest.fixture
def warehouse(request: pytest.FixtureRequest, project: Path, monkeypatch: pytest.MonkeyPatch) -> Tables:
    """The tables at the destination that `--destination` names, which the settings point to."""
    destination = request.config.getoption("destination")
    if destination == "postgres":
        return request.getfixturevalue("postgres")
    if destination == "ducklake":
        monkeypatch.setenv("CONNECTORS__DESTINATION", destination)
        monkeypatch.setenv("DESTINATION__DUCKLAKE__CREDENTIALS__CATALOG", f"duckdb:///{project}/lake.duckdb")
        return DuckLake(project / "lake.duckdb")
    if destination in ("delta", "iceberg"):
        monkeypatch.setenv("CONNECTORS__DESTINATION", "filesystem")
        monkeypatch.setenv("CONNECTORS__TABLE_FORMAT", destination)
        if request.config.getoption("bucket"):
            return request.getfixturevalue("bucket")
        monkeypatch.setenv("DESTINATION__FILESYSTEM__BUCKET_URL", (project / "lake").as_uri())
        return Lake(project / "lake")
    return Warehouse(project / "warehouse.duckdb")


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The address of a made-up S3."""
    with bucket_server() as address:
        yield address


@pytest.fixture
def bucket(s3: str, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """An empty bucket, which the settings point to."""
    made = Bucket(f"lake-{uuid4().hex}", s3)
    made.make()
    for name, value in made.settings.items():
        monkeypatch.setenv(name, value)
    return made


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """An empty API of all five dialects; the settings point to it."""
    with Api().served() as api:
        for name, value in api.environment.items():
            monkeypatch.setenv(name, value)
        yield api


@pytest.fixture
def wire() -> Iterator[Wire]:
    """A server below HTTP; no settings point to it."""
    with Wire().served() as wire:
        yield wire


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrusted certificate for 127.0.0.1, with its key in the same file."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: no certificate to test with")
    file = tmp_path_factory.mktemp("tls") / "certificate.pem"
    subject = ["-subj", "/CN=shop", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    kind = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"]
    subprocess.run(
        [*kind, *subject, "-keyout", file, "-out", file.with_suffix(".crt")], check=True, capture_output=True
    )
    file.write_text(file.read_text() + file.with_suffix(".crt").read_text())
    return file


@pytest.fixture
def tls_wire(certificate: Path) -> Iterator[Wire]:
    """A server below HTTP and behind TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with Wire(tls=context).served() as wire:
        yield wire


@pytest.fixture
def shop(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> Wire:
    """The API of `things`."""
    for name, value in settings(wire.url).items():
        monkeypatch.setenv(name, value)
    return wire


@pytest.fixture
def tls_shop(tls_wire: Wire, monkeypatch: pytest.MonkeyPatch) -> Wire:
    """The API of `things` behind TLS, with one row."""
    for name, value in settings(tls_wire.url).items():
        monkeypatch.setenv(name, value)
    tls_wire.replies = [reply({"data": [{"id": "1"}]})]
    return tls_wire


@pytest.fixture
def elsewhere() -> Iterator[Wire]:
    """Another server, which must never receive a request."""
    with Wire([reply({"data": [{"id": "stolen"}]})]).served() as elsewhere:
        yield elsewhere


@pytest.fixture(scope="session")
def documented() -> Iterator[Documented]:
    """A server that responds as documented in tests/facts; no settings point to it."""
    with Documented().served() as documented:
        yield documented


@pytest.fixture
def vendor(documented: Documented, monkeypatch: pytest.MonkeyPatch) -> Documented:
    """A server that responds as documented in tests/facts, which the settings of all connectors point to."""
    for connector in load_connectors().values():
        for setting, value in documented.settings(connector).items():
            monkeypatch.setenv(environment_name(connector, setting), value)
    return documented


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits between retries, in seconds; no time passes."""
    waits: list[float] = []
    monkeypatch.setattr(connection, "pause", waits.append)
    return waits


@pytest.fixture
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests time out after a moment."""
    monkeypatch.setattr(connection, "RequestPolicy", partial(connection.RequestPolicy, timeout=(0.3, 0.3)))


@pytest.fixture(scope="session")
def postgres_port() -> Iterator[int]:
    """The port of a Postgres cluster for the tests; without Postgres they are skipped, but never in CI."""
    with cluster(required(find_programs(), what="Postgres", target="postgres")) as port:
        yield port


@pytest.fixture
def postgres(postgres_port: int, monkeypatch: pytest.MonkeyPatch) -> Postgres:
    """An empty Postgres database, which the settings point to."""
    database = Postgres(postgres_port, f"test_{uuid4().hex[:12]}")
    database.create()
    monkeypatch.setenv("CONNECTORS__DESTINATION", "postgres")
    monkeypatch.setenv("DESTINATION__POSTGRES__CREDENTIALS", database.url)
    return database


Loader = Callable[..., dict[str, Load]]


@pytest.fixture
def load() -> Loader:
    """Load without Dagster: ``load("storefront/orders", windows=["2024-01-01"])``; returns the stats by resource."""

    def load_(
        *selection: str,
        windows: list[str] | None = None,
        now: datetime = NOW,
        start: str = "2024-01-01",
        step: str = "P30D",
    ) -> dict[str, object]:
        connectors = load_connectors()
        resources = [connectors[name.partition("/")[0]].graph[name.partition("/")[2]] for name in selection]
        grid = WindowGrid(step, start)
        request = LoadRequest(now=now, resources=resources)
        if resources[0].windowed:
            opened = grid.opened(now)
            wanted = [w for w in opened if windows is None or w.key in windows]
            slices = grid.slices(wanted, now=now, lookback=resources[0].connector.lookback)
            request = LoadRequest(now=now, resources=resources, slices=slices)
        with loading(request) as load:
            if errors := [error for outcome in load.outcomes.values() for error in outcome.errors]:
                raise errors[0]
            return {str(outcome.resource): outcome.stats_by_slice for outcome in load.outcomes.values()}

    return load_


def find(name: str) -> Resource:
    """Return a shipped resource by its name, such as ``storefront/orders``."""
    connector, _, resource = name.partition("/")
    return load_connectors()[connector].graph[resource]


@pytest.fixture
def read() -> Callable[[str | Resource], tuple[list[Row], ReadStats]]:
    """Read a resource, or its first window, without loading it: ``read("catalog/ecommerce_data")``."""

    def read_(name: str | Resource) -> tuple[list[Row], ReadStats]:
        resource = name if isinstance(name, Resource) else find(name)
        first = WindowGrid("P30D", "2024-01-01").opened(NOW)[0]
        slices = [Slice(first, first.start, first.end)] if resource.windowed else []
        reader = ResourceReader(resource=resource, connection=connection.connect(resource.connector), slices=slices)
        [stats] = reader.stats_by_slice.values()
        return [decode_row(row) for rows, _ in reader.pages() for row in rows], stats

    return read_


@pytest.fixture
def shipped_configuration(project: Path) -> None:
    """Give the instance the project's own configuration, pools included."""
    home = project / ".dagster"
    home.mkdir()
    shutil.copy(Path(__file__).parents[1] / ".dagster" / "dagster.yaml", home)


@pytest.fixture
def instance(project: Path) -> Iterator[dg.DagsterInstance]:
    home = project / ".dagster"
    if not home.exists():
        home.mkdir()
        (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with open_instance(project) as instance:
        yield instance


@pytest.fixture
def materialize(instance: dg.DagsterInstance) -> Callable[..., runs.Summary]:
    """Materialize through Dagster as the command line does."""

    def materialize_(*selection: str, since: datetime | None = None, until: datetime | None = None) -> runs.Summary:
        selected = select(load_location(), selection)
        return runs.execute(defs(), instance, list(runs.plan(instance, selected, since=since, until=until)))

    return materialize_


@pytest.fixture
def run_assets(instance: dg.DagsterInstance) -> Callable[..., dg.ExecuteInProcessResult]:
    """Run assets of a connector, in the first window: ``run_assets("storefront/orders", page_limit=1)``."""

    def run_(*selection: str, **config: Any) -> dg.ExecuteInProcessResult:
        resources = [find(name) for name in selection]
        grid = WindowGrid("P30D", "2024-01-01")
        open_windows(instance, grid, NOW)
        assets = ConnectorAssets(connector=resources[0].connector)
        families = {assets.op_name(resource): {"config": config} for resource in resources}
        job = dg.Definitions(build_assets(assets)).resolve_implicit_global_asset_job_def()
        return job.execute_in_process(
            run_config={**runs.QUIET, "ops": families},
            instance=instance,
            asset_selection=[assets.key(resource) for resource in resources],
            partition_key=grid.opened(NOW)[0].key if resources[0].windowed else None,
            raise_on_error=False,
        )

    return run_


@pytest.fixture
def scaffolded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scaffolded:
    """An empty folder for the output of `dg scaffold defs`."""
    folder = tmp_path / f"scaffolded_{uuid4().hex}"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    module = import_module(folder.name)
    monkeypatch.setattr(location, "defs_folder", module)
    return Scaffolded(folder, module)

"""A check before anything is loaded: settings, windows, destination, and one request for each resource."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import timedelta

from connectors_dagster.cli.demo_project import refuse_without_settings
from connectors_dagster.cli.terminal import say, show_json
from connectors_dagster.config.placeholders import described_values
from connectors_dagster.errors import ApiError, SettingError, UnreachableError
from connectors_dagster.load.destination_location import location
from connectors_dagster.orchestration import clock
from connectors_dagster.orchestration.automation import cron_of
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.orchestration.executors import configured_executor
from connectors_dagster.orchestration.location import Location, including, load_location
from connectors_dagster.orchestration.partitions import starts_in_future
from connectors_dagster.orchestration.selection import Selected, select
from connectors_dagster.read.connection import Connection, connect
from connectors_dagster.read.trial import Trial
from connectors_dagster.spec.plural import noun
from connectors_dagster.spec.resource import Resource

FAMILIES_AT_ONCE = 4
ATTEMPTS = 1
"""A person waits for the result, so a request is retried only this often."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was found out about the destination, a connector or a resource."""

    name: str
    ok: bool
    message: str


def show_check(names: Sequence[str], *, as_json: bool = False) -> int:
    """Check what is named, or all enabled connectors, and print what was found.

    Returns:
        0 if everything is as it should be, else 1.

    Raises:
        UnknownNameError: a name is not a connector or resource.
        ClickException: nothing is named or configured.
        SettingError: a setting that all connectors share has a value that cannot be used.
    """
    loaded = load_location()
    configured_executor()
    selected = select(loaded, names)
    if not names and not as_json:
        refuse_without_settings(loaded)
    findings: list[Finding] = []
    answers: dict[str, str] = {}
    for finding in _findings(loaded, selected):
        findings.append(finding)
        if not as_json:
            verdict, message = "ok    " if finding.ok else "failed", _told_once(finding, answers)
            named = "" if message.startswith(finding.name) else f"{finding.name}: "
            say(f"{verdict}  {named}{message}", style="green" if finding.ok else "red")
    if as_json:
        show_json([asdict(finding) for finding in findings])
    elif not selected:
        say("no connector is enabled: set CONNECTORS__ENABLED, or name a connector", style="yellow")
    return int(not all(finding.ok for finding in findings))


def _told_once(finding: Finding, answers: dict[str, str]) -> str:
    """Shorten an answer that another resource had before: a wrong key is refused by all of them."""
    _, _, answer = finding.message.partition(" answered ")
    first = answers.setdefault(answer, finding.name) if answer and not finding.ok else finding.name
    return finding.message if first == finding.name else f"answered {answer.partition(':')[0]} like {first}"


def _findings(loaded: Location, selected: Selected) -> Iterator[Finding]:
    # In another process, because a database takes long to import and the requests need none.
    datasets = [assets.connector.name for assets in selected]
    with subprocess.Popen(
        [sys.executable, "-m", "connectors_dagster.cli.destination", *datasets],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as trial:
        yield from (Finding(name="settings", ok=False, message=str(found)) for found in loaded.broken)
        for assets, resources in selected.items():
            yield from _of_connector(loaded, assets, resources)
        said, _ = trial.communicate()
    wrong = said.strip() or f"{location()} cannot be opened"
    good = f"{location()} can be opened and written"
    yield Finding(name="destination", ok=trial.returncode == 0, message=wrong if trial.returncode else good)


def _of_connector(loaded: Location, assets: ConnectorAssets, resources: Sequence[Resource]) -> Iterator[Finding]:
    name = assets.connector.name
    try:
        including(loaded, [assets])
        yield _windows(assets)
        connection = connect(assets.connector, now=clock.now())
    except (ApiError, SettingError) as error:
        yield Finding(name=name, ok=False, message=str(error))
        return
    if values := described_values(connection.values):
        yield Finding(name=name, ok=True, message=f"settings: {values}")
    patience = replace(assets.connector.retry, attempts=ATTEMPTS, connect_wait=timedelta(0))
    yield from _of_resources(connection.with_retry(patience), resources)


def _windows(assets: ConnectorAssets) -> Finding:
    connector, cron = assets.connector, cron_of(assets)
    if not assets.has_windows:
        return Finding(name=connector.name, ok=True, message=f"no windows; schedule '{cron}' UTC")
    grid, now = assets.grid, clock.now()
    if unstarted := starts_in_future({assets: assets.resources}, now):
        return Finding(name=connector.name, ok=False, message=unstarted[assets])
    windows = grid.opened(now)
    count = f"{len(windows)} {noun(len(windows), 'window')} of {grid.step} since {windows[0].key}"
    return Finding(name=connector.name, ok=True, message=f"{count}; schedule '{cron}' UTC")


def _of_resources(connection: Connection, resources: Sequence[Resource]) -> Iterator[Finding]:
    """Try each resource; the others are not tried if the API accepts no connection."""
    trial = Trial(connection, clock.now())
    try:
        trial.rows(resources[0].root)
    except UnreachableError as error:
        yield Finding(name=resources[0].connector.name, ok=False, message=str(error))
        return
    except (ApiError, SettingError):
        pass  # is reported below, for the resource
    with ThreadPoolExecutor(min(FAMILIES_AT_ONCE, connection.max_parallel_requests)) as pool:
        yield from pool.map(lambda resource: _of_resource(trial, resource), resources)


def _of_resource(trial: Trial, resource: Resource) -> Finding:
    try:
        return Finding(name=str(resource), ok=True, message=trial.describe(resource))
    except (ApiError, SettingError) as error:
        return Finding(name=str(resource), ok=False, message=str(error))

"""Compares this project's connectors with public manifests of the same vendors, on the project's sandbox.

``python -m tests.parity.vendors --help``
"""

import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import yaml

from connectors_dagster.airbyte.translation import TranslatedStream
from connectors_dagster.cdk.translation import translate_with
from connectors_dagster.connectors import load_connector
from connectors_dagster.orchestration.import_folder import copy_others
from connectors_dagster.sandbox import CREDENTIALS, base_url, environment
from connectors_dagster.spec.added_columns import added_columns
from connectors_dagster.spec.connector import Connector
from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.windows import Slice, WindowGrid
from tests.parity import ours
from tests.parity.cdk import PYTHON, Cdk
from tests.parity.configured import alone
from tests.parity.sandboxed import Sandboxed, sandboxed

START = datetime(2024, 1, 1, tzinfo=UTC)
GRID = WindowGrid("P30D", START.date().isoformat())
DATE = START.strftime("%Y-%m-%dT%H:%M:%SZ")
LONGEST = 300
MANY = 20
STATUS = re.compile(r"(?:status code '|answered )(\d{3})\b")
Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Vendor:
    """A vendor of the sandbox: how many rows it has, the manifest's settings, and other names of streams there."""

    scale: float
    config: Mapping[str, Any]
    names: Mapping[str, str] = field(default_factory=dict)


_SHOP, _SITE = CREDENTIALS["woocommerce"], CREDENTIALS["chargebee"]["api_key"]
VENDORS: Mapping[str, Vendor] = {
    "woocommerce": Vendor(
        scale=1,
        config={"shop": "shop", "api_key": _SHOP["consumer_key"], "api_secret": _SHOP["consumer_secret"]},
    ),
    "chargebee": Vendor(scale=1, config={"site": "site", "site_api_key": _SITE, "product_catalog": "2.0"}),
    "picqer": Vendor(
        scale=10,
        config={"organization_name": "shop", "username": CREDENTIALS["picqer"]["api_key"], "password": ""},
    ),
    "paddle": Vendor(scale=1, config={"environment": "api", "api_key": CREDENTIALS["paddle"]["api_key"]}),
}


@dataclass(kw_only=True)
class Side:
    """What one of them read of a stream.

    Args:
        rows: its rows.
        requests: the requests for all windows.
        of_last: those for the last window, if there are windows.
        refused: the error if it can only be read with a User-Agent that names a contact.
        error: why it cannot be read.
    """

    rows: list[Row] = field(default_factory=list)
    requests: int = 0
    of_last: int | None = None
    refused: str = ""
    error: str = ""

    def __str__(self) -> str:
        refused = f"; without a contact: {self.refused}" if self.refused else ""
        last = "" if self.of_last is None else f", {self.of_last} for the last window"
        return self.error or f"rows {len(self.rows)}, requests {self.requests}{last}{refused}"


@click.command()
@click.option("--names", default="", help="Only these vendors, separated by commas or spaces.")
@click.option("--manifests", type=click.Path(path_type=Path, exists=True), required=True, help="A folder of folders.")
@click.option("--python", type=click.Path(path_type=Path), default=PYTHON, help="Of the environment of airbyte-cdk.")
def main(names: str, manifests: Path, python: Path) -> None:
    """Read the sandbox with airbyte-cdk, with the translated manifest and with the connector, and say what differs."""
    cdk = Cdk(python)
    for name in names.replace(",", " ").split() or VENDORS:
        file = manifests / name / "manifest.yaml"
        if not file.exists():
            click.echo(f"{name}: no manifest in the folder")
            continue
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
        with sandboxed(VENDORS[name].scale) as (sandbox, port):
            comparison = Comparison(
                name=name, document=document, folder=file.parent, sandbox=sandbox, port=port, cdk=cdk
            )
            for line in comparison.lines():
                click.echo(line)
    cdk.close()


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Compares one vendor."""

    name: str
    document: Mapping[str, Any]
    folder: Path
    sandbox: Sandboxed
    port: int
    cdk: Cdk

    def lines(self) -> Iterator[str]:
        """Yield what each reads of each stream, and what differs."""
        written = _led_to(self.document, base_url(self.port, self.name))
        config = {**VENDORS[self.name].config, "start_date": DATE}
        connector, resolved = load_connector(self.name), self.cdk.resolve(written)
        definitions = {one["name"]: one for one in resolved["streams"]}
        with tempfile.TemporaryDirectory() as folder, _settings(self.port, self.name, self.cdk.python):
            copy_others(self.folder, Path(folder))
            manifest, _ = ours.translated(written, Path(folder))
            found = translate_with(manifest, name=ours.NAME, trust_python=True)
            with ours.configured(manifest, config, START):
                for stream in found.streams:
                    resource = connector.graph.get(VENDORS[self.name].names.get(stream.name, stream.name))
                    mine = self._read(connector, resource) if resource else None
                    theirs = self._by_cdk(alone(resolved, definitions[stream.vendor_name], None), config)
                    translated = self._translated(found.connector, stream)
                    yield from self._described(
                        stream, resource, mine, {"airbyte-cdk": theirs, "translated": translated}
                    )
            known = {VENDORS[self.name].names.get(one.name, one.name) for one in found.streams}
            for other in sorted(connector.graph.keys() - known):
                yield f"{self.name}/{other}: only in the connector: {self._read(connector, connector.graph[other])}"

    def _described(
        self, stream: TranslatedStream, resource: Resource | None, mine: Side | None, others: Mapping[str, Side]
    ) -> Iterator[str]:
        yield f"{self.name}/{stream.name}"
        yield f"    connector: {mine or 'has no such table'}"
        for who, side in others.items():
            yield f"    {who}: {side}"
            if mine and resource and not side.error:
                yield from (f"        {text}" for text in _differences(resource, mine.rows, side.rows))

    def _translated(self, connector: Connector | None, stream: TranslatedStream) -> Side:
        if stream.engine == "none" or not connector:
            return Side(error=f"not read: {'; '.join(map(str, stream.reasons))}")
        return self._read(connector, connector.graph[stream.name])

    def _read(self, connector: Connector, resource: Resource) -> Side:
        now = datetime.now(UTC)
        slices = GRID.slices(GRID.opened(now), now=now, lookback=connector.lookback)
        side = self._counted(lambda: _rows(connector, resource, slices))
        if resource.windowed and not side.error:
            side.of_last = self._counted(lambda: _rows(connector, resource, slices[-1:])).requests
        return side

    def _by_cdk(self, manifest: Mapping[str, Any], config: Mapping[str, Any]) -> Side:
        name = manifest["streams"][0]["name"]

        def rows() -> list[Row]:
            return [row for _, row in self.cdk.read(manifest=manifest, config=config, stream=name)]

        return self._counted(rows)

    def _counted(self, read: Callable[[], list[Row]]) -> Side:
        """Read; if requests without a contact are refused, read again with one, and say so."""
        asked, refused = self.sandbox.asked, ""
        for with_contact in (False, True):
            asked.clear()
            self.sandbox.with_contact = with_contact
            try:
                return Side(rows=read(), requests=asked.total(), refused=refused)
            except Exception as error:  # noqa: BLE001  # whatever it is, it is the result
                refused = f"{_short(str(error))} after {asked.total()} requests"
        most, times = max(asked.items(), key=lambda item: item[1], default=("", 0))
        return Side(error=f"{refused}; {times} times {most}" if times > MANY else refused)


def _short(error: str) -> str:
    """Return the status that an error is about, or its text."""
    found = STATUS.search(error)
    return f"status {found[1]}" if found else error[:LONGEST]


def _rows(connector: Connector, resource: Resource, slices: Sequence[Slice]) -> list[Row]:
    span = GRID.whole(datetime.now(UTC))
    return [ours.stripped(resource, row) for row in ours.read(resource, ours.connected(connector), slices, span)]


def _differences(resource: Resource, mine: Sequence[Row], theirs: Sequence[Row]) -> Iterator[str]:
    """Yield what differs: keys that only one has, rows that are there twice, and fields."""
    here, there = (_by_key(resource, rows) for rows in (mine, theirs))
    for who, rows, found in (("the connector", mine, here), ("it", theirs, there)):
        if len(rows) > len(found):
            yield f"{len(rows) - len(found)} rows of {who} have the key of another"
    for what, keys in (
        ("only in the connector", here.keys() - there.keys()),
        ("only in it", there.keys() - here.keys()),
    ):
        if keys:
            yield f"{len(keys)} {what}, such as {min(keys)}"
    both = [(here[key], there[key]) for key in here.keys() & there.keys()]
    names = [{name for pair in both for name in pair[side]} for side in (0, 1)]
    changed = {name for a, b in both for name in a.keys() & b.keys() if a[name] != b[name]}
    for what, found_names in (
        ("other values of", changed),
        ("fields only in the connector:", names[0] - names[1]),
        ("fields only in it:", names[1] - names[0]),
    ):
        if found_names:
            yield f"{what} {', '.join(sorted(found_names))}"


def _by_key(resource: Resource, rows: Sequence[Row]) -> dict[str, Row]:
    key = [name for name in resource.primary_key if name not in added_columns(resource)]
    return {json.dumps([row.get(name) for name in key]): row for row in rows}


def _led_to(manifest: Any, base: str) -> Any:
    """Return a manifest whose requests lead to the sandbox."""
    if isinstance(manifest, list):
        return [_led_to(value, base) for value in manifest]
    if not isinstance(manifest, Mapping):
        return manifest
    return {key: base if key == "url_base" else _led_to(value, base) for key, value in manifest.items()}


@contextmanager
def _settings(port: int, name: str, python: Path) -> Iterator[None]:
    """Give the connectors the sandbox's settings, the Python of airbyte-cdk, and no limit of requests per minute."""
    before = dict(os.environ)
    os.environ["CONNECTORS__AIRBYTE_PYTHON"] = str(python)
    limits = {f"SOURCES__{one.upper()}__REQUESTS_PER_MINUTE": "1000000" for one in (name, ours.NAME)}
    os.environ.update({**environment(port), **limits})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


if __name__ == "__main__":
    main()

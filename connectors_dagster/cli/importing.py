"""Imports a connector of Airbyte: its manifest, its configuration, its streams, and how far they were read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import dlt

from connectors_dagster.airbyte.catalog import ConfiguredStream, read_catalog
from connectors_dagster.airbyte.json_file import read_object
from connectors_dagster.airbyte.key import key_paths
from connectors_dagster.airbyte.manifest import Manifest, read_manifest
from connectors_dagster.airbyte.names import identifier, identifiers
from connectors_dagster.airbyte.state import StreamState, read_state
from connectors_dagster.cdk.configuration import configuration
from connectors_dagster.cdk.translation import EngineOption, translate_with
from connectors_dagster.cli.terminal import say
from connectors_dagster.config.settings import is_enabled, setting_path
from connectors_dagster.config.toml_file import write_settings
from connectors_dagster.config.workdir import project_folder
from connectors_dagster.orchestration import clock
from connectors_dagster.orchestration.import_folder import MANIFEST, write_component
from connectors_dagster.orchestration.imported import mark_read
from connectors_dagster.orchestration.instance import open_instance
from connectors_dagster.orchestration.location import load_location, new_components_folder
from connectors_dagster.orchestration.manifest_component import load_manifest
from connectors_dagster.orchestration.selection import select_connector
from connectors_dagster.spec.connector import Connector
from connectors_dagster.spec.placeholders import Secret
from connectors_dagster.spec.plural import noun
from connectors_dagster.spec.validation import connector_name_problems
from connectors_dagster.spec.windows import describe_windows


@dataclass(frozen=True, kw_only=True)
class ImportRequest:
    """What is imported.

    Args:
        manifest: the file, or its folder.
        name: of the connector; by default that of the manifest.
        into: the folder of components; by default that of this code location.
        engine: see the component.
        trust_python: see the component.
        config: Airbyte's `config.json`.
        catalog: Airbyte's configured catalog.
        state: Airbyte's state.
    """

    manifest: Path
    name: str | None = None
    into: Path | None = None
    engine: EngineOption = "native"
    trust_python: bool = False
    config: Path | None = None
    catalog: Path | None = None
    state: Path | None = None


def import_connector(request: ImportRequest) -> None:
    """Write a component, its settings and its records.

    Raises:
        ManifestError: a file is not what it must be.
        ClickException: there is such a component already, or no stream can be read.
    """
    manifest = read_manifest(request.manifest)
    name = request.name or identifier(manifest.name)
    if problems := [*connector_name_problems(name)]:
        raise click.ClickException(f"{'; '.join(problems)}: choose another --name")
    folder = (request.into or new_components_folder()) / name
    if (folder / "defs.yaml").exists():
        raise click.ClickException(f"{folder} has a component already: choose another --name, or remove it")
    streams = read_catalog(request.catalog) if request.catalog else []
    states = read_state(request.state) if request.state else []
    config = read_object(request.config, what="a configuration") if request.config else {}
    translated = translate_with(manifest, name=name, engine=request.engine, trust_python=request.trust_python)
    if translated.connector is None:
        what = _unread(manifest)
        raise click.ClickException(f"no stream of {request.manifest} {what} `connectors explain` says why")
    states = _known(states, manifest, translated.connector)
    chosen = _chosen(manifest, translated.connector, streams) if request.catalog else {}
    engine = {"engine": request.engine} if request.engine != "native" else {}
    trust = {"trust_python": True} if request.trust_python else {}
    attributes = {"name": name, **chosen, **engine, **trust}
    write_component(folder, request.manifest, attributes)
    load_manifest(folder / MANIFEST, **attributes)  # so that the code location finds it translated
    count = len(chosen.get("select") or translated.connector.graph)
    say(f"wrote {_shown(folder)}, with {count} {noun(count, 'stream')}")
    if not request.catalog:
        _say_what_is_left_out(translated.connector, request.engine)
    _write_settings(manifest, translated.connector, config)
    if states:
        _mark(name, manifest, states)
    say(f"Next: `connectors check {name}`, then `connectors run {name}{' --missing' if states else ''}`")


def _say_what_is_left_out(connector: Connector, engine: EngineOption) -> None:
    for name, why in connector.excluded.items():
        say(f"left out {name}: {why}", style="yellow")
    if connector.excluded and engine == "native":
        say("`connectors explain` says which of these airbyte-cdk can read: with engine: auto in defs.yaml, it does")


def _chosen(manifest: Manifest, connector: Connector, streams: list[ConfiguredStream]) -> dict[str, Any]:
    """Return the streams of a catalog as attributes of the component, with what differs from the manifest."""
    names = identifiers(str(one.get("name")) for one in manifest.streams)
    written = {str(one.get("name")): one for one in manifest.streams}
    keys, cursors, selected = dict[str, Any](), dict[str, Any](), []
    for one in streams:
        name = names.get(one.name, identifier(one.name))
        if name not in connector.graph:
            why = connector.excluded.get(name, "the manifest does not have it")
            say(f"left out {one.name}: {why}", style="yellow")
            continue
        selected.append(name)
        cursor = written[one.name].get("incremental_sync") if one.name in written else None
        if cursor and not one.incremental:
            cursors[name] = None
        elif cursor and one.cursor not in ("", cursor.get("cursor_field")):
            cursors[name] = one.cursor
        key = [".".join(path) for path in one.key]
        if (
            key
            and all(len(path) == 1 for path in one.key)
            and key != list(map(".".join, key_paths(written.get(one.name, {}))))
        ):
            keys[name] = key
    if not selected:
        raise click.ClickException("no stream of the catalog can be read: `connectors explain` says why")
    return {"select": selected, **({"keys": keys} if keys else {}), **({"cursors": cursors} if cursors else {})}


def _unread(manifest: Manifest) -> str:
    """Say what no stream is, and what reads some nevertheless."""
    if translate_with(manifest).connector:
        return "is native: try --engine auto;"
    if translate_with(manifest, trust_python=True).connector:
        return "can be read without its own Python: try --engine auto --trust-python if you trust its components.py;"
    return "can be read:"


def _write_settings(manifest: Manifest, connector: Connector, config: Mapping[str, Any]) -> None:
    """Write the values of a `config.json` into the files of settings; a value that nothing uses is left out."""
    known = {str(one): one for one in connector.settings}
    properties = configuration(manifest, known)
    given = properties.given(config)
    used = {setting: value for setting, value in given.items() if str(setting) in {*known, "start_date"}}
    secret = {setting_path(connector, one): value for one, value in used.items() if isinstance(one, Secret)}
    public = {setting_path(connector, one): value for one, value in used.items() if not isinstance(one, Secret)}
    folder = project_folder() / ".dlt"
    for file, values in ((folder / "config.toml", public), (folder / "secrets.toml", secret)):
        if values:
            write_settings(file, values, secret=values is secret)
            say(f"wrote {', '.join(values)} to {_shown(file)}")
    for setting in given.keys() - used.keys():
        say(f"left out the setting {setting}: no stream uses it", style="yellow")
    for path in properties.unknown(config):
        say(f"left out {'.'.join(path)} of the configuration: the manifest does not have it", style="yellow")
    dlt.current.run_context().reload()  # it has read the files as they were


def _known(states: Sequence[StreamState], manifest: Manifest, connector: Connector) -> list[StreamState]:
    """Return the states of streams that the manifest has, and say which ones it does not have.

    Raises:
        ClickException: it has none of them.
    """
    names = {str(one.get("name")) for one in manifest.streams}
    known = [one for one in states if one.name in names or identifier(one.name) in connector.graph]
    unknown = [one.name for one in states if one not in known]
    if unknown and not known:
        raise click.ClickException(f"the state is of another connector: its streams are {', '.join(unknown)[:200]}")
    for name in unknown:
        say(f"left out the state of {name}: the manifest does not have it", style="yellow")
    return known


def _mark(name: str, manifest: Manifest, states: list[StreamState]) -> None:
    """Record the windows that Airbyte has read, and say which they are and what is not known."""
    assets = select_connector(load_location(), name)
    names = identifiers(str(one.get("name")) for one in manifest.streams)
    by_name = {names.get(one.name, identifier(one.name)): one for one in states}
    with open_instance(project_folder()) as instance:
        marked = mark_read(instance, assets, by_name, clock.now())
    for one, windows in marked.items():
        shown = describe_windows(windows) if windows else "none, because no whole window was read"
        say(f"recorded as read  {name}/{one}: {shown}")
    for one in sorted(by_name.keys() - marked.keys()):
        say(f"no windows  {name}/{one}: it is not read in windows here, so all of it is read", style="yellow")
    say(f"The rows of these windows are where Airbyte loaded them. To load them here too: `connectors reset {name}/…`")
    if not is_enabled(assets.connector):
        say(f"{name} is not enabled: add it to connectors.enabled", style="yellow")


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)

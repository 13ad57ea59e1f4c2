"""The list of connectors and resources."""

from collections.abc import Sequence

from connectors_dagster.cli.terminal import say, show_table
from connectors_dagster.config.placeholders import is_configured
from connectors_dagster.load.destination import build_destination
from connectors_dagster.load.destination_location import location
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.orchestration.location import load_location
from connectors_dagster.orchestration.selection import select
from connectors_dagster.spec.resource import Resource

HEADS = ("connector", "resource", "key", "cursor", "partitions", "table")


def show_list(names: Sequence[str] = (), *, everything: bool = False) -> int:
    """List the resources of the enabled connectors; of all or of some, also whether they are enabled and configured.

    Returns:
        1 if a connector is broken, else 0.

    Raises:
        UnknownNameError: a name is not a connector or resource.
        SettingError: there is no such destination.
    """
    loaded = load_location()
    some = everything or bool(names)
    selected = {one: one.resources for one in loaded.known} if everything and not names else select(loaded, names)
    rows = []
    for assets, resources in selected.items():
        state = (_state(assets, enabled=assets in loaded.enabled),) if some else ()
        rows += [(*row, *state) for row in _rows(assets, resources)]
    if rows:
        show_table((*HEADS, "state") if some else HEADS, rows)
    else:
        say("no connector is enabled: set CONNECTORS__ENABLED; `connectors list --all` shows all", style="yellow")
    for broken in loaded.broken:
        say(f"broken  {broken}", style="red")
    build_destination()  # refuses one that does not exist
    say(f"loads into {location()}")
    return int(bool(loaded.broken))


def _rows(assets: ConnectorAssets, resources: Sequence[Resource]) -> list[tuple[str, ...]]:
    connector = assets.connector
    return [
        (
            connector.name,
            resource.name,
            ", ".join(resource.primary_key),
            resource.cursor_path or "",
            assets.grid.name if resource.windowed else "",
            f"{connector.name}.{resource.name}",
        )
        for resource in resources
    ]


def _state(assets: ConnectorAssets, *, enabled: bool) -> str:
    configured = "configured" if is_configured(assets.connector) else "not configured"
    return f"{'enabled' if enabled else 'not enabled'}, {configured}"

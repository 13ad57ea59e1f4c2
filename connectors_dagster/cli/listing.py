"""The list of connectors and resources."""

from connectors_dagster.cli.terminal import say, show_table
from connectors_dagster.config.placeholders import is_configured
from connectors_dagster.load.destination import location
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.orchestration.location import load_location

HEADS = ("connector", "resource", "key", "cursor", "partitions", "table")


def show_list(*, everything: bool = False) -> int:
    """List the resources of the enabled connectors, or of all, also saying which are enabled and configured.

    Returns:
        1 if a connector is broken, else 0.
    """
    loaded = load_location()
    rows = []
    for assets in loaded.known if everything else loaded.enabled:
        state = (_state(assets, enabled=assets in loaded.enabled),) if everything else ()
        rows += [(*row, *state) for row in _rows(assets)]
    if rows:
        show_table((*HEADS, "state") if everything else HEADS, rows)
    else:
        say("no connector is enabled: set CONNECTORS__ENABLED; `connectors list --all` shows all", style="yellow")
    for broken in loaded.broken:
        say(f"broken  {broken}", style="red")
    say(f"loads into {location()}")
    return int(bool(loaded.broken))


def _rows(assets: ConnectorAssets) -> list[tuple[str, ...]]:
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
        for resource in assets.resources
    ]


def _state(assets: ConnectorAssets, *, enabled: bool) -> str:
    configured = "configured" if is_configured(assets.connector) else "not configured"
    return f"{'enabled' if enabled else 'not enabled'}, {configured}"

"""The windows of a connector, with the configured step and start date."""

from connectors_dagster.config import settings
from connectors_dagster.errors import SettingError
from connectors_dagster.spec.connector import Connector
from connectors_dagster.spec.windows import WindowGrid


def window_grid(connector: Connector) -> WindowGrid:
    """Return the windows of a connector.

    Raises:
        SettingError: the step or the start date cannot be used.
    """
    try:
        return WindowGrid(settings.step(connector), settings.start_date(connector))
    except ValueError as error:
        wrong = [name for name in ("step", "start_date") if str(error).startswith(name.replace("_", " "))]
        names = [settings.environment_name(connector, name) for name in wrong or ("step", "start_date")]
        raise SettingError(f"{connector.name}: {error}; check {' and '.join(names)}") from error

import pytest


@pytest.fixture
def everything_logged(project) -> None:
    """A Dagster instance that stores everything that any logger writes, from DEBUG on."""
    file = project / ".dagster" / "dagster.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(
        "telemetry: {enabled: false}\n"
        "python_logs: {python_log_level: DEBUG, managed_python_loggers: [root, dlt, urllib3]}\n"
    )

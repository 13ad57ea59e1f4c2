"""The settings that lead this project to the server and into the file everybody loads into."""

from benchmarks.peers.answer import DATABASE
from benchmarks.task import PASSWORD, START, STEP, USER


def settings(address: str, connections: int) -> dict[str, str]:
    """Return them as environment variables."""
    storefront = {
        "base_url": address,
        "api_key": USER,
        "api_secret": PASSWORD,
        "start_date": START.date().isoformat(),
        "step": STEP,
        "max_parallel_requests": str(connections),
    }
    variables = {f"SOURCES__STOREFRONT__{name.upper()}": value for name, value in storefront.items()}
    return {**variables, "DESTINATION__DUCKDB__CREDENTIALS": str(DATABASE), "RUNTIME__DLTHUB_TELEMETRY": "false"}

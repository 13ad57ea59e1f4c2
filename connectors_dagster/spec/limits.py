"""Limits of what an API may send, so that a faulty one cannot fill the memory or hold a run forever."""

from dataclasses import dataclass

MOST_PARALLEL_REQUESTS = 1_000
"""Each takes a thread and a connection."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What an API may send before a load fails. Each limit is a setting of the connector with the same name.

    Args:
        connector: the name of the connector, for the names of the settings.
        max_response_bytes: the size of a response body, decompressed.
        max_request_seconds: the seconds that a request takes in total, with redirects and with the whole response.
        max_decompression_ratio: how many times larger a body may become when it is decompressed. Bodies of up to 10 MB
            are not compared.
        max_pages: the pages of one sequence.
        max_undeclared_columns: the columns of a table that the schema file does not declare.
    """

    connector: str = "<CONNECTOR>"
    max_response_bytes: int = 1_000_000_000
    max_request_seconds: float = 600.0
    max_decompression_ratio: int = 200
    max_pages: int = 1_000_000
    max_undeclared_columns: int = 5_000

    def setting(self, name: str) -> str:
        """Return the environment variable of a limit."""
        return f"SOURCES__{self.connector}__{name}".upper()

"""A small real HTTP API that speaks the dialects of all connectors, with made-up, repeatable data.

May not import anything from this project.
"""

from connectors_dagster.sandbox.app import build_app
from connectors_dagster.sandbox.server import running, serve, serving
from connectors_dagster.sandbox.settings import CREDENTIALS, base_url, environment
from connectors_dagster.sandbox.tables import Tables, generate_tables

__all__ = [
    "CREDENTIALS",
    "Tables",
    "base_url",
    "build_app",
    "environment",
    "generate_tables",
    "running",
    "serve",
    "serving",
]

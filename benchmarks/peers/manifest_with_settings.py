"""The orders as a manifest that both this project and airbyte-cdk read: all that differs is in its settings."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from benchmarks.peers.airbyte_manifest import PARAMETER, manifest_of
from benchmarks.task import END, FORMAT, PASSWORD, SORTED, START, USER

TEXT = {"type": "string"}
SETTINGS = {
    "type": "object",
    "required": ["base_url", "user", "password"],
    "properties": {
        **dict.fromkeys(("base_url", "user", "start", "end"), TEXT),
        "password": {**TEXT, "airbyte_secret": True},
    },
}


def build_manifest_with_settings(connections: int) -> dict[str, Any]:
    """Build the manifest for a number of workers; this project has a setting of its own for that number."""
    cursor = {
        "start_datetime": "{{ config['start'] }}",
        "end_datetime": f"{{{{ config['end'] or now_utc().strftime('{FORMAT}') }}}}",
        "start_time_option": {**PARAMETER, "field_name": "modified_from"},
        "end_time_option": {**PARAMETER, "field_name": "modified_until"},
    }
    requester = {
        "url_base": "{{ config['base_url'] }}",
        "authenticator": {
            "type": "BasicHttpAuthenticator",
            "username": "{{ config['user'] }}",
            "password": "{{ config['password'] }}",
        },
        "request_parameters": SORTED,
    }
    return manifest_of(connections, cursor=cursor, requester=requester, settings=SETTINGS)


def config_of(address: str) -> Mapping[str, str]:
    """Return the values of its settings for a server's address, with the windows of the task."""
    return {
        "base_url": address,
        "user": USER,
        "password": PASSWORD,
        "start": START.strftime(FORMAT),
        "end": (END - timedelta(seconds=1)).strftime(FORMAT),
    }

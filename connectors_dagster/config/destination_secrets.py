"""Secrets of the destination, wherever dlt finds them, and of proxies; to be masked, even if written wrongly."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

import dlt

from connectors_dagster.secrets.names import SECRET_NAME

SECTIONS = ("destination", "credentials")
IN_ENVIRONMENT = re.compile(r"(?:.*__)?(?:DESTINATION|CREDENTIALS)(?:__.*)?\Z")
NAMES = f"{SECRET_NAME}|pass"
IN_NAME = re.compile(rf"(?i){NAMES}")
CREDENTIALS = re.compile(r"(?i)credentials|connection_string|dsn")
# The last @ ends the password: one that is not percent-encoded may contain others, and slashes.
IN_ADDRESS = re.compile(r"\A\s*(?:[\w+.-]*:?/{0,3})?[^:/@\s]*:(?P<password>.+)@")
ENDS_HOST = re.compile("[@/?#]")
SHORTEST_PART = 4
IN_PARAMETERS = re.compile(rf"(?i)(?:{NAMES})\w*\s*=\s*(?:'([^']*)'|([^\s&;'\"]+))")


def destination_secrets() -> Iterator[str]:
    """Yield the passwords, tokens and keys of the destination from the configuration and the environment."""
    for name, value in os.environ.items():
        if IN_ENVIRONMENT.match(name):
            yield from _secrets_in(name.rpartition("__")[2] or name, value)
    for section in SECTIONS:
        yield from _secrets_in(section, dlt.secrets.get(section))


def proxy_passwords() -> Iterator[str]:
    """Yield the passwords of the proxies that the environment names: errors of the HTTP library may show them."""
    for name, value in os.environ.items():
        if name.upper().endswith("_PROXY"):
            yield from passwords_in(value)


def _secrets_in(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _secrets_in(str(key), item)
    elif isinstance(value, str):
        if IN_NAME.search(name):
            yield value
        elif value.lstrip().startswith("{"):
            yield from _in_json(name, value)
        elif CREDENTIALS.search(name):
            yield from passwords_in(value)


def _in_json(name: str, text: str) -> Iterator[str]:
    try:
        yield from _secrets_in(name, json.loads(text))
    except ValueError:
        yield text


def passwords_in(text: str) -> Iterator[str]:
    """Yield the password of a connection string, or of key=value pairs; of a malformed one, what may be it."""
    if found := IN_ADDRESS.match(text):
        for password in (found["password"], found["password"].partition("@")[0]):
            yield from (password, unquote(password))
        part = ENDS_HOST.split(found["password"])[0]  # what a program shows as a port that is not a number
        if len(part) >= SHORTEST_PART:
            yield part
    for quoted, bare in IN_PARAMETERS.findall(text):
        yield quoted or bare

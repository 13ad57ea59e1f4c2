"""The fields of manifests that are known here are those of airbyte-cdk."""

import re
import subprocess

import pytest
import yaml

from connectors_dagster.airbyte.known_fields import ALWAYS, KNOWN, NOT_READ, TOOLKIT
from tests.support.airbyte import cdk_python

pytestmark = pytest.mark.cdk
SCHEMA = """
from importlib.metadata import version
from importlib.resources import files
print(version("airbyte-cdk"))
print((files("airbyte_cdk.sources.declarative") / "declarative_component_schema.yaml").read_text())
"""
WITHOUT_SCHEMA = {"Bearer", "ApiKey"}


def test_each_field_that_airbyte_reads_is_read_here_or_a_reason():
    found = subprocess.run([cdk_python(), "-c", SCHEMA], check=True, capture_output=True, text=True).stdout
    version, _, schema = found.partition("\n")
    assert re.match(r"(\d+)\.(\d+)", version).groups() == tuple(map(str, TOOLKIT))  # type: ignore[union-attr]  # it does
    written = yaml.safe_load(schema)["definitions"]
    assert {kind for kind in KNOWN if kind not in written} == WITHOUT_SCHEMA
    for kind in KNOWN.keys() - WITHOUT_SCHEMA:
        unknown = set(written[kind]["properties"]) - KNOWN[kind] - ALWAYS
        assert unknown == NOT_READ.get(kind, set()), kind

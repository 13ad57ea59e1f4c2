"""The fields of manifests that are known here are those of airbyte-cdk."""

import re
import subprocess

import pytest
import yaml

from connectors_dagster.airbyte.known_fields import ALWAYS, KNOWN, NOT_READ, TOOLKIT
from connectors_dagster.airbyte.manifest import read_manifest
from connectors_dagster.cdk.known_components import known_components
from connectors_dagster.cdk.translation import translate_with
from tests.parity.parts import stream
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
    known = {kind: set(one["properties"]) for kind, one in written.items() if "type" in one.get("properties", ())}
    assert {kind: fields - {"type", "$parameters"} for kind, fields in known.items()} == known_components()


@pytest.mark.parametrize(
    ("version", "parts", "why"),
    [
        ("7.0.0", {"transformations": [{"type": "Future"}]}, "a component that airbyte-cdk 7.39 does not know: Future"),
        ("8.1.0", {"later": 1}, "a field that airbyte-cdk 7.39 does not know: DeclarativeStream.later"),
        ("8.1.0", {"requester": {"later": 1}}, "a field that airbyte-cdk 7.39 does not know: HttpRequester.later"),
        ("8.1.0", {"requester": {"request_body_json": {"type": "Future"}}}, ""),
        ("7.39.2", {"later": 1}, ""),
    ],
)
def test_what_airbyte_cdk_does_not_know_is_not_read_as_if_it_were_not_there(tmp_path, version, parts, why):
    manifest = {"version": version, "streams": [stream(**parts)]}
    (tmp_path / "later.yaml").write_text(yaml.safe_dump(manifest))
    [found] = translate_with(read_manifest(tmp_path / "later.yaml"), engine="airbyte").streams
    assert (found.engine, [str(one) for one in found.reasons][:1]) == (("none", [why]) if why else ("airbyte", []))

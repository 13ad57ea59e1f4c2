"""This project: a manifest of Airbyte, translated, and read into Arrow batches over all windows."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import dlt
import pyarrow as pa
from dlt.common.schema import Schema

from benchmarks.peers.airbyte_manifest import STREAM
from benchmarks.peers.answer import arguments, timed
from benchmarks.peers.contents import Contents
from benchmarks.peers.manifest_with_settings import build_manifest_with_settings, config_of
from benchmarks.peers.settings import connector_settings
from benchmarks.peers.step import slices_of
from connectors_dagster.airbyte.manifest import read_manifest
from connectors_dagster.cdk.translation import EngineOption, translate_with
from connectors_dagster.config.dlt_defaults import use_defaults
from connectors_dagster.load.destination import build_destination
from connectors_dagster.load.resource_rows import rows_of
from connectors_dagster.programs.forks import end_templates
from connectors_dagster.read.connection import connect
from connectors_dagster.read.reader import ResourceReader
from connectors_dagster.spec.connector import Connector

NAME = "shop"


def main(engine: EngineOption = "native") -> None:
    """Read all orders; neither imports nor the translation are timed."""
    address, connections = arguments()
    file, contents = Path("manifest.yaml"), Contents()
    file.write_text(json.dumps(build_manifest_with_settings(connections)))  # JSON is YAML
    os.environ.update(connector_settings(NAME, {**config_of(address), "max_parallel_requests": str(connections)}))
    use_defaults()
    [stream] = (translated := translate_with(read_manifest(file), name=NAME, engine=engine)).streams
    if stream.engine != ("native" if engine == "native" else "airbyte") or translated.connector is None:
        raise SystemExit(f"{stream}: is not to be read in this way")
    with timed() as part:
        for batch in batches(translated.connector):
            contents.add_batch(batch)
        end_templates()  # so that the processes of airbyte-cdk are counted
    contents.tell(part)


def batches(connector: Connector) -> Iterator[pa.RecordBatch]:
    """Yield what a load would write to files, with typed columns.

    Raises:
        ApiError: a window could not be read.
    """
    reader = ResourceReader(
        resource=connector.graph[STREAM], slices=slices_of(connector), connection=connect(connector)
    )
    pipeline = dlt.pipeline(pipeline_name=NAME, pipelines_dir="pipelines", destination=build_destination())
    for found in rows_of(pipeline, reader, Schema(NAME)):
        yield getattr(found, "data", found)  # with new columns, dlt's hints are around it
    for error in reader.failed.errors.values():
        raise error


if __name__ == "__main__":
    main()

"""Airbyte's CDK in this process: its `read()` of the manifest that this project reads too, from the first request."""

import logging

from airbyte_cdk.models import ConfiguredAirbyteCatalogSerializer, Type
from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource

from benchmarks.peers.airbyte_extract import build_catalog
from benchmarks.peers.answer import arguments, timed
from benchmarks.peers.contents import Contents
from benchmarks.peers.manifest_with_settings import build_manifest_with_settings, config_of
from benchmarks.shapes import ORDERS


def main() -> None:
    """Read all orders as objects; neither imports nor the source's construction are timed."""
    address, connections = arguments()
    config, manifest, contents = config_of(address), build_manifest_with_settings(connections), Contents()
    catalog = ConfiguredAirbyteCatalogSerializer.load(build_catalog(ORDERS))
    source = ConcurrentDeclarativeSource(catalog=catalog, config=config, state=[], source_config=manifest)
    with timed() as part:
        for message in source.read(logging.getLogger("benchmark"), config, catalog, []):
            if message.type == Type.RECORD and message.record:
                contents.add([message.record.data])
    contents.tell(part)


if __name__ == "__main__":
    main()

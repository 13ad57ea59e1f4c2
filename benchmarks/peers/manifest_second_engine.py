"""This project's second engine: the same manifest, read by airbyte-cdk in a process of its own, into Arrow batches."""

import os

from benchmarks.entrants import CDK
from benchmarks.environment import python_of
from benchmarks.peers.manifest_native import main

if __name__ == "__main__":
    os.environ["CONNECTORS__AIRBYTE_PYTHON"] = python_of(CDK)
    main("airbyte")

"""The programs that are compared, and what each needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.environment import ROOT

PEERS = Path(__file__).parent / "peers"
CDK = PEERS / "airbyte-cdk.txt"


@dataclass(frozen=True, kw_only=True)
class Entrant:
    """One way to load or read all orders.

    Args:
        name: its name on the command line.
        label: its name in tables and in the chart.
        about: what it does, and which part is timed.
        module: its script in `peers/`.
        requirements: the requirements file of its environment; None for this project's environment.
        connections: numbers of concurrent requests; each is measured.
        root: the checkout whose scripts and package run.
    """

    name: str
    label: str
    about: str
    module: str
    requirements: Path | None = None
    connections: Sequence[int] = (1,)
    root: Path = ROOT


ENTRANTS = (
    Entrant(
        name="floor",
        label="floor",
        about="a short script that writes the rows of all pages to NDJSON as they are and runs "
        "`CREATE TABLE AS … read_json` in DuckDB, with the columns and types of our table",
        module="floor",
        connections=(1, 16),
    ),
    Entrant(
        name="step",
        label="ours, the step alone",
        about="all windows, from the first request to the merged table, timed inside a process without Dagster",
        module="step",
        connections=(4, 16),
    ),
    Entrant(
        name="ours",
        label="ours, whole process",
        about="`connectors run storefront/orders`, all windows, in a new project folder, from start to exit",
        module="ours",
        connections=(4, 16),
    ),
    Entrant(
        name="airbyte-cdk",
        label="airbyte-cdk, extract only",
        about="`source-declarative-manifest read` from start to exit; writes text to a file, loads nothing",
        module="airbyte_extract",
        requirements=CDK,
        connections=(4, 16),
    ),
    Entrant(
        name="pyairbyte",
        label="PyAirbyte",
        about="loads the same manifest into PyAirbyte's DuckDB cache, whole process",
        module="pyairbyte",
        requirements=PEERS / "pyairbyte.txt",
        connections=(4, 16),
    ),
    Entrant(
        name="singer",
        label="Singer",
        about="a tap written with singer-sdk, piped into target-duckdb, from start to exit of both",
        module="singer",
        requirements=PEERS / "singer.txt",
    ),
    Entrant(
        name="dlt",
        label="dlt",
        about="`rest_api` with dlt's defaults, merged on `id`, one pipeline run for all orders, whole process",
        module="rest_api",
        requirements=PEERS / "dlt.txt",
    ),
)
LOOP = Entrant(
    name="loop",
    label="plain loop",
    about="a script that requests the children of one row after another and counts them; it loads nothing",
    module="loop",
)
READERS = (
    Entrant(
        name="manifest",
        label="ours, the manifest translated",
        about="requests of this project, rows assigned to their windows, typed columns in Arrow batches, and the keys, "
        "which are collected to find duplicates; no files",
        module="manifest_native",
        connections=(4,),
    ),
    Entrant(
        name="manifest-second-engine",
        label="ours, the manifest read by airbyte-cdk",
        about="the same batches, but airbyte-cdk makes the requests in a process of its own, one window after another; "
        "the start of that process and its imports are included",
        module="manifest_second_engine",
    ),
    Entrant(
        name="manifest-cdk",
        label="airbyte-cdk alone",
        about="its own `read()` in one process, records as Python objects; they are neither written nor converted",
        module="manifest_cdk",
        requirements=CDK,
        connections=(4,),
    ),
)
"""They read the same manifest and load nothing; their CPU seconds are compared with those of the last one."""

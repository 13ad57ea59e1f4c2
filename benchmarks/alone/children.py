"""Children of many parents: fetched concurrently and loaded, compared with a loop that fetches one after another."""

import os
from collections.abc import Iterator

import requests

from benchmarks.customers import CUSTOMERS
from benchmarks.peers.answer import arguments, say, timed
from benchmarks.peers.settings import billing_settings
from benchmarks.task import END
from connectors_dagster import load_connectors
from connectors_dagster.load.pipeline import loading
from connectors_dagster.load.request import LoadRequest


def main() -> None:
    """Time both."""
    address, connections = arguments()
    os.environ.update(billing_settings(address, connections))
    resources = load_connectors()["billing"].graph
    with timed() as ours, loading(LoadRequest(now=END, resources=[resources["customer_addresses"]])) as load:
        outcome = load.outcomes["customer_addresses"]
    if outcome.error or sum(stats.rows for stats in outcome.stats_by_slice.values()) != CUSTOMERS:
        raise outcome.error or SystemExit(f"{outcome.stats_by_slice}, not {CUSTOMERS} rows")
    with timed() as loop:
        assert sum(1 for _ in one_after_another(address)) == CUSTOMERS
    say(
        {
            f"seconds to fetch the addresses of {CUSTOMERS:,} customers one after another": loop["seconds"],
            f"seconds to fetch and load them, {connections} concurrent requests": ours["seconds"],
            "times as fast": loop["seconds"] / ours["seconds"],
        }
    )


def one_after_another(address: str) -> Iterator[object]:
    """Yield the addresses."""
    with requests.Session() as session:
        for customer in session.get(f"{address}/v1/customers").json()["data"]:
            yield from session.get(f"{address}/v1/customers/{customer['id']}/addresses").json()["data"]


if __name__ == "__main__":
    main()

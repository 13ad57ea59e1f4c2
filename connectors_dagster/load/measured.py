"""Measures a load for OpenTelemetry: its trace, what was read of each resource, and the lag of each window."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.windows import Slice
from connectors_dagster.telemetry import measures
from connectors_dagster.telemetry.exporting import flush
from connectors_dagster.telemetry.instruments import COUNTS

if TYPE_CHECKING:
    from connectors_dagster.load.extract import Outcome


def labels_of(resource: Resource) -> measures.Labels:
    """Return the labels of what is measured of a resource."""
    return {"connector": resource.connector.name, "resource": resource.name}


@contextmanager
def measured_load(root: Resource) -> Iterator[None]:
    """Trace the load of the family of a root resource, and send what was measured at its end."""
    try:
        with measures.phase("total", labels_of(root)):
            yield
    finally:
        flush()


def measure_reads(outcomes: Iterable["Outcome"], now: datetime) -> None:
    """Count what was read, and measure how much of each window is not."""
    for outcome in outcomes:
        labels = labels_of(outcome.resource)
        for slice_, stats in outcome.stats_by_slice.items():
            measures.count({name: getattr(stats, name) for name in COUNTS}, labels)
            if slice_ is None:
                if outcome.error is None:
                    measures.window(now.timestamp(), 0.0, labels)
            elif outcome.error is None or slice_ in outcome.failed:
                read = slice_.claimed(settled=not stats.unsettled)
                _measure_window(slice_, slice_.since if slice_ in outcome.failed else read.until, now, labels)


def _measure_window(slice_: Slice, until: datetime, now: datetime, labels: measures.Labels) -> None:
    lag = (min(slice_.window.end, now) - until).total_seconds()
    measures.window(until.timestamp(), max(lag, 0.0), {**labels, "window": slice_.window.key})

"""What is measured: the names, units and meanings of all metrics."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.metrics import Counter, Histogram, Meter
    from opentelemetry.metrics import _Gauge as Gauge

SCOPE = "connectors_dagster"


@dataclass(frozen=True)
class Metric:
    """The name, unit (UCUM) and meaning of a metric; `bounds` are those of the buckets of a histogram."""

    name: str
    unit: str
    description: str
    bounds: tuple[float, ...] = ()


COUNTS = {
    "requests": Metric("connectors.requests", "{request}", "Requests, with retries."),
    "retries": Metric("connectors.retries", "{request}", "Requests that were retries."),
    "waited": Metric("connectors.wait.time", "s", "Seconds waited for rate limits and before retries, of all threads."),
    "rows": Metric("connectors.rows", "{row}", "Rows that were read and kept."),
    "bytes": Metric("connectors.response.size", "By", "Bytes of decoded response bodies."),
}
REQUEST = Metric(
    "http.client.request.duration",
    "s",
    "Duration of HTTP client requests.",
    (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10),
)
"""By the semantic conventions, which also give the bounds: https://opentelemetry.io/docs/specs/semconv/http/http-metrics/"""
PHASE = Metric(
    "connectors.phase.duration", "s", "Seconds of a phase of a load.", (0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600)
)
LAG = Metric("connectors.window.lag", "s", "Seconds of a window, up to now, that are not read.")
FETCHED_UNTIL = Metric("connectors.window.fetched_until", "s", "Until when a window is read, in seconds since 1970.")


class Instruments:
    """The instruments of a meter."""

    def __init__(self, meter: "Meter") -> None:
        """Create all of them; the SDK allows each name only once."""

        def histogram(metric: Metric) -> "Histogram":
            return meter.create_histogram(
                metric.name,
                metric.unit,
                metric.description,
                explicit_bucket_boundaries_advisory=list(metric.bounds),
            )

        def gauge(metric: Metric) -> "Gauge":
            return meter.create_gauge(metric.name, metric.unit, metric.description)

        self.counters: Mapping[str, Counter] = {
            name: meter.create_counter(metric.name, metric.unit, metric.description) for name, metric in COUNTS.items()
        }
        self.request, self.phase = histogram(REQUEST), histogram(PHASE)
        self.lag, self.fetched_until = gauge(LAG), gauge(FETCHED_UNTIL)

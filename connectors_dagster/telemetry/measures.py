"""Measures requests, phases and reads. Does nothing, and imports nothing, unless OpenTelemetry is configured."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from connectors_dagster.telemetry.exporting import start
from connectors_dagster.telemetry.instruments import SCOPE, Instruments

if TYPE_CHECKING:
    from opentelemetry.metrics import Histogram
    from opentelemetry.trace import SpanKind, Tracer

Labels = Mapping[str, str]
"""The connector and the resource that something belongs to. Never values of settings: they may be secrets."""


@contextmanager
def request(method: str, labels: Labels, status: Callable[[], int]) -> Iterator[None]:
    """Measure an HTTP request, and trace it; `status` returns the status of its response, or 0."""
    if not start():
        yield
        return
    from opentelemetry.trace import SpanKind

    with _timed(method, {**labels, "http.request.method": method}, _make()[0].request, SpanKind.CLIENT) as attributes:
        try:
            yield
        finally:
            if code := status():
                attributes["http.response.status_code"] = code
            if code >= 400:
                attributes["error.type"] = str(code)


@contextmanager
def phase(name: str, labels: Labels) -> Iterator[None]:
    """Measure a phase of a load, such as ``read`` or ``load``, and trace it."""
    if not start():
        yield
        return
    from opentelemetry.trace import SpanKind

    with _timed(name, {**labels, "phase": name}, _make()[0].phase, SpanKind.INTERNAL):
        yield


def record_phase(name: str, seconds: float, labels: Labels) -> None:
    """Measure a phase whose parts were timed one by one."""
    if start():
        _make()[0].phase.record(seconds, {**labels, "phase": name})


def count(counts: Mapping[str, float], labels: Labels) -> None:
    """Add to the counters; `counts` has their names in `COUNTS`."""
    if start():
        for name, number in counts.items():
            _make()[0].counters[name].add(number, labels)


def window(fetched_until: float, lag: float, labels: Labels) -> None:
    """Set until when a window is read, in seconds since 1970, and how many seconds of it are not."""
    if start():
        _make()[0].fetched_until.set(fetched_until, labels)
        _make()[0].lag.set(lag, labels)


@contextmanager
def _timed(name: str, attributes: dict[str, Any], histogram: "Histogram", kind: "SpanKind") -> Iterator[dict[str, Any]]:
    """Trace and measure a block, which may add attributes. An error may quote a secret: only its type is exported."""
    from opentelemetry.trace import StatusCode

    started = time.perf_counter()
    tracer = _make()[1]
    with tracer.start_as_current_span(name, kind=kind, record_exception=False, set_status_on_exception=False) as span:
        try:
            yield attributes
        except BaseException as error:
            attributes.setdefault("error.type", type(error).__name__)
            raise
        finally:
            span.set_attributes(attributes)
            if "error.type" in attributes:
                span.set_status(StatusCode.ERROR)
            histogram.record(time.perf_counter() - started, attributes)


@cache
def _make() -> "tuple[Instruments, Tracer]":
    from opentelemetry import metrics, trace

    return Instruments(metrics.get_meter(SCOPE)), trace.get_tracer(SCOPE)

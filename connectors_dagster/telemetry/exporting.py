"""Starts OpenTelemetry's SDK if its environment variables ask for it, and flushes what it has collected."""

import logging
import os
import threading
import time
from functools import cache
from importlib.util import find_spec
from urllib.parse import urlsplit

log = logging.getLogger(__name__)
EXPORTERS = {"TRACES": "OTEL_TRACES_EXPORTER", "METRICS": "OTEL_METRICS_EXPORTER"}
PROTOCOL = "OTEL_EXPORTER_OTLP_PROTOCOL"
FLUSH_MILLIS = 5_000


def is_wanted() -> bool:
    """Return whether the environment asks for traces or metrics; nothing is imported for it."""
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    return bool(os.environ.get("OTEL_CONFIG_FILE")) or any(_exporter(signal) != "none" for signal in EXPORTERS)


@cache
def start() -> bool:
    """Start the SDK once in this process; returns whether anything is measured.

    A program that has started it, such as `opentelemetry-instrument`, keeps its providers. If the SDK cannot start,
    that is a warning: what is loaded does not depend on it.
    """
    if not is_wanted():
        return False
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.sdk") is None:
        log.warning("OpenTelemetry is configured but not installed: pip install 'connectors_dagster[telemetry]'")
        return False
    from opentelemetry.trace import ProxyTracerProvider, get_tracer_provider

    if not isinstance(get_tracer_provider(), ProxyTracerProvider):
        return True
    from connectors_dagster.compat.opentelemetry_sdk import configure_sdk

    _complete_environment()
    try:
        configure_sdk()
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        log.warning("no traces and metrics: OpenTelemetry could not be started: %s: %s", type(error).__name__, error)
        return False
    return True


def flush() -> None:
    """Send what was measured: a process of Dagster may end without another chance. Does nothing if nothing is measured.

    The SDK waits longer than it is told. So a receiver that does not answer delays a load by a few seconds only, and
    the SDK goes on trying meanwhile.
    """
    if not start():
        return
    from opentelemetry import metrics, trace

    until = time.monotonic() + FLUSH_MILLIS / 1000
    sending = [
        threading.Thread(target=force_flush, kwargs={"timeout_millis": FLUSH_MILLIS}, daemon=True)
        for provider in (trace.get_tracer_provider(), metrics.get_meter_provider())
        if (force_flush := getattr(provider, "force_flush", None))
    ]
    for thread in sending:
        thread.start()
    for thread in sending:
        thread.join(max(0.0, until - time.monotonic()))
    if any(thread.is_alive() for thread in sending):
        log.warning(
            "OpenTelemetry: %s has not taken the traces and metrics of a load within %g s: they may be lost",
            " and ".join(_receivers()) or "the receiver",
            FLUSH_MILLIS / 1000,
        )


def _receivers() -> list[str]:
    """Return the hosts of the endpoints of OTLP, without credentials."""
    names = ("OTEL_EXPORTER_OTLP_ENDPOINT", *(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT" for signal in EXPORTERS))
    return [urlsplit(os.environ[name]).netloc.rpartition("@")[2] for name in names if os.environ.get(name)]


def _exporter(signal: str) -> str:
    """Return the exporter of a signal; an endpoint of OTLP is enough to ask for it."""
    endpoints = ("OTEL_EXPORTER_OTLP_ENDPOINT", f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    return os.environ.get(EXPORTERS[signal]) or ("otlp" if any(map(os.environ.get, endpoints)) else "none")


def _complete_environment() -> None:
    """Set what the specification of OpenTelemetry has as defaults and the SDK of Python does not."""
    for signal, name in EXPORTERS.items():
        os.environ[name] = _exporter(signal)
    os.environ.setdefault(PROTOCOL, "http/protobuf")  # the SDK's own default is a package that is not installed
    if "service.name=" not in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", ""):
        os.environ.setdefault("OTEL_SERVICE_NAME", "connectors_dagster")

"""A collector of OpenTelemetry that keeps what it receives over OTLP/HTTP."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass
class Collector:
    """Answers every export with 200; `bodies` are the exports by path, as they were sent but decompressed."""

    bodies: list[tuple[str, bytes]] = field(default_factory=list)
    port: int = 0

    @property
    def environment(self) -> dict[str, str]:
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.port}"}

    @property
    def spans(self) -> list[Any]:
        """All spans, as protobuf."""
        received = [ExportTraceServiceRequest.FromString(body) for path, body in self.bodies if path == "/v1/traces"]
        scopes = [scope for one in received for part in one.resource_spans for scope in part.scope_spans]
        return [span for scope in scopes for span in scope.spans]

    @property
    def sources(self) -> set[tuple[tuple[str, Any], ...]]:
        """What the processes that have sent metrics call themselves."""
        received = [ExportMetricsServiceRequest.FromString(body) for path, body in self.bodies if path == "/v1/metrics"]
        return {tuple(labels(part.resource).items()) for one in received for part in one.resource_metrics}

    @property
    def points(self) -> dict[str, list[tuple[dict[str, Any], float]]]:
        """By metric the labels and the value, or sum, of all points that the last export of it has."""
        received = [ExportMetricsServiceRequest.FromString(body) for path, body in self.bodies if path == "/v1/metrics"]
        scopes = [scope for one in received for part in one.resource_metrics for scope in part.scope_metrics]
        found = {}
        for metric in (metric for scope in scopes for metric in scope.metrics):
            points = getattr(metric, metric.WhichOneof("data")).data_points
            found[metric.name] = [(labels(point), _value(point)) for point in points]
        return found

    @contextmanager
    def served(self) -> Iterator["Collector"]:
        with ThreadingHTTPServer(("127.0.0.1", 0), self._handler()) as server:
            self.port = server.server_port
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield self
            server.shutdown()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        bodies = self.bodies

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # http.server's name
                body = self.rfile.read(int(self.headers["Content-Length"]))
                bodies.append((self.path, gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


def labels(of: Any) -> dict[str, Any]:
    """The attributes of a span or a point."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in of.attributes}


def _value(point: Any) -> float:
    return float(point.sum if hasattr(point, "bucket_counts") else getattr(point, point.WhichOneof("value")))

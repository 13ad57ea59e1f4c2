"""Traces and metrics of reading and loading, for OpenTelemetry. May import compat."""

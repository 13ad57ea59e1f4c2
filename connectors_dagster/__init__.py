"""Declarative REST connectors as partitioned Dagster assets, loaded by dlt."""

"""Airbyte: reads declarative manifests of Airbyte into connectors. May import spec, expressions and errors."""

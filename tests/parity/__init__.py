"""Parity: what airbyte-cdk reads of a manifest from a made-up API, and what this project reads of it."""

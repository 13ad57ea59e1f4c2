"""Orchestration: shows connectors in Dagster. Only this room, compat and definitions.py import Dagster.

May import compat, files, spec, airbyte, cdk, config, secrets, http, read, load, connectors, defs and errors.
"""

"""Orchestration: show connectors in Dagster. Only this room, compat and definitions.py import Dagster.

May import compat, spec, config, secrets, http, read, load and errors.
"""

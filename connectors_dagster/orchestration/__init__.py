"""Orchestration: how connectors show in Dagster, which only this room and definitions.py import.

May import compat, spec, config, secrets, http, read, load and errors.
"""

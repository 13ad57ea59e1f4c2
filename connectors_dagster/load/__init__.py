"""Loading: one dlt pipeline per family, into any destination.

May import compat, files, spec, config, secrets, rows, http, read, telemetry and errors.
"""

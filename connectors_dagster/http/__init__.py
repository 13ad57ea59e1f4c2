"""HTTP: requests to one server, with retries and rate limits, and pages that are checked.

May import compat, files, spec, secrets, rows, telemetry and errors.
"""

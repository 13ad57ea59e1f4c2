"""HTTP: requests to one server, with retries and rate limits, and pages that are checked.

May import cache_files, compat, spec, secrets, rows and errors.
"""

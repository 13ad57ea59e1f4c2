"""HTTP: requests to one origin, retries, paginators, checked pages.

May import compat, spec, config, secrets, rows and errors.
"""

"""HTTP: requests to one origin, retries, paginators, checked pages.

May import spec, config, secrets, rows and errors.
"""

"""Settings, folders and locks of this project, read from dlt's configuration.

May import cache_files, compat, spec, secrets and errors.
"""

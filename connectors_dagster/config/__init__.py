"""Settings, folders and locks of this project, read from dlt's configuration.

May import compat, files, spec, secrets and errors.
"""

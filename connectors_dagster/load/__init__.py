"""Loading: one dlt pipeline per family, into any destination.

May import compat, spec, config, rows, http, read and errors.
"""

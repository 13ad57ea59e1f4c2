"""Reading: resources over windows, in parallel.

May import compat, spec, config, secrets, http, programs, rows and errors.
"""

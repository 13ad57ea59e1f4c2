"""Reading: resources over windows, in parallel. May import compat, spec, config, secrets, http, rows and errors."""

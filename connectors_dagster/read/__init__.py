"""Reading: resources over windows, in parallel. May import spec, config, secrets, http, rows and errors."""

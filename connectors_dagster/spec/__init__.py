"""What a connector is: values without I/O. May import only compat, secrets and expressions."""

"""What a connector is: values without I/O. May import nothing of this project but the access to dlt."""

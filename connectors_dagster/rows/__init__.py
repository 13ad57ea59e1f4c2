"""Rows: JSON bytes become Arrow batches without losing a digit. May import compat, spec and errors."""

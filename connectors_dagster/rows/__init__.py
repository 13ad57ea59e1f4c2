"""Rows: converts JSON bytes to Arrow batches without losing a digit. May import compat, spec, secrets and errors."""

"""Rows: converts JSON bytes to Arrow batches without losing a digit.

May import compat, spec, secrets, expressions and errors.
"""

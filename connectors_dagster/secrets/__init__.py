"""Masking of secrets in text. May not import anything from this project."""

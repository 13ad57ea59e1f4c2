"""Secrets: what masks them in text. May import nothing of this project."""

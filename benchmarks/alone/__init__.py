"""Measurements of this project alone: each script prints figures by name."""

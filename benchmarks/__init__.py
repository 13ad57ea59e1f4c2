"""Compares this project with others: the same orders, the same machine, in turn."""

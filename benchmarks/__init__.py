"""Measures this project beside others: the same orders, the same machine, in turn."""

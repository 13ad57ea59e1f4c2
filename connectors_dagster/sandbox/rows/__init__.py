"""The databases of the made-up businesses."""

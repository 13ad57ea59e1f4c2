"""Programs: runs a program that reads rows in a process of its own.

May import spec, secrets, rows, http and errors.
"""

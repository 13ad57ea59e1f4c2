"""Access to the parts of dlt and Dagster that are not public: one module for each library.

A new release may change them, so tests/compat tests each of them.
May not import anything from this project.
"""

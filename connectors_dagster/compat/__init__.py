"""Access to the parts of dlt and Dagster that are not public: one module for each library.

A new release may change what stands here, so tests/compat has a test for each of them.
May import nothing of this project.
"""

"""Where `dg scaffold defs` writes: connectors in YAML, and whatever is built on the tables of all connectors.

May not import anything from this project.
"""

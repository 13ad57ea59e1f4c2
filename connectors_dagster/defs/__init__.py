"""How connectors show in Dagster; only here and in the entry points is dagster imported."""

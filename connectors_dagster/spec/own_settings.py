"""The settings that every connector has, whatever it declares itself."""

from dataclasses import fields

from connectors_dagster.spec.limits import Limits

OWN_SETTINGS = frozenset(field.name for field in fields(Limits) if field.name != "connector") | frozenset(
    "allow_http automation lookback max_loss max_parallel_requests moved_from owners requests_per_minute".split()
    + "resources schedule stale_after_hours start_date step".split()
)
"""Their names. A setting that stands for something else needs another name."""

"""What people should know about a read that succeeded, in sentences."""

from datetime import timedelta

from connectors_dagster.config.selected_resources import leave_out
from connectors_dagster.config.settings import environment_name
from connectors_dagster.http.read_stats import ReadStats
from connectors_dagster.http.server_clock import LONGEST_LAG
from connectors_dagster.spec.resource import Resource

WORTH_A_REMARK = timedelta(minutes=1)
FEW_COPIES, SHARE_OF_COPIES = 3, 0.01
"""So many copies, or this share of the rows, are usual while rows are edited."""


def remarks_on(resource: Resource, stats: ReadStats) -> list[str]:
    """Return the remarks on a read; the name of the resource is not in them."""
    return [
        *_not_available(resource, stats),
        *_outside(resource, stats),
        *_parents_without_key(resource, stats),
        *_copies(stats),
        *_unsettled(stats),
        *_untyped(resource, stats),
        *_clock(timedelta(seconds=stats.clock_lag)),
    ]


def _not_available(resource: Resource, stats: ReadStats) -> list[str]:
    if not stats.not_available:
        return []
    return [
        "the API says that this account does not have it, so the table stays as it is; "
        f"{leave_out(resource)} leaves it out"
    ]


def _outside(resource: Resource, stats: ReadStats) -> list[str]:
    found = []
    if stats.before_start:
        start = environment_name(resource.connector, "start_date")
        found.append(
            f"rows that are older than the first window and were not loaded: {stats.before_start}. Set {start} to an "
            "earlier date, or before_start='keep' of the cursor to load them with the first window"
        )
    if stats.after_end:
        found.append(
            f"rows that are newer than the last window and were not loaded: {stats.after_end}. They are loaded when "
            "the window of their time begins"
        )
    return found


def _parents_without_key(resource: Resource, stats: ReadStats) -> list[str]:
    if not stats.parents_without_key:
        return []
    fields = ", ".join(resource.requested_fields)
    return [
        f"rows of {resource.parent} without {fields}: {stats.parents_without_key}. Nothing can be requested for them, "
        "so the table has no rows of theirs"
    ]


def _copies(stats: ReadStats) -> list[str]:
    if stats.duplicates <= max(FEW_COPIES, stats.keys * SHARE_OF_COPIES):
        return []
    return [
        f"rows that were read more than once: {stats.duplicates}. The newest copy of each was loaded; if the copies "
        "are different rows, primary_key does not identify a row"
    ]


def _unsettled(stats: ReadStats) -> list[str]:
    if not stats.unsettled:
        return []
    return [
        "rows may have moved between pages while they were read, and others may be missing: the next refresh reads "
        "them all again. If rows of this API never move between pages, set pages_are_stable"
    ]


def _untyped(resource: Resource, stats: ReadStats) -> list[str]:
    if not stats.untyped:
        return []
    return [
        f"columns that the table has as text or json, although they are declared with another type: "
        f"{', '.join(stats.untyped)}. `connectors retype {resource}` gives them the declared type without loss"
    ]


def _clock(lag: timedelta) -> list[str]:
    if lag < WORTH_A_REMARK:
        return []
    if lag >= LONGEST_LAG:
        return [
            f"the Date header of the API is more than {LONGEST_LAG.days} days behind, so it is not a clock: windows "
            "that ended before that are complete, later ones are read again by every refresh"
        ]
    clock = f"the clock of the API is about {_about(lag)} behind ours"
    return [f"{clock}: windows count as read only up to the time that it shows"]


def _about(lag: timedelta) -> str:
    for unit, length in (("days", timedelta(days=1)), ("hours", timedelta(hours=1))):
        if lag >= 2 * length:
            return f"{lag / length:.0f} {unit}"
    return f"{lag / timedelta(minutes=1):.0f} minutes"

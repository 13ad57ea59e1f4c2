"""The part of dlt that copies CSV into Postgres.

Not public in dlt: its client of Postgres asks `is_nullable_column` of its module in which columns it has to turn empty
text into NULL. CSV that Arrow writes needs that in none: it quotes every text and no NULL.

Importing this module loads neither Arrow nor psycopg2.
"""


def copy_exactly() -> None:
    """Make dlt keep empty text when it copies CSV into Postgres; a second call changes nothing."""
    from dlt.destinations.impl.postgres import postgres

    vars(postgres)["is_nullable_column"] = lambda _: False

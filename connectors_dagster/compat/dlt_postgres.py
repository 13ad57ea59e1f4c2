"""The part of dlt that copies CSV into Postgres.

Not public in dlt: that its job asks `is_nullable_column` of its own module in which columns it has to turn empty text
into NULL. CSV that Arrow writes needs that in none: it quotes every text and no NULL.

Importing this module loads neither Arrow nor psycopg2.
"""


def keep_empty_text() -> None:
    """Make dlt keep empty text when it copies CSV into Postgres; a second call changes nothing."""
    from dlt.destinations.impl.postgres import postgres

    vars(postgres)["is_nullable_column"] = lambda _: False

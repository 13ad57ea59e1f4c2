"""A Postgres of its own for what is loaded into one."""

from collections.abc import Iterator
from contextlib import contextmanager


def what_is_missing() -> str | None:
    """Return what is missing to run Postgres here; None if nothing is."""
    try:
        from tests.support.postgres import find_programs
    except ImportError as error:
        return f"{error}; `make test` installs it"
    return None if find_programs() else "Postgres is not installed; `make postgres` does that"


@contextmanager
def empty() -> Iterator[str]:
    """Run an empty Postgres and yield the URL of a database."""
    from tests.support.postgres import Postgres, cluster, find_programs

    programs = find_programs()
    assert programs, what_is_missing()
    with cluster(programs) as port:
        database = Postgres(port=port, database="bench")
        database.create()
        yield database.url

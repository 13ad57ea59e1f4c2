"""What a destination can do, as one value per destination."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

from connectors_dagster.config.settings import destination_name, table_format
from connectors_dagster.config.values import TableFormat


@dataclass(frozen=True, kw_only=True)
class Traits:
    """What a destination supports.

    Args:
        writer_lock: how concurrent writers are kept apart: by a ``file`` beside the database, which takes one writing
            process; by an ``advisory`` lock of the database for each family; by either of them at the ``catalog`` of
            a lake; or not at all.
        counts_rows: whether it counts the rows of a table without reading them.
        stores_nul: whether text may contain the character NUL.
        describes_tables: whether it lists tables and columns as they are named here.
        reads_parquet: whether SQL can read a parquet file of a load package, to compare its keys with the table's.
        merges_files: whether it merges rows from a parquet file faster than from a staging table.
        table_format: of the files of a lake, which the library of this name reads and changes; None for a database.
        copies_csv: whether it loads CSV faster than SQL text, and keeps empty text apart from NULL.
        compares_rows: whether a merge can leave out rows that are older than those of the table; tested here.
        copied_from: whether `connectors copy` reads tables from it; tested here.
        child_tables: whether a merge also replaces the child tables that dlt makes of nested lists.
        says_top: whether a query says TOP where others say LIMIT.
        plain_tables: whether a statement creates a table from nothing but its columns.
        updates_rows: whether UPDATE changes rows, and a condition of DELETE may look into another table, row by row.
    """

    writer_lock: Literal["file", "advisory", "catalog"] | None = None
    counts_rows: bool = False
    stores_nul: bool = True
    describes_tables: bool = False
    reads_parquet: bool = False
    merges_files: bool = False
    table_format: TableFormat | None = None
    copies_csv: bool = False
    compares_rows: bool = False
    copied_from: bool = False
    child_tables: bool = True
    says_top: bool = False
    plain_tables: bool = True
    updates_rows: bool = True

    @property
    def in_file(self) -> bool:
        """Whether the database is a file of this machine, the one that `duckdb_file` names."""
        return self.writer_lock == "file"

    @property
    def retypes_columns(self) -> bool:
        """Whether columns can get another type: no load can interfere, and statements form a transaction."""
        return self.writer_lock in ("file", "advisory")


_EVERYWHERE = partial(Traits, counts_rows=True, describes_tables=True, compares_rows=True)
_ANY_DUCKDB, _LAKE = (
    partial(_EVERYWHERE, reads_parquet=True, copied_from=True),
    partial(_EVERYWHERE, child_tables=False),
)

TRAITS: Mapping[str, Traits] = {
    "duckdb": _ANY_DUCKDB(writer_lock="file", merges_files=True),
    "ducklake": _ANY_DUCKDB(writer_lock="catalog"),
    "delta": _LAKE(table_format="delta"),
    "iceberg": _LAKE(table_format="iceberg"),
    "motherduck": Traits(counts_rows=True, describes_tables=True),
    "postgres": Traits(
        writer_lock="advisory",
        stores_nul=False,
        describes_tables=True,
        copies_csv=True,
        compares_rows=True,
        copied_from=True,
    ),
    "redshift": Traits(stores_nul=False, describes_tables=True),
    "clickhouse": Traits(plain_tables=False, updates_rows=False),
    "athena": Traits(plain_tables=False),
    "mssql": Traits(says_top=True),
    "synapse": Traits(says_top=True),
    "fabric": Traits(says_top=True),
}


def destination_traits(name: str | None = None) -> Traits:
    """Return the traits of a destination, by default the configured one; the most cautious ones if it is not listed."""
    name = name or destination_name()
    return TRAITS.get(table_format() or name if name == "filesystem" else name, Traits())

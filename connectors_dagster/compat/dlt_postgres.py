"""The part of dlt that copies CSV into Postgres.

Not public in dlt:

* that its client of Postgres copies a file with the class `PostgresCsvCopyJob` of its module, which is replaced;
* that this class asks `is_nullable_column` of its module in which columns it has to turn empty text into NULL. CSV that
  Arrow writes needs that in none: it quotes every text and no NULL.

Importing this module loads neither Arrow nor psycopg2.
"""

from functools import cache
from pathlib import Path
from typing import Any

from dlt.common.schema.typing import C_DLT_LOAD_ID


@cache
def copy_exactly() -> None:
    """Make dlt keep empty text when it copies CSV into Postgres, and copy no row twice."""
    from dlt.destinations.impl.postgres import postgres

    class CopyOnce(postgres.PostgresCsvCopyJob):
        """Copies a file; if it is retried, it removes what an attempt has copied whose commit was not confirmed."""

        def run(self) -> None:
            """Copy the file."""
            if self.job_file_info().retry_count and self._is_alone():
                client: Any = self._job_client.sql_client
                table, load_id = (
                    client.make_qualified_table_name(self.load_table_name),
                    client.escape_column_name(C_DLT_LOAD_ID),
                )
                client.execute_sql(f"DELETE FROM {table} WHERE {load_id} = %s", self._load_id)
            super().run()

        def _is_alone(self) -> bool:
            """Return whether the package has no other file for the table."""
            folder, file = Path(self._file_path).parent.parent, self.job_file_info()
            return len(list(folder.glob(f"*/{file.table_name}.*.{file.file_format}"))) == 1

    vars(postgres)["is_nullable_column"] = lambda _: False
    vars(postgres)["PostgresCsvCopyJob"] = CopyOnce

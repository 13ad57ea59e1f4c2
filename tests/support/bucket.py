"""A bucket of a made-up S3 on 127.0.0.1, and the lake in it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb

from tests.support.served_program import served_program
from tests.support.warehouse import Tables

KEY = "made-up"


@dataclass
class Bucket(Tables):
    """A lake of Delta or Iceberg tables in a bucket, read with the libraries of these formats."""

    name: str
    address: str

    @property
    def settings(self) -> dict[str, str]:
        """The environment variables that lead to it."""
        credentials = {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": KEY,
            "ENDPOINT_URL": self.address,
            "REGION_NAME": "us-east-1",
        }
        prefix = "DESTINATION__FILESYSTEM__"
        return {
            f"{prefix}BUCKET_URL": f"s3://{self.name}",
            **{f"{prefix}CREDENTIALS__{name}": value for name, value in credentials.items()},
        }

    def make(self) -> None:
        """Create it."""
        self._files().mkdir(self.name)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a query and return its rows."""
        files = self._files()
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            for dataset in files.ls(self.name):
                connection.execute(f'CREATE SCHEMA "{dataset.rpartition("/")[2]}"')
                for folder in files.ls(dataset):
                    if (rows := self._rows(files, folder)) is not None:
                        connection.register("rows", rows)
                        table = '"."'.join(folder.split("/")[1:])
                        connection.execute(f'CREATE TABLE "{table}" AS SELECT * FROM rows')
            return connection.execute(sql).fetchall()

    def _files(self) -> Any:
        import s3fs

        return s3fs.S3FileSystem(
            key=KEY, secret=KEY, endpoint_url=self.address, use_listings_cache=False, skip_instance_cache=True
        )

    def _rows(self, files: Any, folder: str) -> Any:
        if files.exists(f"{folder}/_delta_log"):
            from deltalake import DeltaTable

            options = {
                "AWS_ACCESS_KEY_ID": KEY,
                "AWS_SECRET_ACCESS_KEY": KEY,
                "AWS_ENDPOINT_URL": self.address,
                "AWS_REGION": "us-east-1",
                "AWS_ALLOW_HTTP": "true",
            }
            return DeltaTable(f"s3://{folder}", storage_options=options).to_pyarrow_table()
        if metadata := sorted(files.glob(f"{folder}/metadata/*.json")):
            from pyiceberg.table import StaticTable

            options = {"s3.endpoint": self.address, "s3.access-key-id": KEY, "s3.secret-access-key": KEY}
            table = StaticTable.from_metadata(f"s3://{metadata[-1]}", {**options, "s3.region": "us-east-1"})
            return table.scan().to_arrow()
        return None


@contextmanager
def serving() -> Iterator[str]:
    """Serve S3 and yield its address; in a process of its own, because deltalake waits for it with Python's lock."""
    program = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p"]
    with served_program(lambda port, _: [*program, str(port)]) as port:
        yield f"http://127.0.0.1:{port}"

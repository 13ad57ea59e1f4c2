"""A bucket of a made-up S3 on 127.0.0.1, and the lake in it."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from fsspec.spec import AbstractFileSystem

from tests.support.served_program import served_program
from tests.support.warehouse import FolderTables

KEY = "made-up"


@dataclass
class Bucket(FolderTables):
    """A lake of Delta or Iceberg tables in a bucket."""

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
        self.files.mkdir(self.name)

    @property
    def folder(self) -> str:
        """Its name."""
        return self.name

    @property
    def files(self) -> AbstractFileSystem:
        """The files of the made-up S3."""
        import s3fs

        return s3fs.S3FileSystem(
            key=KEY, secret=KEY, endpoint_url=self.address, use_listings_cache=False, skip_instance_cache=True
        )

    @property
    def options(self) -> Mapping[str, Mapping[str, str]]:
        """Address and credentials, as each library names them."""
        delta = {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": KEY,
            "AWS_ENDPOINT_URL": self.address,
            "AWS_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true",
        }
        iceberg = {"s3.endpoint": self.address, "s3.access-key-id": KEY, "s3.secret-access-key": KEY}
        return {"delta": delta, "iceberg": {**iceberg, "s3.region": "us-east-1"}}


@contextmanager
def serving() -> Iterator[str]:
    """Serve S3 and yield its address; in a process of its own, because deltalake waits for it with Python's lock."""
    program = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p"]
    with served_program(lambda port, _: [*program, str(port)]) as port:
        yield f"http://127.0.0.1:{port}"

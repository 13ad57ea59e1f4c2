"""DuckLake: where its catalog is, who may write to it, and the DuckDB extensions it needs, without any download."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import dlt

from connectors_dagster.compat.dlt_internals import AnyDestination
from connectors_dagster.config.locks import exclusive_lock
from connectors_dagster.config.values import environment
from connectors_dagster.config.workdir import project_folder
from connectors_dagster.errors import LoadError, SettingError
from connectors_dagster.files.private_files import private_files
from connectors_dagster.load.postgres_lock import postgres_lock

if TYPE_CHECKING:
    from sqlalchemy import URL

CREDENTIALS = "destination.ducklake.credentials"
CATALOG, BUCKET = f"{CREDENTIALS}.catalog", f"{CREDENTIALS}.storage.bucket_url"
DEFAULT_CATALOG, DEFAULT_FILES = "connectors.ducklake", "connectors.ducklake.files"
EXTENSIONS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "duckdb": ("ducklake",),
        "sqlite": ("ducklake", "sqlite_scanner"),
        "postgres": ("ducklake", "postgres_scanner"),
        "postgresql": ("ducklake", "postgres_scanner"),
    }
)
"""The extensions of DuckDB by the kind of catalog; other kinds are refused."""
MADE = "SELECT 1 FROM information_schema.tables WHERE table_schema = %s AND table_name = 'ducklake_metadata'"
IN_FILE = ("duckdb", "sqlite")
WHERE = "the catalog of the lake"


def catalog() -> "URL":
    """Read where the catalog is; by default it is a DuckDB file in the project folder.

    Raises:
        SettingError: it is not a URL, or a database that is not tested here.
    """
    from sqlalchemy import URL, make_url  # large, and most projects have no lake

    configured: Any = dlt.secrets.get(CATALOG) or f"duckdb:///{DEFAULT_CATALOG}"
    try:
        url = URL.create(**configured) if isinstance(configured, Mapping) else make_url(str(configured))
    except (TypeError, ValueError, LookupError):
        url = URL.create("none")
    except Exception as error:  # noqa: BLE001  # sqlalchemy's own, whose message has the password
        raise _wrong_catalog(type(error).__name__) from None
    if url.drivername not in EXTENSIONS or not url.database:
        raise _wrong_catalog(url.drivername)
    return url.set(database=str((project_folder() / url.database).resolve())) if url.drivername in IN_FILE else url


def _wrong_catalog(found: str) -> SettingError:
    return SettingError(
        f"{environment(CATALOG)} is not a catalog that can be used ({found}): set a URL such as "
        "duckdb:///catalog.ducklake, sqlite:///catalog.sqlite or postgresql://user:password@host/database"
    )


def catalog_file() -> Path | None:
    """Return the file of the catalog; None if it is in a database server."""
    url = catalog()
    return Path(str(url.database)) if url.drivername in IN_FILE else None


def location() -> str:
    """Describe the lake for people and records, without credentials."""
    url = catalog()
    return str(catalog_file() or f"{url.host}/{url.database}")


def build_ducklake() -> AnyDestination:
    """Build the destination without opening it; its extensions are loaded from files of installed packages."""
    from dlt.destinations.impl.ducklake.configuration import DuckLakeCredentials  # which imports duckdb

    files: Any = None if dlt.config.get(BUCKET) else (project_folder() / DEFAULT_FILES).as_uri()
    url = catalog().render_as_string(hide_password=False)
    credentials = DuckLakeCredentials(catalog=url, storage=files)  # dlt reads what is missing
    credentials.extensions = [found for _, found in _extensions() if found]
    return dlt.destinations.ducklake(credentials=credentials)


def check_extensions() -> None:
    """Refuse to load where an extension is missing: DuckDB would download it during the load, or fail.

    Raises:
        SettingError: names the extension, and says what to install.
    """
    import duckdb  # imported here so that looking up the destination does not load a database

    for name, found in _extensions():
        if not found:
            raise SettingError(
                f"{environment('connectors.destination')} is 'ducklake', which needs DuckDB's extension {name} for "
                f"DuckDB {duckdb.__version__}, and it is not installed; nothing is downloaded during a load. Install "
                "this package with the extra ducklake: it installs a DuckDB with the extensions that fit it"
            )


def _extensions() -> Iterator[tuple[str, str]]:
    """Yield the extensions that are needed, each with what DuckDB's statement LOAD accepts; empty if it is missing."""
    import duckdb

    for name in EXTENSIONS[catalog().drivername]:
        spec = find_spec(f"duckdb_extension_{name}")
        folders = list(spec.submodule_search_locations or ()) if spec else []
        files = (Path(folder, f"extensions/v{duckdb.__version__}/{name}.duckdb_extension") for folder in folders)
        if file := next(filter(Path.exists, files), None):
            yield name, f"'{file}'"
            continue
        with duckdb.connect() as connection:
            query = "SELECT installed FROM duckdb_extensions() WHERE extension_name = ?"
            yield name, name if connection.execute(query, [name]).fetchone() == (True,) else ""


def catalog_server() -> str | None:
    """Return the URL of the Postgres with the catalog; None if the catalog is a file."""
    if catalog_file():
        return None
    return catalog().set(drivername="postgresql").render_as_string(hide_password=False)


@cache
def _make_catalog(url: str) -> None:
    """Make the catalog if there is none yet, once per process; DuckLake fails if two processes do that at once.

    Raises:
        DestinationBusyError: another process is still making it.
        TransientLoadError: the database cannot be reached.
    """
    name: Any = dlt.config.get(f"{CREDENTIALS}.metadata_schema") or dlt.config.get(f"{CREDENTIALS}.ducklake_name")
    client = dlt.dataset(dlt.destinations.postgres(credentials=url), "ducklake").sql_client
    with postgres_lock(url, WHERE, purpose="making it", where=WHERE), client:
        if not client.execute_sql(MADE, str(name or "ducklake")):
            with dlt.dataset(build_ducklake(), "ducklake").sql_client:
                pass  # opening it makes it


@contextmanager
def only_lake_writer(purpose: str, family: str = "", *, timeout: float | None = None) -> Iterator[None]:
    """Keep other writers out: of a catalog in a file, or of the tables of a family on Postgres.

    A file takes one process at a time, also one that reads. On Postgres, DuckLake keeps concurrent loads of different
    tables apart, and nobody waits for those who read.

    Args:
        purpose: what is done meanwhile; shown to those who wait.
        family: whose tables are written; empty if nothing is written.
        timeout: seconds to wait for others; by default as configured.

    Raises:
        DestinationBusyError: another process still has it; names it.
        LoadError: the folder of the catalog does not exist.
    """
    if url := catalog_server():
        _make_catalog(url)
        with postgres_lock(url, family, purpose=purpose, where=WHERE) if family else nullcontext():
            yield
        return
    file = Path(str(catalog().database))
    if not file.parent.is_dir():
        raise LoadError(f"{file}: the folder {file.parent} does not exist: create it or correct {environment(CATALOG)}")
    with private_files(), exclusive_lock(file.with_name(file.name + ".lock"), purpose, timeout=timeout):
        yield

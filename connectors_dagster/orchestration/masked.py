"""What Dagster stores of a run, without secrets: the metadata of its events, and errors that nobody expected."""

import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dagster as dg

from connectors_dagster.errors import MaskedError
from connectors_dagster.secrets.redaction import redact, redact_name


def masked(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return metadata with secrets masked in texts, in JSON with the names of its fields, and in names of columns."""
    return {name: _masked(value) for name, value in metadata.items()}


@contextmanager
def masked_errors() -> Iterator[None]:
    """Replace an error that shows a secret, itself or in what led to it.

    Raises:
        MaskedError: names the kind of the error, and says the same without the secret.
    """
    try:
        yield
    except Exception as error:
        trace = "".join(traceback.format_exception(error))
        if redact(trace) == trace:
            raise
        raise MaskedError(trace) from None  # Dagster stores nothing of an error that led to one raised from None


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {_numbered(name, at): _masked(item) for at, (name, item) in enumerate(value.items())}
    if isinstance(value, list):
        return [_masked(item) for item in value]
    if isinstance(value, dg.JsonMetadataValue):
        return dg.MetadataValue.json(_masked(value.data))
    if isinstance(value, dg.MarkdownMetadataValue):
        return dg.MetadataValue.md(redact(value.md_str or ""))
    if isinstance(value, dg.TableSchema):
        return dg.TableSchema(columns=[_column(column, number) for number, column in enumerate(value.columns)])
    return value


def _column(column: dg.TableColumn, number: int) -> dg.TableColumn:
    return dg.TableColumn(
        _numbered(column.name, number), column.type, column.description, column.constraints, tags=column.tags
    )


def _numbered(name: str, number: int) -> str:
    """Mask the name of a field; several masked names stay different."""
    safe = redact_name(name)
    return safe if safe == name else f"{safe} {number}"

"""Transformations of rows."""

from connectors_dagster.airbyte.errors import NotNativeError
from connectors_dagster.airbyte.piece import Piece
from connectors_dagster.airbyte.stream import Stream


def translate_transformations(stream: Stream) -> Piece:
    """Translate the changes that are made to rows.

    Raises:
        NotNativeError: there are some.
    """
    for one in stream.transformations:
        if "class_name" in one:
            raise NotNativeError("Python of the connector's own", f"a transformation {one['class_name']}")
        raise NotNativeError("transformations of rows", one.get("type", ""))
    if stream.definition.get("file_uploader"):
        raise NotNativeError("files that are downloaded for rows")
    return Piece()

"""The rows in a response: decoder, path, filter."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from connectors_dagster.airbyte.errors import NotNativeError
from connectors_dagster.airbyte.expressions import compiled, constant
from connectors_dagster.airbyte.piece import Piece
from connectors_dagster.airbyte.row_expressions import write_expression
from connectors_dagster.airbyte.shapes import listed
from connectors_dagster.airbyte.stream import Stream, check_decoder, only_type

PLAIN = re.compile(r"[A-Za-z_]\w*")
GLOBS = re.compile(r"[*?\[\]!]")
ALL = "*"
"""Every field of an object or item of a list, also for a paginator's JSON path."""


def translate_selection(stream: Stream) -> Piece:
    """Translate where the rows are.

    Raises:
        NotNativeError: it has no translation.
    """
    only_type(stream.retriever, "SimpleRetriever", what="a retriever")
    check_decoder(stream.retriever)
    extractor = stream.selector.get("extractor") or {}
    only_type(extractor, "DpathExtractor", what="an extractor")
    if extractor.get("record_expander"):
        raise NotNativeError("an expander of rows")
    chosen = {**_filter(stream), **({"object_is_row": True} if stream.paginator else {})}
    check_decoder(extractor)
    path = tuple(map(_field, listed(extractor.get("field_path"), "field_path")))
    if not path:
        return Piece(endpoint={"data_selector": "$"}, options=chosen)
    selector = f"$.{written_path(path)}" if path[0] == ALL else written_path(path)
    return Piece(endpoint={"data_selector": selector}, options={**chosen, "missing_envelope": "empty"})


def _filter(stream: Stream) -> dict[str, Any]:
    """Return the options that leave out rows."""
    written = stream.selector.get("record_filter")
    if not written:
        return {}
    only_type(written, "RecordFilter", what="a filter of rows")
    condition = str(written.get("condition") or "")
    if not condition or compiled(condition).is_constant:
        raise NotNativeError("a filter that is the same for all rows", condition)
    after = bool(stream.selector.get("transform_before_filtering"))
    return {
        "record_filter": write_expression(condition, stream),
        **({"filter_after_transformations": True} if after else {}),
    }


def _field(field: object) -> str:
    if isinstance(field, Mapping) or not compiled(str(field)).is_constant:
        raise NotNativeError("a path to the rows with an expression", field)
    name = str(constant(str(field)))
    if name == ALL:
        return name
    if GLOBS.search(name):
        raise NotNativeError("a path to the rows with wildcards", name)
    if name.lstrip("-").isdigit():
        raise NotNativeError("a path to the rows with a position", name)
    return name


def written_path(keys: Sequence[str | int]) -> str:
    """Write a path as JSON path.

    Raises:
        NotNativeError: a name has quotes, or a position is in the path.
    """
    for key in keys:
        if isinstance(key, int) or "'" in key or '"' in key:
            raise NotNativeError("a path with a position or quotes", key)
    return ".".join(str(key) if key == ALL or PLAIN.fullmatch(str(key)) else f"'{key}'" for key in keys)

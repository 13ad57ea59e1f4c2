"""What a stream is requested for: rows of another stream, or values of a list."""

import re
from collections import Counter
from typing import Any

from connectors_dagster.airbyte.cursor import filters_by_time
from connectors_dagster.airbyte.errors import NotNativeError
from connectors_dagster.airbyte.expressions import constant
from connectors_dagster.airbyte.manifest import Component
from connectors_dagster.airbyte.options import put
from connectors_dagster.airbyte.piece import Piece, joined
from connectors_dagster.airbyte.shapes import ODD
from connectors_dagster.airbyte.stream import LIST, Stream, only_type
from connectors_dagster.airbyte.texts import write_text
from connectors_dagster.spec.placeholders import Setting

SLICE = re.compile(r"\bstream_(?:slice|partition|interval)\b")
GROUPS = "GroupingPartitionRouter"


def translate_partitions(stream: Stream) -> Piece:
    """Translate the parent and the lists; a stream is requested for all combinations of their rows and values.

    Raises:
        NotNativeError: they are used in a way that has no translation, there are several parents, or something else.
    """
    kinds = Counter(str(one.get("type")) for one in stream.routers)
    if kinds.pop(LIST, 0) != len(stream.lists):
        raise NotNativeError("several lists of partitions with one name", ", ".join(stream.lists))
    if kinds.total() > 1:
        raise NotNativeError("requests per combination of several partitions", kinds.total())
    return joined(_list(one, stream) if one.get("type") == LIST else _parent(one, stream) for one in stream.routers)


def _parent(router: Component, stream: Stream) -> Piece:
    """Translate a stream for whose rows another one is requested."""
    if router.get("type") == GROUPS:
        raise NotNativeError("requests per group of parent rows")
    only_type(router, "SubstreamPartitionRouter", what="partitions")
    config, parent = stream.parent_config, stream.parent
    if not config:
        raise NotNativeError("a child of several parents", len(router.get("parent_stream_configs") or ()))
    if parent is None or not _same_rows(parent.definition, config.get("stream") or {}):
        raise NotNativeError("a parent that is not a stream itself", (config.get("stream") or {}).get("name", ""))
    key = str(config.get("parent_key"))
    if not key.isidentifier():
        raise NotNativeError("a parent's key that is not the name of a field", key)
    for field in ("extra_fields", "lazy_read_pointer"):
        if config.get(field):
            raise NotNativeError("more fields of the parent row", config[field])
    _check_windows(parent)
    if not config.get("request_option") and not SLICE.search(str(stream.requester)):
        raise NotNativeError("a child whose requests are the same for each row of the parent", parent.vendor_name)
    options = {"skip_parents_without_key": True, **_path_options(stream)}
    included = Piece(definition={"include_from_parent": [key]}, options=options)
    if option := config.get("request_option"):
        sent = put(option, f"{{resources.{parent.name}.{key}}}", stream)
        return joined([included, sent])
    return included


def _path_options(stream: Stream) -> dict[str, Any]:
    """Return the option for values in the path, which Airbyte does not quote."""
    return {"keep_slashes": True} if SLICE.search(str(stream.requester.get("path"))) else {}


def _list(router: Component, stream: Stream) -> Piece:
    """Translate the values of a list, which a setting may hold."""
    name, values = stream.lists[str(router.get("cursor_field"))], router.get("values") or []
    if not isinstance(values, str | list):
        raise NotNativeError(ODD, f"values of a list of partitions are no list: {values}")
    if isinstance(values, str):
        found: Any = write_text(values, stream)
        if not isinstance(found, Setting) or found.type is not list or found.optional:
            raise NotNativeError("a list of partitions that is no setting with a list", values)
    else:
        plain = not any(mark in str(values) for mark in ("{{", "{%"))
        found = [constant(value) if isinstance(value, str) and plain else value for value in values]
        if not plain or not all(type(value) in (str, int) for value in found):
            raise NotNativeError("a list of partitions with other values than texts and numbers", values)
        if found != values and (router.get("request_option") or {}).get("inject_into") == "body_json":
            raise NotNativeError("a list of partitions with numbers that are text in a JSON body", values)
    chosen = Piece(options={"for_each": {name: found}, "include_each": [name], **_path_options(stream)})
    option = router.get("request_option")
    return joined([chosen, put(option, f"{{each.{name}}}", stream)]) if option else chosen


def _check_windows(parent: Stream) -> None:
    """Accept parents with a cursor: children of all of them are read. A parent with a parent must not filter by it."""
    above: Stream | None = parent
    while above:
        if above.cursor and above.parent and filters_by_time(above):
            raise NotNativeError("a child of a parent that is filtered by time", above.vendor_name)
        above = above.parent


def _same_rows(one: Component, other: Component) -> bool:
    """Tell whether two definitions of a stream request the same, and make the same rows of it."""
    return all(one.get(part) == other.get(part) for part in ("retriever", "incremental_sync", "transformations"))

"""A stream as its manifest describes it, once references and parameters are resolved."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from zlib import crc32

from connectors_dagster.airbyte.row_expressions import CLOCK
from tests.parity.templates import below, render

SIZES = "limit per_page page_size size count pageSize perPage first top $top max_results maxResults pagesize".split()
MOST_LEVELS = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class Described:
    """A stream, and the streams whose rows it is requested for.

    Args:
        definition: what the manifest says.
        config: the configuration of the connector.
        level: how many parents are above it.
        parent: the stream above it.
        parent_key: the field of its own rows that the requests of the stream below need.
    """

    definition: Mapping[str, Any]
    config: Mapping[str, Any]
    level: int = 0
    parent: "Described | None" = None
    parent_key: str | None = None

    @property
    def name(self) -> str:
        return str(self.definition.get("name"))

    @property
    def variant(self) -> int:
        """A number that differs from stream to stream, and is always the same."""
        return crc32(self.name.encode())

    @property
    def retriever(self) -> Mapping[str, Any]:
        return self.definition.get("retriever") or {}

    @property
    def requester(self) -> Mapping[str, Any]:
        return self.retriever.get("requester") or {}

    @property
    def selector(self) -> Mapping[str, Any]:
        return self.retriever.get("record_selector") or {}

    @property
    def paginator(self) -> Mapping[str, Any]:
        return self.retriever.get("paginator") or {}

    @property
    def strategy(self) -> Mapping[str, Any]:
        return self.paginator.get("pagination_strategy") or {}

    @property
    def cursor(self) -> Mapping[str, Any]:
        found = self.definition.get("incremental_sync") or {}
        return found if found.get("type", "DatetimeBasedCursor") == "DatetimeBasedCursor" else {}

    @property
    def formats(self) -> list[str]:
        """The formats in which rows have times."""
        return list(self.cursor.get("cursor_datetime_formats") or [self.cursor.get("datetime_format")])

    @property
    def cursor_field(self) -> str:
        return str(self.rendered(self.cursor.get("cursor_field")))

    @cached_property
    def routers(self) -> Sequence[Mapping[str, Any]]:
        found = self.retriever.get("partition_router") or []
        return found if isinstance(found, list) else [found]

    @property
    def schema(self) -> Mapping[str, Mapping[str, Any]]:
        """The properties of the rows."""
        loader = self.definition.get("schema_loader") or {}
        loader = (loader[0] if loader else {}) if isinstance(loader, list) else loader
        found = loader.get("schema") or {}
        found = found.get("properties") if isinstance(found, Mapping) else {}
        return {name: hints for name, hints in (found or {}).items() if isinstance(hints, Mapping)}

    @property
    def key(self) -> list[str]:
        """The fields of the primary key."""
        written = self.definition.get("primary_key") or []
        fields = [written] if isinstance(written, str) else written
        return [str(one[0] if isinstance(one, list) else one) for one in fields if one]

    @cached_property
    def size(self) -> int:
        """How many rows a page has, if the request does not say it."""
        for written in (self.strategy.get("page_size"), *self._sizes()):
            found = str(self.rendered(written))
            if found.isdigit() and int(found):
                return int(found)
        return 2

    @property
    def path(self) -> list[Any]:
        """Where the rows are in a response."""
        extractor = self.selector.get("extractor") or {}
        return [str(self.rendered(one)) for one in extractor.get("field_path") or []]

    @cached_property
    def varying(self) -> set[str]:
        """The fields of a row that differ between two reads: the next page, if the body is the row, and the time."""
        cursors = [] if self.path else below(self.strategy.get("cursor_value"), "response")
        return {str(path[0]) for path in cursors} | {
            str(field["path"][0])
            for change in self.definition.get("transformations") or []
            for field in change.get("fields") or []
            if isinstance(field, Mapping) and CLOCK.search(str(field.get("value")))
        }

    @property
    def filters(self) -> Iterator[Mapping[str, Any]]:
        """What happens to responses with an error status."""
        handlers = [self.requester.get("error_handler") or {}]
        while handlers:
            handler = handlers.pop()
            handlers += handler.get("error_handlers") or []
            yield from handler.get("response_filters") or []

    def statuses(self, *actions: str) -> list[int]:
        """Return the statuses that lead to one of these actions, and to nothing else."""
        by_action: dict[int, set[str]] = {}
        for one in self.filters:
            for status in one.get("http_codes") or []:
                by_action.setdefault(int(status), set()).add(str(one.get("action")))
        return [status for status, found in by_action.items() if found <= set(actions) and status >= 400]

    def rendered(self, text: Any) -> Any:
        """Render a text that only the configuration and parameters determine."""
        return render(text, config=self.config, parameters=self.definition.get("$parameters") or {})

    def lineage(self) -> "list[Described]":
        """The streams above it, and itself."""
        return [*(self.parent.lineage() if self.parent else []), self]

    def _sizes(self) -> Iterator[Any]:
        stop = str(self.strategy.get("stop_condition") or "")
        if "last_page_size" in stop:
            yield from (word for word in stop.replace("}", " ").split() if word.isdigit() and word != "0")
        for part in ("request_parameters", "request_body_json", "request_body_data"):
            given = self.requester.get(part)
            yield from (given[name] for name in SIZES if isinstance(given, Mapping) and name in given)


def describe(definition: Mapping[str, Any], config: Mapping[str, Any], key: str | None = None) -> Described:
    """Describe a stream of a resolved manifest, with the streams above it."""
    alone = Described(definition=definition, config=config, parent_key=key)
    for router in alone.routers:
        for one in router.get("parent_stream_configs") or []:
            parent = describe(one.get("stream") or {}, config, str(alone.rendered(one.get("parent_key"))))
            return Described(
                definition=definition, config=config, level=parent.level + 1, parent=parent, parent_key=key
            )
    return alone

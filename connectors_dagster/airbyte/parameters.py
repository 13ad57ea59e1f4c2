"""Parameters of a manifest: `$parameters` are inherited by everything inside a component, and types are filled in."""

import re
from collections.abc import Callable, Mapping
from typing import Any

PARAMETERS = "$parameters"
TYPES: Mapping[str, str] = {
    "CompositeErrorHandler.error_handlers": "DefaultErrorHandler",
    "CursorPagination.decoder": "JsonDecoder",
    "DatetimeBasedCursor.end_datetime": "MinMaxDatetime",
    "DatetimeBasedCursor.end_time_option": "RequestOption",
    "DatetimeBasedCursor.start_datetime": "MinMaxDatetime",
    "DatetimeBasedCursor.start_time_option": "RequestOption",
    "DeclarativeSource.check": "CheckStream",
    "DeclarativeSource.spec": "Spec",
    "DeclarativeSource.streams": "DeclarativeStream",
    "DeclarativeStream.retriever": "SimpleRetriever",
    "DeclarativeStream.schema_loader": "JsonFileSchemaLoader",
    "DefaultErrorHandler.response_filters": "HttpResponseFilter",
    "DefaultPaginator.decoder": "JsonDecoder",
    "DefaultPaginator.page_size_option": "RequestOption",
    "DpathExtractor.decoder": "JsonDecoder",
    "DpathExtractor.record_expander": "RecordExpander",
    "HttpRequester.error_handler": "DefaultErrorHandler",
    "ListPartitionRouter.request_option": "RequestOption",
    "ParentStreamConfig.request_option": "RequestOption",
    "ParentStreamConfig.stream": "DeclarativeStream",
    "RecordSelector.extractor": "DpathExtractor",
    "RecordSelector.record_filter": "RecordFilter",
    "SimpleRetriever.paginator": "NoPagination",
    "SimpleRetriever.record_selector": "RecordSelector",
    "SimpleRetriever.requester": "HttpRequester",
    "SubstreamPartitionRouter.parent_stream_configs": "ParentStreamConfig",
    "AddFields.fields": "AddedFieldDefinition",
}
"""The type of a component that has none, by the component and the field in which it stands."""
CUSTOM: Mapping[str, str] = {
    "CompositeErrorHandler.backoff_strategies": "CustomBackoffStrategy",
    "DeclarativeStream.retriever": "CustomRetriever",
    "DeclarativeStream.transformations": "CustomTransformation",
    "DefaultErrorHandler.backoff_strategies": "CustomBackoffStrategy",
    "DefaultPaginator.pagination_strategy": "CustomPaginationStrategy",
    "HttpRequester.authenticator": "CustomAuthenticator",
    "HttpRequester.error_handler": "CustomErrorHandler",
    "RecordSelector.extractor": "CustomRecordExtractor",
    "SimpleRetriever.partition_router": "CustomPartitionRouter",
}


LOOKUP = (
    r"""parameters(?:\.(?P<name>(?!get\b)\w+)|\[ *(?P<q>['"])(?P<key>\w+)(?P=q) *\]"""
    r"""|\.get\( *(?P<p>['"])(?P<got>\w+)(?P=p)(?:, *(?P<d>['"])(?P<default>[\w. -]*)(?P=d))? *\))"""
)
PARAMETER, INSIDE = re.compile(rf"\{{\{{ *{LOOKUP} *\}}\}}"), re.compile(rf"(?<![\w.'\"$]){LOOKUP}")
"""A parameter alone, and one in a larger expression."""
READ = re.compile(r"parameters *[.\[]")
UNUSUAL = re.compile(r"[{}‹\n\r]")


def with_parameters(written: Any, component: Mapping[str, Any]) -> Any:
    """Return what is written in a component with the values of its parameters, also in the items of lists and objects.

    One that is not known stays, and so does one whose value would be read as an expression, or is no text or number.
    """
    if isinstance(written, Mapping):
        return {key: with_parameters(item, component) for key, item in written.items()}
    if isinstance(written, list):
        return [with_parameters(item, component) for item in written]
    if not isinstance(written, str):
        return written
    if not READ.search(written):
        return written
    parameters = component.get(PARAMETERS) or {}
    whole = PARAMETER.sub(lambda found: _written(found, parameters, str), written)
    return INSIDE.sub(lambda found: _written(found, parameters, repr), whole)


def _written(found: re.Match[str], parameters: Mapping[str, Any], write: Callable[[Any], str]) -> str:
    value = _value(found, parameters)
    return found[0] if value is None else write(value)


def reads_parameters(component: Mapping[str, Any]) -> bool:
    """Tell whether an expression in a component may read a parameter; without any, `get` has its default."""
    return bool(READ.search(str(component)))


def _value(found: re.Match[str], parameters: Mapping[str, Any]) -> str | int | None:
    """Return a parameter; None if there is none, or its text could be read as something else."""
    value = parameters.get(found["key"] or found["got"] or found["name"], found["default"])
    plain = isinstance(value, str | int) and not isinstance(value, bool) and not UNUSUAL.search(str(value))
    is_method = bool(found["name"]) and hasattr(parameters, found["name"])  # jinja2 prefers attributes
    return value if plain and not is_method else None


def inherit_parameters(component: Mapping[str, Any], place: str = "", given: Mapping[str, Any] | None = None) -> Any:
    """Return a component with its types, and with the parameters that it inherits as fields where it has none.

    Args:
        component: the component, with references resolved.
        place: the type and the field in which it stands, such as ``SimpleRetriever.requester``.
        given: the parameters of what is around it.
    """
    own = {key: value for key, value in component.items() if key != PARAMETERS}
    if "type" not in own and (found := (CUSTOM if "class_name" in own else TYPES).get(place)):
        own["type"] = found
    parameters = {**(given or {}), **(component.get(PARAMETERS) or {})}
    kind = own.get("type")
    if kind == "object" or isinstance(kind, list | dict):  # a JSON schema
        return own
    if not kind:
        return {
            key: inherit_parameters(value, place, parameters)
            if isinstance(value, dict) and value.get("type")
            else value
            for key, value in own.items()
        }
    for key, value in parameters.items():
        own[key] = own.get(key) or value
    for key, value in own.items():
        below = {name: item for name, item in parameters.items() if name != key}  # else it would stand in itself
        own[key] = _inherit(value, f"{kind}.{key}", below)
    return {**own, PARAMETERS: parameters} if parameters else own


def _inherit(value: Any, place: str, given: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        return inherit_parameters(value, place, given)
    if isinstance(value, list):
        return [inherit_parameters(item, place, given) if isinstance(item, dict) else item for item in value]
    return value

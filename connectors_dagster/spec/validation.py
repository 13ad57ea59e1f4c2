"""Checks that a connector does not contradict itself; the errors say what to change."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from dlt.sources.rest_api.typing import RESTAPIConfig

from connectors_dagster.compat.dlt_internals import (
    DictValidationException,
    compile_path,
    create_paginator,
    validate_dict,
)
from connectors_dagster.expressions.expression import known_expression
from connectors_dagster.secrets.names import SECRET_NAME
from connectors_dagster.spec.declared_settings import SENT, example_values, misplaced_settings
from connectors_dagster.spec.for_each import for_each_problems
from connectors_dagster.spec.groups import group_problems
from connectors_dagster.spec.limits import MOST_PARALLEL_REQUESTS
from connectors_dagster.spec.list_tables import list_table_problems
from connectors_dagster.spec.placeholders import Setting, Text, fill_placeholders, find_placeholders
from connectors_dagster.spec.shared_list import shared_list_problems
from connectors_dagster.spec.suggestion import suggest

if TYPE_CHECKING:
    from connectors_dagster.spec.connector import Connector
    from connectors_dagster.spec.options import ResourceOptions
    from connectors_dagster.spec.resource import Resource

BOUND = re.compile(r"\{incremental\.\w+\}")
NAME = r"[a-z][a-z0-9_]*"
RESERVED = {"information_schema", "main", "public", "system", "sys", "temp"}
"""Schemas that databases bring, which hold what is not ours."""
MAX_NAME, MAX_PIPELINE = 63, 64
"""Characters: Postgres takes 63 for a schema or table; dlt takes 64 for the name of a pipeline."""
PUBLIC = ("type", "name", "location", "access_token_url", "access_token_request_data", "default_token_expiration")
"""Fields of `auth` that are not secret."""
NAMES_A_SECRET = re.compile(rf"(?i)(.*[_-])?({SECRET_NAME})")


def check_connector(connector: "Connector") -> None:
    """Check a connector as a whole, then each of its resources.

    Raises:
        ValueError: the message names the connector or resource and what to change.
    """
    for problem in _written_secrets(
        [connector.config, *_token_requests(connector), *_auths(connector)]
    ):  # first, because dlt shows values in its errors
        raise ValueError(f"{connector.name}: {problem}")
    try:
        settings = connector.settings
    except ValueError as error:
        raise ValueError(f"{connector.name}: {error}") from None
    try:
        # dlt does not know settings: it is shown numbers for those that are numbers.
        examples = example_values(settings, [connector.config, *_auths(connector)])
        filled = _without_repeated(fill_placeholders(connector.config, examples))
        validate_dict(RESTAPIConfig, filled, path=connector.name)
        for auth in _auths(connector):
            client = {"base_url": "", **fill_placeholders(auth, examples)}
            validate_dict(RESTAPIConfig, {"client": client, "resources": []}, path=connector.name)
    except DictValidationException as error:
        raise ValueError(_explain(error)) from None
    addresses = [connector.config["client"].get("base_url"), *(one.base_url for one in connector.resources.values())]
    addresses += [one.url for one in connector.session_tokens]
    for problem in (*_config_problems(connector.config), *misplaced_settings(connector.config, addresses, settings)):
        raise ValueError(f"{connector.name}: {problem}")
    for problem in _names_problems(connector):
        raise ValueError(f"{connector.name}: {problem}")
    for problem in _connector_problems(connector):
        raise ValueError(f"{connector.name}: {problem}")
    for resource in connector.graph.values():
        for problem in _resource_problems(resource):
            raise ValueError(f"{resource}: {problem}")


def _without_repeated(config: Any) -> Any:
    """Leave out what several resources say alike, which dlt would try as each kind of its type, for each of them."""
    if not isinstance(config.get("resources"), list):
        return config
    resources, seen = [], list[Any]()
    for resource in config["resources"]:
        if isinstance(resource, dict) and isinstance(endpoint := resource.get("endpoint"), dict):
            repeated = {name for name in ("auth", "paginator") if name in endpoint and endpoint[name] in seen}
            seen += [endpoint[name] for name in ("auth", "paginator") if name in endpoint and name not in repeated]
            endpoint = {name: value for name, value in endpoint.items() if name not in repeated}
            resource = {**resource, "endpoint": endpoint}
        resources.append(resource)
    return {**config, "resources": resources}


def _explain(error: DictValidationException) -> str:
    """Return the deepest problem that dlt found in a configuration.

    For a value that may have several types, dlt says for each what is wrong: a list of the allowed words says most, and
    then the shortest message.
    """
    causes = [error]
    for cause in causes:
        causes += cause.nested_exceptions or []
    deepest = min(causes, key=lambda one: (-one.path.count("/"), "not one of" not in one.msg, len(one.msg)))
    return f"{deepest.path}: {deepest.msg.replace('`', '')}"


def _auths(connector: "Connector") -> list[Mapping[str, Any]]:
    """Return the authentications that settings choose from, and those of requests for tokens."""
    found = [auth for choice in connector.auth_choices for auth in choice.options.values()]
    return [{"auth": auth} for auth in (*found, *(one.auth for one in connector.session_tokens)) if auth]


def _token_requests(connector: "Connector") -> list[Mapping[str, Any]]:
    """Return what is sent in requests for tokens."""
    return [{part: getattr(one, part) for part in SENT} for one in connector.session_tokens]


def _config_problems(config: RESTAPIConfig) -> Iterator[str]:
    """Describe what dlt accepts in a configuration but cannot use."""
    if not config["resources"]:
        yield "config has no resources, so there is nothing to load"
    written: list[Any] = [config.get("resource_defaults"), *config["resources"]]
    for one in written:
        endpoint = one.get("endpoint") if isinstance(one, Mapping) else None
        if isinstance(endpoint, Mapping) and "path" in endpoint and endpoint["path"] is None:
            yield f"path of {one.get('name', 'resource_defaults')} is null: write the path, or leave it out"
    auth: Any = config["client"].get("auth")
    if isinstance(auth, Mapping) and auth.get("location") == "cookie":
        yield (
            "auth.location is cookie, which is not supported: use header or query, or write the cookie with a "
            'placeholder into headers of the client, as "{{ secret.cookie }}"'
        )


def connector_name_problems(name: str) -> Iterator[str]:
    """Describe why a connector cannot have a name."""
    yield from _name_problems(name)
    if name in RESERVED or name.startswith("pg_"):
        yield f"name {name!r} is a schema that databases use themselves: choose another name"


def _name_problems(name: str) -> Iterator[str]:
    """Describe what a database or dlt would not keep as it is, or what another table may have."""
    if not re.fullmatch(NAME, name):
        yield f"name {name!r} must be lower-case letters, digits, underscores, and begin with a letter"
    if len(name) > MAX_NAME:
        yield f"name {name!r} is longer than {MAX_NAME} characters"
    if "__" in name or name.endswith("_"):
        yield f"name {name!r} must not have '__' or end in '_': dlt uses them for tables and names of its own"


def _names_problems(connector: "Connector") -> Iterator[str]:
    yield from connector_name_problems(connector.name)
    for name in connector.graph:
        yield from _name_problems(name)
    for resource in connector.graph.values():
        if len(resource.pipeline_name) > MAX_PIPELINE:
            yield (
                f"the names {connector.name!r} and {resource.family!r} are together longer than "
                f"{MAX_PIPELINE - 1} characters: shorten one of them"
            )


def _written_secrets(value: Any, part: str = "") -> Iterator[str]:
    """Describe the fields of `auth`, and of what is sent, whose secret is not read at run time."""
    if isinstance(value, list):
        for item in value:
            yield from _written_secrets(item)
    if isinstance(value, Mapping):
        for key, item in value.items():
            if _is_written_secret(part, key, item):
                name = re.sub(r"\W", "_", key).lower()
                yield (
                    f'{key} of {part} is written out: write "{{{{ secret.{name} }}}}", in Python Secret("{name}"), '
                    "and give the value in the settings of the connector"
                )
            yield from _written_secrets(item, key)


def _is_written_secret(part: str, key: str, item: Any) -> bool:
    if isinstance(item, Setting) or (isinstance(item, Text) and any(find_placeholders(item))) or not item:
        return False
    if part == "auth":
        return key not in PUBLIC
    sent = (*SENT, "access_token_request_data")
    return part in sent and isinstance(item, str) and "{" not in item and bool(NAMES_A_SECRET.fullmatch(key))


def _connector_problems(connector: "Connector") -> Iterator[str]:
    graph = connector.graph
    if connector.lookback < timedelta(0):
        yield f"lookback is {connector.lookback}; it must not be negative"
    if not 1 <= connector.max_parallel_requests <= MOST_PARALLEL_REQUESTS:
        yield f"max_parallel_requests is {connector.max_parallel_requests}; it must be 1 to {MOST_PARALLEL_REQUESTS:,}"
    if connector.requests_per_minute is not None and connector.requests_per_minute < 1:
        yield f"requests_per_minute is {connector.requests_per_minute}; it must be at least 1, or None for no limit"
    if unknown := sorted(set(connector.resources) - set(graph)):
        yield f"resources has options for {unknown}, which config does not define; {suggest(unknown[0], graph)}"
    if unknown := sorted(set(connector.programs) - set(graph)):
        yield f"programs has {unknown}, which config does not define; {suggest(unknown[0], graph)}"
    yield from _several_authentications(connector, connector.config["client"].get("auth"))
    for one in connector.session_tokens:
        yield from _json_path_problems({"token_path": one.token_path})
    yield from group_problems(connector)
    if both := sorted(set(connector.excluded) & set(graph)):
        yield f"{both} are in config and also in excluded: remove them from one of the two"


def _several_authentications(options: "Connector | ResourceOptions", auth: Any) -> Iterator[str]:
    given = {"auth": auth, "auth_choice": options.auth_choice, "session_token": options.session_token}
    names = [name for name, written in given.items() if written]
    if len(names) > 1:
        yield f"{' and '.join(names)} are both set: remove all but one"


def _resource_problems(resource: "Resource") -> Iterator[str]:
    options = resource.options
    yield from _path_problems(resource)
    yield from _expression_problems(resource)
    yield from for_each_problems(resource)
    yield from list_table_problems(resource)
    yield from shared_list_problems(resource)
    yield from _several_authentications(options, resource.endpoint.get("auth"))
    defaults: Any = resource.connector.config.get("resource_defaults") or {}
    by_default = (defaults.get("endpoint") or {}).get("paginator")
    if options.next_page and resource.endpoint.get("paginator") not in (None, by_default):
        yield "next_page is set, and paginator of the endpoint as well: remove one of the two"
    if bool(resource.incremental) != bool(resource.cursor):
        yield "a cursor needs both an 'incremental' in the endpoint and a 'cursor' in resources"
    if options.has_children_field and not resource.resolved:
        yield "has_children_field is a field of the parent row, but the resource has no parent"
    if options.skip_parents_without_key and not resource.resolved:
        yield "skip_parents_without_key is about rows of the parent, but the resource has no parent"
    if options.has_children_values and not options.has_children_field:
        yield "has_children_values is set, but has_children_field does not say of which field of the parent row"
    if options.separate_children and not resource.requested_children:
        yield "separate_children is set, but no resource is requested per row of this one"
    if options.filter_for_children and (not options.separate_children or not resource.filtered or resource.parent):
        yield "filter_for_children is for a list with separate_children whose requests have the bounds of windows"
    if "processing_steps" in resource.definition:
        yield "processing_steps are not supported: use record_filter and transformations of the resource"
    if resource.parent and not resource.included:
        yield "include_from_parent must name the parent's key: each row must say which parent it belongs to"
    yield from _key_problems(resource)
    yield from _cursor_problems(resource)
    if not resource.primary_key:
        yield (
            "primary_key is missing: it is how duplicates are merged; if the rows have no key, set key: row_hash of "
            "the resource in resources"
        )


def _key_problems(resource: "Resource") -> Iterator[str]:
    options = resource.options
    hashed = options.key and not resource.parent
    in_windows = resource.windowed and (resource.cursor or not resource.parent)
    if in_windows and resource.missing_rows != "keep" and not hashed:
        yield "missing_rows must be 'keep': a window does not show which rows the API no longer returns"
    if options.key and (written := resource.definition.get("primary_key")):
        yield f"key is {options.key!r}, but the primary_key {written!r} is declared: remove one of the two"
    if options.unhashed_fields and not options.key:
        yield "unhashed_fields is set, but the key is no hash: set key: row_hash, or remove it"
    if options.key and resource.disposition != "merge":
        yield f"key is {options.key!r}, but write_disposition is {resource.disposition!r}: it must be merge"


def _cursor_problems(resource: "Resource") -> Iterator[str]:
    if unread := set(resource.incremental or ()) - {"cursor_path", "start_param", "end_param"}:
        yield f"{sorted(unread)} of 'incremental' are not supported: set the options of the cursor in resources"
    if other := resource.bounds - {"start_value", "end_value"}:
        yield f"{sorted(other)} of 'incremental' are unknown placeholders: use start_value and end_value"
    if resource.cursor and not resource.filtered:
        for name in ("unfiltered_first", "reread_without_cursor"):
            if getattr(resource.cursor, name):
                yield f"{name} is set, but the endpoint has no filter that could be omitted"
    unfiltered = resource.cursor and (resource.cursor.unfiltered_first or resource.cursor.reread_without_cursor)
    if unfiltered and BOUND.search(str(resource.endpoint.get("path"))):
        yield "unfiltered_first and reread_without_cursor cannot leave the bounds of a window out of path"
    if resource.cursor and resource.cursor.request_step and not resource.bounded:
        yield "request_step is set, but the API's filter has no upper bound: set end_param of incremental"


def _expression_problems(resource: "Resource") -> Iterator[str]:
    """Describe what expressions over rows read although the resource does not have it."""
    known = {"each": set(resource.options.for_each), "parent": set(resource.parent_fields)}
    for text in resource.options.expressions:
        for lookup in known_expression(text).lookups:
            names = known.get(lookup.name)
            if names is not None and (not lookup.steps or lookup.steps[0].key not in names):
                yield f"{text!r} reads {lookup.name}, of which only {sorted(names) or 'nothing'} is known"


def _path_problems(resource: "Resource") -> Iterator[str]:
    """Describe JSON paths that cannot be read, also those of the paginator."""
    connector, endpoint = resource.connector, resource.endpoint
    paths = {
        "data_selector": endpoint.get("data_selector"),
        "cursor_path": resource.cursor_path,
        "total_path": resource.total_path,
        "error_when": resource.error_when,
    }
    yield from _json_path_problems(paths)
    paginator = endpoint.get("paginator") or connector.config["client"].get("paginator")
    try:
        create_paginator(fill_placeholders(paginator, example_values(connector.settings, paginator)))
    except Exception as error:  # noqa: BLE001  # as above, and whatever the class of a paginator raises
        yield f"paginator {paginator!r} cannot be used: {error}"


def _json_path_problems(paths: Mapping[str, str | None]) -> Iterator[str]:
    for name, path in paths.items():
        try:
            compile_path(path or "$")
        except Exception as error:  # noqa: BLE001  # the parser of JSON paths raises errors of many kinds
            yield f"{name} {path!r} is not a JSON path: {error}"

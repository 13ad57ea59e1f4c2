"""The parts of dlt that this project uses although dlt does not declare them public.

A name of dlt counts as public if dlt's documentation or API reference imports or names it, or if its package lists it
in `__all__` and a public signature needs it (`TDataType`, `TLoaderFileFormat`, `RuntimeConfiguration`). The methods of
public classes are public unless they begin with an underscore. Types for annotations are imported from where dlt
declares them. tests/compat/test_walls.py lists the public modules. Everything else comes from here.

Not public, although some of it is in an `__all__`:

* the building blocks of `rest_api`: dlt documents only `rest_api_source` and `rest_api_resources`, which do not show
  whole pages;
* the files of a load package (`PackageStorage`, `FileStorage`) and the keys of table hints;
* `validate_dict` with its error, `jsonpath` with the class of its names, `retry_schema_update`, the Arrow types of
  columns, the base of errors, and the error for an unknown destination;
* that `capabilities` and `configuration` of a destination may be replaced by functions that remember the results, that
  `copy` of a resolved configuration has no connections yet, and the context with the name of the pipeline;
* what a paginator remembers of the next page (`_next_reference`, `_has_next_page`), which only subclasses are meant to
  set;
* that a client of a database stores a schema in a transaction that others begin and end;
* that `validation` finds type hints and kinds of types, and `jsonpath` parses paths, with functions of its module,
  which may be replaced by ones that remember them;
* that a hook of `response_actions` raises `IgnoreResponseException` through the session.

Importing this module loads nothing that `import dlt` has not loaded, except `rest_api` itself.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache, reduce
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import dlt
from dlt.common import jsonpath, validation
from dlt.common.configuration.container import Container
from dlt.common.configuration.exceptions import ConfigFieldMissingException, DuplicateConfigProviderException
from dlt.common.configuration.providers import CustomLoaderDocProvider
from dlt.common.configuration.providers.toml import TomlProviderReadException
from dlt.common.configuration.specs.config_section_context import ConfigSectionContext
from dlt.common.destination import Destination, DestinationCapabilitiesContext
from dlt.common.destination.client import DestinationClientConfiguration
from dlt.common.destination.exceptions import UnknownDestinationModule
from dlt.common.exceptions import DictValidationException, DltException
from dlt.common.jsonpath import TJsonPath, extract_simple_field_name
from dlt.common.normalizers.naming import NamingConvention
from dlt.common.schema import Schema, TColumnSchema
from dlt.common.schema.utils import get_columns_names_with_prop, has_column_with_prop
from dlt.common.storages import FileStorage, PackageStorage
from dlt.common.validation import validate_dict
from dlt.pipeline.helpers import retry_schema_update
from dlt.sources.helpers.rest_client.exceptions import IgnoreResponseException
from dlt.sources.helpers.rest_client.paginators import BasePaginator, BaseReferencePaginator
from dlt.sources.rest_api.config_setup import (
    build_resource_dependency_graph,
    create_auth,
    create_paginator,
    create_response_hooks,
    expand_placeholders,
    make_parent_key_name,
    paginate_dependent_resource,
)

if TYPE_CHECKING:
    import pyarrow as pa

AnyDestination = Destination[Any, Any]

__all__ = [
    "DEDUPLICATED",
    "SOURCE_FILTER",
    "AnyDestination",
    "ConfigFieldMissingException",
    "DictValidationException",
    "DltException",
    "IgnoreResponseException",
    "TJsonPath",
    "TomlProviderReadException",
    "UnknownDestinationModule",
    "arrow_type",
    "build_resource_dependency_graph",
    "compile_path",
    "create_auth",
    "create_paginator",
    "create_response_hooks",
    "expand_placeholders",
    "extract_simple_field_name",
    "find_values",
    "get_columns_names_with_prop",
    "has_column_with_prop",
    "make_parent_key_name",
    "next_reference",
    "normalized_packages",
    "open_packed",
    "other_default",
    "paginate_dependent_resource",
    "register_defaults",
    "remember_capabilities",
    "remember_configuration",
    "retry_schema_update",
    "set_has_next",
    "set_next_reference",
    "store_schema",
    "validate_dict",
]

DEDUPLICATED = "x-stage-data-deduplicated"
"""The table hint that declares that no key occurs twice in the load."""
SOURCE_FILTER = "x-merge-source-filter"
"""The table hint with the condition for the rows of the load that are merged: `source_filter` of a disposition."""


_get_type_hints: Any = vars(validation)["get_type_hints"]


@lru_cache(maxsize=1_000)
def _type_hints(spec: type) -> dict[str, Any]:
    return dict(_get_type_hints(spec, globalns=vars(sys.modules[spec.__module__])))


def _known_type_hints(spec: type, **_: Any) -> dict[str, Any]:
    return _type_hints(spec)


# dlt finds the type hints anew for every object that it validates, which takes most of its time.
vars(validation)["get_type_hints"] = _known_type_hints

KINDS_OF_TYPES = (
    *("is_optional_type", "is_union_type", "is_literal_type", "is_typeddict", "is_list_generic_type"),
    *("is_dict_generic_type", "is_callable_type"),
)
"""Questions of dlt about a type; the answer is the same for each value of that type."""
for _question in KINDS_OF_TYPES:
    vars(validation)[_question] = lru_cache(maxsize=10_000)(vars(validation)[_question])


_NAMES = re.compile(r"(?!.*\bwhere(not)?\b)[A-Za-z_]\w*(\.[A-Za-z_]\w*|\.\*|\[\*\])*", re.ASCII)
"""Paths that are nothing but names, and ``*`` or ``[*]`` for every item: most are."""
_parse_path, _Names = vars(jsonpath)["compile_path"], vars(jsonpath)["JSONPathFields"]


@cache
def _every_item(written: str) -> TJsonPath:
    found: TJsonPath = _parse_path(written)  # before jsonpath-ng 1.11, they are not the same
    return found


@lru_cache(maxsize=10_000)
def compile_path(path: str) -> TJsonPath:
    """Parse a JSON path. Each is parsed only once, because that takes as long as parsing a page.

    Raises:
        Exception: it is not a JSON path; the parser raises errors of many kinds.
    """
    if _NAMES.fullmatch(path):  # the parser itself is made anew for each path
        names = path.replace("[*]", ".[*]").split(".")
        steps: list[Any] = [_every_item(name) if "*" in name else _Names(name) for name in names]
        found: TJsonPath = reduce(lambda parent, step: parent.child(step), steps)
    else:
        found = _parse_path(path)
    return found


def _compile_path_once(path: TJsonPath) -> TJsonPath:
    return compile_path(path) if isinstance(path, str) else path


# dlt parses the paths of every paginator anew.
vars(jsonpath)["compile_path"] = _compile_path_once


@lru_cache(maxsize=10_000)
def _names_in(path: str) -> Sequence[str]:
    """Return the names of a path that is nothing but names; else nothing."""
    return path.split(".") if _NAMES.fullmatch(path) and "*" not in path else ()


def find_values(path: TJsonPath, document: Any) -> list[Any]:
    """Return the values at a JSON path of a document."""
    names = _names_in(path) if isinstance(path, str) else ()
    if not names:
        return jsonpath.find_values(path, document)
    found = document
    for name in names:  # most paths are only names: to search takes ten times as long
        if type(found) is not dict:
            return jsonpath.find_values(path, document)
        if name not in found:
            return []
        found = found[name]
    return [found]


def next_reference(paginator: BaseReferencePaginator) -> Any:
    """Return the cursor or URL of the next page that a paginator found in the last response; None if there is none."""
    return paginator._next_reference


def set_next_reference(paginator: BaseReferencePaginator, reference: Any) -> None:
    """Set the cursor or URL of the next page. With None, the last page was the end; with any other, it was not."""
    paginator._next_reference = reference


def set_has_next(paginator: BasePaginator, has_next: bool) -> None:
    """Set whether there is another page."""
    paginator._has_next_page = has_next


def register_defaults(name: str, values: dict[str, Any]) -> None:
    """Add defaults to dlt's configuration, below anything configured. Only the first call for a name has an effect."""
    try:
        dlt.config.register_provider(CustomLoaderDocProvider(name, lambda: values, False, locations=()))
    except DuplicateConfigProviderException:
        return


_changed_defaults: dict[tuple[str, tuple[str, ...]], Any] = {}
"""The present values of the defaults that have had another one."""


@contextmanager
def other_default(name: str, value: Any, key: str, *sections: str) -> Iterator[None]:
    """Give a default another value meanwhile, in the name of those that were added; without one, dlt's own returns."""
    provider = next(one for one in dlt.config.config_providers if one.name == name)
    before, _ = provider.get_value(key, Any, None, *sections)
    provider.set_value(key, value, None, *sections)
    _changed_defaults[key, sections] = value
    try:
        yield
    finally:
        provider.set_value(key, before, None, *sections)
        _changed_defaults[key, sections] = before


def store_schema(client: Any, schema: Schema) -> None:
    """Store a version of a schema in the destination, in the transaction of a client of dlt, after all other ones."""
    client._update_schema_in_storage(schema)


def open_packed(file: str) -> IO[bytes]:
    """Open a file of a package to read it, compressed or not."""
    opened: IO[bytes] = FileStorage.open_zipsafe_ro(file, "rb")
    return opened


def normalized_packages(package_path: str) -> PackageStorage:
    """Open the folder that contains a package that is ready to load, and the other packages in it."""
    return PackageStorage(FileStorage(str(Path(package_path).parent)), "normalized")


def remember_configuration(destination: AnyDestination) -> AnyDestination:
    """Make a destination find out only once how it is configured, which must not change any more.

    dlt asks about twenty times per load, and each time looks up every field in all its providers. The
    credentials are copied for each client, so this is only for destinations whose credentials dlt copies as a whole.
    """
    resolve = destination.configuration
    known: dict[Any, DestinationClientConfiguration] = {}

    def configuration(
        initial_config: DestinationClientConfiguration, accept_partial: bool = False
    ) -> DestinationClientConfiguration:
        if accept_partial or initial_config.credentials:
            found: DestinationClientConfiguration = resolve(initial_config, accept_partial=accept_partial)
            return found
        pipeline_name = Container()[ConfigSectionContext].pipeline_name
        key = (pipeline_name, repr(initial_config.as_dict_nondefault()), repr(_changed_defaults))
        if key not in known:
            known[key] = resolve(initial_config)
        found = known[key].copy()
        if found.credentials and found.credentials.is_resolved():
            found.credentials.resolve()  # each client has connections of its own
        return found

    destination.configuration = configuration  # type: ignore[method-assign]
    return destination


def remember_capabilities(destination: AnyDestination) -> AnyDestination:
    """Make a destination find out only once what it can do; its configuration must not change any more.

    dlt asks about fifteen times per load, and each time resolves the whole configuration of the destination.
    """
    resolve = destination.capabilities
    known: dict[tuple[type | None, int | None], DestinationCapabilitiesContext] = {}

    def capabilities(
        config: DestinationClientConfiguration | None = None, naming: NamingConvention | None = None
    ) -> DestinationCapabilitiesContext:
        if config is not None:
            return resolve(config, naming)
        key = (type(naming), naming.max_length) if naming else (None, None)
        if key not in known:
            known[key] = resolve(naming=naming)
        return known[key].copy()  # dlt changes what it gets

    destination.capabilities = capabilities  # type: ignore[method-assign]
    return destination


def arrow_type(column: TColumnSchema, capabilities: DestinationCapabilitiesContext) -> "pa.DataType":
    """Return the Arrow type that dlt expects of a column; timestamps are in UTC."""
    # Imported here because it imports Arrow, which a connector does not need until its rows are read.
    from dlt.common.libs.pyarrow import get_py_arrow_datatype

    return get_py_arrow_datatype(column, capabilities, "UTC")

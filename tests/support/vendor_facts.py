"""Columns compared both ways with what a vendor publishes: ``make vendor-facts VENDOR=chargebee SOURCE=path``.

The source is an OpenAPI 3 file, or a folder of TypeScript types. Differences that are known and kept are in
tests/facts/<vendor>.kept.yaml, with a reason each; they are not said again.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from connectors_dagster import Connector, Resource, load_connectors
from tests.support.openapi import VERSION, Description
from tests.support.typescript import Types
from tests.support.vendor_field import Field

FACTS = Path(__file__).parents[1] / "facts"
Kept = Mapping[str, Mapping[str, str]]
"""By resource, or `*` for all, the reason to keep a difference, by column; the column `*` is the whole resource."""


def differences(resource: Resource, fields: Mapping[str, Field] | None) -> Iterator[tuple[str, str]]:
    """Yield each column that differs, and how; `*` if nothing describes the rows."""
    if fields is None:
        yield "*", "is not described"
        return
    declared = resource.connector.tables.get(resource.name, {})
    for name in sorted({*declared, *fields} if fields else ()):  # rows that are single values have no fields
        if name not in fields:
            yield name, "is declared and not described"
        elif name not in declared:
            yield name, f"is described as {fields[name]} and not declared"
        elif not fields[name].fits(str(declared[name].get("data_type", "text"))):
            yield name, f"is declared as {declared[name].get('data_type', 'text')} and described as {fields[name]}"
        elif fields[name].nullable and declared[name].get("nullable") is False:
            yield name, "is declared as never null, and can be null or absent"


def unexplained(connector: Connector, source: Description | Types, kept: Kept) -> Iterator[str]:
    """Yield a line for each difference that is not kept."""
    for resource in connector.graph.values():
        known = {**kept.get("*", {}), **kept.get(resource.name, {})}
        for column, how in differences(resource, source.fields(resource)):
            if column not in known:
                yield f"{resource.name}{'' if column == '*' else '.' + column} {how}"


def read_kept(vendor: str) -> Kept:
    """Read the differences that are kept; none if there is no file."""
    file = FACTS / f"{vendor}.kept.yaml"
    return yaml.safe_load(file.read_text(encoding="utf-8")) or {} if file.exists() else {}


def read_source(path: Path) -> Description | Types:
    return Types.read(path) if path.is_dir() else Description.read(path)


def another_api(connector: Connector, source: Description | Types) -> str | None:
    """Say in one line why the source is not of the connector's API; None if it is."""
    wanted = set(VERSION.findall(connector.credentials_help or ""))
    given = source.versions if isinstance(source, Description) else frozenset()
    if wanted and given and not wanted & given:
        return f"{source.title} is API {', '.join(sorted(given))}, {connector.name} reads {', '.join(sorted(wanted))}"
    if all(source.fields(resource) is None for resource in connector.graph.values()):
        return f"{source.title} describes no resource of {connector.name}: is it another version of the API?"
    return None


def main(vendor: str, path: str) -> int:
    """Print the differences; return 1 if there are any."""
    connector = load_connectors()[vendor]
    try:
        source = read_source(Path(path))
    except ValueError as error:
        sys.stdout.write(f"{error}\n")
        return 1
    if other := another_api(connector, source):
        sys.stdout.write(f"{other}\n")
        return 1
    lines = list(unexplained(connector, source, read_kept(vendor)))
    lines.append(f"{source.title}: {len(lines)} differences are not explained")
    sys.stdout.write("\n".join([*lines, ""]))
    return 1 if len(lines) > 1 else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

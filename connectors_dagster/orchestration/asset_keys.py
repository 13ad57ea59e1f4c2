"""Asset keys of a connector, and how dependencies follow when a prefix or translation changes them."""

from collections.abc import Mapping
from dataclasses import dataclass

import dagster as dg

from connectors_dagster.spec.connector import Connector
from connectors_dagster.spec.resource import Resource

COLUMN_LINEAGE = "dagster/column_lineage"
Keys = Mapping[dg.AssetKey, dg.AssetKey]


@dataclass(frozen=True, kw_only=True)
class Api:
    """The API of a connector, an external asset where the lineage of its resources begins.

    Args:
        connector: the connector that reads the API.
    """

    connector: Connector

    @property
    def name(self) -> str:
        """The last part of the asset key: ``api``, or ``vendor_api`` beside a resource that is called ``api``."""
        name = "api"
        while name in self.connector.graph:
            name = f"vendor_{name}"
        return name


def default_key(asset: Resource | Api) -> dg.AssetKey:
    """Return ``<connector>/<name>``."""
    return dg.AssetKey([asset.connector.name, asset.name])


def relink(spec: dg.AssetSpec, *, shown: Keys, hidden: Keys) -> dg.AssetSpec:
    """Replace the default keys in the dependencies and column lineage of an asset by the actual keys.

    Args:
        spec: an asset whose dependencies within the connector are default keys.
        shown: maps the default key of each asset of the connector to its actual key.
        hidden: maps resources that are not loaded to the upstream asset that replaces them. Their columns are not
            shown.
    """
    if not hidden and all(key == default for default, key in shown.items()):
        return spec
    keys = {**shown, **hidden}
    deps = [dg.AssetDep(keys.get(d.asset_key, d.asset_key), partition_mapping=d.partition_mapping) for d in spec.deps]
    spec = spec.replace_attributes(deps=deps)
    lineage = spec.metadata.get(COLUMN_LINEAGE)
    if not isinstance(lineage, dg.TableColumnLineage):
        return spec
    linked = {
        column: [dg.TableColumnDep(shown.get(d.asset_key, d.asset_key), d.column_name) for d in origins]
        for column, origins in lineage.deps_by_column.items()
        if not any(d.asset_key in hidden for d in origins)
    }
    return spec.merge_attributes(metadata={COLUMN_LINEAGE: dg.TableColumnLineage(deps_by_column=linked)})

"""The connectors of this code location: every enabled one, wherever it is written, and what is broken."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import dagster as dg

from connectors_dagster import defs as defs_folder
from connectors_dagster.compat.dagster_engines import keep_engines
from connectors_dagster.compat.dagster_internals import (
    build_components,
    component_folder,
    components_of,
    open_component_folder,
    open_component_tree,
)
from connectors_dagster.config import settings
from connectors_dagster.config.shops import check_shops, each_shop, shops_left_out
from connectors_dagster.config.workdir import project_folder
from connectors_dagster.connectors import (
    connector_files,
    connector_names,
    installed_connectors,
    load_connector,
    load_file,
    load_installed,
)
from connectors_dagster.errors import SettingError
from connectors_dagster.orchestration.automation import build_job
from connectors_dagster.orchestration.broken import Broken, describe_broken
from connectors_dagster.orchestration.build import build_loaded, definitions_of
from connectors_dagster.orchestration.component import RestConnector
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.orchestration.import_folder import MANIFEST
from connectors_dagster.orchestration.paused_collector import paused_collector
from connectors_dagster.spec.connector import Connector

PROJECT = Path(__file__).parents[2]
"""The same as in pyproject.toml, which is not there once installed."""
UNSCAFFOLDED = {"__init__.py", "__pycache__"}
OWN_CONNECTORS = "connectors"
"""The folder of a project with its own connectors."""


@dataclass(frozen=True, kw_only=True)
class Location:
    """What is loaded: the assets of every enabled connector by name, all definitions, and what is broken.

    `known` has the assets of every connector that can be built, enabled or not.
    """

    enabled: Sequence[ConnectorAssets]
    known: Sequence[ConnectorAssets]
    definitions: dg.Definitions
    broken: Sequence[Broken]


@dataclass(kw_only=True)
class _Loader:
    """Loads connectors one by one, so that a broken one does not keep the others out."""

    found: dict[str, ConnectorAssets] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    definitions: list[dg.Definitions] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)

    def add(self, place: str, load: Callable[[], Iterable[Connector]]) -> None:
        """Add connectors in Python."""
        with self._noting(place):
            for connector in load():
                self._add_working(place, partial(self._add_connector, place, connector))

    def _add_connector(self, place: str, connector: Connector, found: list[Connector]) -> None:
        found[:] = [connector]
        shops = [ConnectorAssets(connector=shop) for shop in each_shop(connector)]
        for assets in shops:
            self._check_name(place, assets.connector)
        if enabled := [assets for assets in shops if settings.is_enabled(assets.connector)]:
            self.definitions.append(definitions_of(enabled))
        for assets in shops:
            self._take(place, assets)

    def _add_working(self, place: str, add: Callable[[list[Connector]], None], folder: Path | None = None) -> None:
        """Add connectors, which `add` puts into its list; if only some of their shops can be built, add these."""
        with self._noting(place, folder) as found:
            try:
                add(found)
            except Exception:
                shops = [shop for connector in found for shop in each_shop(connector)]
                broken = {shop.name: error for shop in shops if (error := _try_alone(shop))}
                if not broken or len(broken) == len(shops):
                    raise
                for error in broken.values():
                    self._note(error, place, folder, found)
                with shops_left_out(broken):
                    add(found)

    def add_scaffolded(self) -> None:
        """Add what is scaffolded: all at once, or folder by folder if something in it is broken."""
        tree = open_component_tree(defs_folder, PROJECT)
        folder = component_folder(tree)
        written = sorted(path for path in folder.iterdir() if path.name not in UNSCAFFOLDED)
        if not written:
            return  # to build nothing takes Dagster as long as to build all connectors
        try:
            self._add_tree("defs/", tree, [])
        except KeyboardInterrupt:
            raise
        except BaseException:  # noqa: BLE001  # raised again below, by the folder whose fault it is
            for path in written:
                self._add_part(f"defs/{path.name}", path, defs_folder.__name__, PROJECT)

    def add_own(self, project: Path) -> None:
        """Add the connectors of a project: each is a Python file, or a folder with a component or a manifest."""
        folder = project / OWN_CONNECTORS
        for file in connector_files(folder):
            self.add(f"{OWN_CONNECTORS}/{file.name}", partial(load_file, file))
        for path in sorted(path for path in folder.glob("*") if path.is_dir()):
            if (path / "defs.yaml").exists():
                self._add_part(f"{OWN_CONNECTORS}/{path.name}", path, OWN_CONNECTORS, project)
            elif (file := path / MANIFEST).exists():
                self.add(f"{OWN_CONNECTORS}/{path.name}/{MANIFEST}", partial(_imported, file))

    def _add_part(self, place: str, path: Path, parent: str, project: Path) -> None:
        if not path.is_dir():
            reason = "is left out while another part of the folder is broken: put it into a folder of its own"
            self.broken.append(Broken(place=place, reason=reason))
            return
        place = f"{place}/defs.yaml" if (path / "defs.yaml").exists() else place

        def add(found: list[Connector]) -> None:
            self._add_tree(place, open_component_folder(path, parent, project), found)

        self._add_working(place, add, path)

    def _add_tree(self, place: str, tree: dg.ComponentTree, found: list[Connector]) -> None:
        components = components_of(tree, RestConnector)
        found[:] = [component.connector for component in components]
        shops = [assets for component in components for assets in component.shops]
        for assets in shops:
            self._check_name(place, assets.connector)
        with warnings.catch_warnings():
            # Dagster warns that it uses previews of its own to look into the folder.
            for category in (dg.PreviewWarning, dg.BetaWarning):
                warnings.filterwarnings("ignore", category=category, module=r"dagster\.")
            self.definitions.append(_without_tree(build_components(tree)))
        for assets in shops:
            self._take(place, assets)

    def _check_name(self, place: str, connector: Connector) -> None:
        for name in (connector.name, connector.common_name):
            other = self.places.get(name, place)
            if name in self.found or other != place:
                raise ValueError(f"{name}: both in {other} and in {place}; rename one of them")

    def _take(self, place: str, assets: ConnectorAssets) -> None:
        self.found[assets.connector.name] = assets
        self.places |= {assets.connector.name: place, assets.connector.common_name: place}

    @contextmanager
    def _noting(self, place: str, folder: Path | None = None) -> Iterator[list[Connector]]:
        """Note what goes wrong, of the connectors that are then in the list."""
        found: list[Connector] = []
        try:
            yield found
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  # the code of a connector may raise anything, and call sys.exit
            self._note(error, place, folder, found)

    def _note(self, error: BaseException, place: str, folder: Path | None, connectors: Iterable[Connector]) -> None:
        names = tuple(connector.name for connector in connectors)
        self.broken.append(replace(describe_broken(error, place, folder), connectors=names))


def new_components_folder() -> Path:
    """Return the folder in which new components are written: that of the project, or `defs` in this one's checkout."""
    project = project_folder()
    return Path(next(iter(defs_folder.__path__))) if project == PROJECT else project / OWN_CONNECTORS


def _without_tree(one: dg.Definitions) -> dg.Definitions:
    """Return definitions without the tree of components they come from: Dagster cannot merge those of several trees."""
    names = ("assets", "schedules", "sensors", "jobs", "resources", "executor", "loggers", "asset_checks", "metadata")
    return dg.Definitions(**{name: getattr(one, name) for name in names})


@paused_collector()
def load_location() -> Location:
    """Load every connector and what was scaffolded; reads only configuration and schema files, and no secret.

    Raises:
        SettingError: a setting that all connectors share has a value that cannot be used.
    """
    keep_engines()
    settings.check_shared_settings()
    check_shops()
    loader = _Loader()
    for name in connector_names():
        loader.add(f"connectors/{name}.py", partial(_shipped, name))
    for place, entry in installed_connectors().items():
        loader.add(place, partial(load_installed, entry))
    loader.add_scaffolded()
    loader.add_own(project_folder())
    everything = [loader.found[name] for name in sorted(loader.found)]
    names = [assets.connector.common_name for assets in everything]
    settings.check_sections([*connector_names(), *names, *(name for one in loader.broken for name in one.connectors)])
    try:
        settings.enabled(assets.connector for assets in everything)
    except SettingError as error:
        if not loader.broken:  # else it may be the broken one that is listed
            loader.broken.append(Broken(place="settings", reason=str(error)))
    enabled = [assets for assets in everything if settings.is_enabled(assets.connector)]
    definitions = dg.Definitions.merge(*loader.definitions)
    return Location(enabled=enabled, known=everything, definitions=definitions, broken=tuple(loader.broken))


def including(location: Location, wanted: Iterable[ConnectorAssets]) -> Location:
    """Return a location that also has these connectors, although they are not enabled.

    Raises:
        SettingError: an option of such a connector has a value that cannot be used.
    """
    added = [assets for assets in wanted if assets not in location.enabled]
    if not added:
        return location
    there = {assets.job_name for assets in location.enabled}
    # The job of a connector has only the shops that are enabled: each other one gets a job of its own.
    alone = [assets for assets in added if assets.job_name in there]
    definitions = dg.Definitions.merge(
        location.definitions,
        definitions_of([assets for assets in added if assets not in alone]),
        *map(build_loaded, alone),
        dg.Definitions(jobs=[build_job([assets], assets.name) for assets in alone]),
    )
    return replace(location, enabled=[*location.enabled, *added], definitions=definitions)


def _try_alone(shop: Connector) -> Exception | None:
    """Return why a shop cannot be built, also without the others; None if it can."""
    try:
        definitions_of([ConnectorAssets(connector=shop)])
    except Exception as error:  # noqa: BLE001  # raised again for each that is broken
        return error
    return None


def _imported(manifest: Path) -> list[Connector]:
    from connectors_dagster.orchestration.manifest_component import load_manifest  # takes time, and few need it

    return [load_manifest(manifest)]


def _shipped(name: str) -> list[Connector]:
    return [load_connector(name)]


def enabled_connectors() -> list[Connector]:
    """Return the connectors that configuration enables, by name, wherever they are written."""
    return [assets.connector for assets in load_location().enabled]

"""The configuration is looked up once while definitions are built, and anew at any other time."""

import dagster as dg
import dlt
import pytest

from connectors_dagster.config.look_up import look_up, look_ups_kept
from connectors_dagster.connectors import storefront
from connectors_dagster.orchestration.build import build_definitions


def test_a_path_is_looked_up_once_until_the_end(monkeypatch):
    with look_ups_kept():
        assert look_up("connectors.one") is None
        monkeypatch.setenv("CONNECTORS__ONE", "given")
        assert look_up("connectors.one") is None and look_up("connectors.two") is None
    assert look_up("connectors.one") == "given"


def test_it_is_over_after_an_error(monkeypatch):
    @look_ups_kept()
    def stop():
        raise ValueError(look_up("connectors.one"))

    with pytest.raises(ValueError, match="None"):
        stop()
    monkeypatch.setenv("CONNECTORS__ONE", "given")
    assert look_up("connectors.one") == "given"


def test_definitions_look_up_each_path_once_and_follow_the_configuration(monkeypatch):
    asked = []
    monkeypatch.setattr(type(dlt.config), "get", lambda _, path, *_kind: asked.append(path))
    build_definitions(storefront.connector)
    paths = [path for path in asked if path.startswith("sources.storefront.")]
    assert "sources.storefront.owners" in paths and len(paths) == len(set(paths))
    monkeypatch.undo()
    monkeypatch.setenv("SOURCES__STOREFRONT__OWNERS", "team:finance")
    asset = build_definitions(storefront.connector).resolve_asset_graph().get(dg.AssetKey(["storefront", "orders"]))
    assert asset.owners == ["team:finance"]

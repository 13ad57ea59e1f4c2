"""Names from the configuration are looked up or refused: they never become a path or an SQL identifier unchecked."""

import re

import pytest

from connectors_dagster import Connector
from connectors_dagster.orchestration.location import load_location
from connectors_dagster.spec.windows import WindowGrid
from tests.support.shop import things


@pytest.mark.parametrize(
    "name", ["../shop", "shop/x", "sh op", 'shop"; DROP TABLE x; --', "Shop", "1shop", "_shop", "shop\n", "shöp", "."]
)
def test_a_name_with_special_characters_never_becomes_a_path_or_a_table(project, name):
    good = things(project).connector
    with pytest.raises(ValueError, match="must be lower-case letters"):
        Connector(name=name, description="", schema=good.schema, config=good.config)
    resources = [{**good.config["resources"][0], "name": name}]
    with pytest.raises(ValueError, match="must be lower-case letters"):
        Connector(name="shop", description="", schema=good.schema, config={**good.config, "resources": resources})


@pytest.mark.parametrize("key", ["../2024-01-01", "2024-01-01'; --", "2024-01-01/..", "2024-01-02", "", "latest"])
def test_a_window_key_that_does_not_exist_is_refused(key):
    with pytest.raises(ValueError, match="window"):
        WindowGrid("P30D", "2024-01-01").find(key)


@pytest.mark.parametrize(
    ("step", "start"), [("P30D/../..", "2024-01-01"), ("P30D'; --", "2024-01-01"), ("P30D", "../../etc"), ("P30D", "'")]
)
def test_a_step_or_start_that_is_not_iso_8601_is_refused(step, start):
    with pytest.raises(ValueError, match="ISO 8601"):
        WindowGrid(step, start)


def test_a_connector_that_does_not_exist_cannot_be_enabled(monkeypatch):
    monkeypatch.setenv("CONNECTORS__ENABLED", "../../etc")
    (broken,) = load_location().broken
    assert re.search(r"CONNECTORS__ENABLED lists .*there are billing", str(broken))

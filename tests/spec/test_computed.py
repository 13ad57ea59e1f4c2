"""Values that are computed from settings."""

from copy import deepcopy
from pickle import dumps, loads

import pytest

from connectors_dagster import Computed, Secret, Setting, Text
from connectors_dagster.spec.computed import find_computed, with_computed
from connectors_dagster.spec.placeholders import fill_placeholders, find_placeholders

REGION, SCOPE = Setting("region", default=None), {"setting": {"region": Setting("region", default=None)}}
HOST = Computed("{{ 'eu.' if setting.region == 'EU' else '' }}", SCOPE, kind="text")


def test_what_is_computed_stands_in_the_place_of_a_setting_and_asks_for_those_it_reads():
    config = {
        "base_url": Text("https://", HOST, "api.example"),
        "params": {"in": Computed("{{ setting.region }}", SCOPE)},
    }
    assert set(find_placeholders(config)) == {REGION}
    found = {
        region: fill_placeholders(config, with_computed(find_computed(config), {REGION: region}))
        for region in ("EU", None)
    }
    assert found["EU"] == {"base_url": "https://eu.api.example", "params": {"in": "EU"}}
    assert found[None] == {"base_url": "https://api.example", "params": {}}


def test_a_copy_computes_the_same():
    for one in (deepcopy(HOST), loads(dumps(HOST))):
        assert one == HOST
        assert with_computed([one], {REGION: "EU"})[HOST] == "eu."


def test_what_is_computed_from_a_secret_is_secret():
    key = Computed("{{ secret.key | base64encode }}", {"secret": {"key": Secret("key")}})
    assert (key.secret, HOST.secret) == (True, False)


def test_an_expression_that_reads_something_else_is_refused():
    with pytest.raises(ValueError, match=r"reads record: it may read setting"):
        Computed("{{ record.id }}", SCOPE)

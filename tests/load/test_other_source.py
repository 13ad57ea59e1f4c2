"""Rows of one shop are not mixed with those of another whose address is given in its place."""

import pytest

from connectors_dagster.errors import LoadError
from connectors_dagster.load.deleted_rows import delete_rows
from connectors_dagster.load.source_address import same_source

KEY = {"id": {"data_type": "text", "nullable": False}}


@pytest.fixture
def load_from(shop, declare, load_pages, monkeypatch):
    """Load rows with these keys from an address: a path on the server of the test."""

    def load_from_(path: str, *keys: str) -> None:
        monkeypatch.setenv("SOURCES__SHOP__BASE_URL", f"{shop.url}{path}")
        load_pages(declare(columns=KEY), [{"id": key} for key in keys])

    return load_from_


def test_a_table_with_rows_of_one_shop_takes_none_of_another(shop, warehouse, load_from):
    load_from("/first", "a", "b")
    asked = len(shop.paths)
    with pytest.raises(LoadError, match=f"rows of {shop.url}/first, and the address is {shop.url}/second now") as found:
        load_from("/second", "a")
    assert "SOURCES__SHOP__MOVED_FROM" in str(found.value)
    assert "connectors reset shop --drop-rows" in str(found.value)
    assert (warehouse.ids("shop.things"), shop.paths[asked:]) == (["a", "b"], [])


def test_a_shop_that_has_moved_is_loaded_on_when_that_is_said(shop, warehouse, load_from, monkeypatch):
    load_from("/first", "a")
    with monkeypatch.context() as moved:
        moved.setenv("SOURCES__SHOP__MOVED_FROM", f"{shop.url}/first")
        load_from("/second", "b")
    load_from("/second", "c")
    with pytest.raises(LoadError, match="/second, and the address is"):
        load_from("/first", "a")
    assert warehouse.ids("shop.things") == ["a", "b", "c"]


def test_a_table_without_rows_takes_those_of_another_shop(warehouse, load_from, declare):
    load_from("/first", "a")
    delete_rows([declare(columns=KEY)])
    load_from("/second", "a", "b")
    assert warehouse.ids("shop.things") == ["a", "b"]
    with pytest.raises(LoadError, match=r"rows of .*/second, and the address is .*/first now"):
        load_from("/first", "a")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://shop.example/api/", "https://SHOP.example/api", True),
        ("http://shop.example", "https://shop.example:443", True),
        ("shop.example/api", "https://shop.example/api", True),
        ("http://127.0.0.1:4001", "http://localhost:4002/", True),
        ("http://127.0.0.1:4001", "https://shop.example", False),
        ("https://a.example", "https://b.example", False),
        ("https://shop.example/nl", "https://shop.example/de", False),
        ("https://shop.example:8443", "https://shop.example", False),
        ("https://shop.example/api?shop=1", "https://shop.example/api?shop=2", False),
        ("https://shop.example", "https://shop.example:port", False),
        ("https://shop.example", "https://[shop.example", False),
    ],
)
def test_an_address_may_be_written_in_other_ways(one, other, same):
    assert same_source(one, other) == same

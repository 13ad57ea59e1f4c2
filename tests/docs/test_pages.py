"""The pages of the connectors match the connectors."""

from dataclasses import replace

import pytest

from connectors_dagster import load_connectors
from docs.pages import PAGES, build_page

CONNECTORS = load_connectors()


@pytest.mark.parametrize("name", CONNECTORS)
def test_the_page_of_a_connector_is_what_make_docs_writes(name):
    page = PAGES / f"{name}.md"
    assert page.exists(), f"run make docs: docs/connectors/{name}.md is missing"
    assert page.read_text(encoding="utf-8") == build_page(CONNECTORS[name]), "run make docs"


def test_there_is_no_page_without_a_connector():
    assert {page.stem for page in PAGES.glob("*.md")} == set(CONNECTORS)


def test_a_page_lists_limitations_and_exclusions_and_how_to_get_a_key():
    storefront = CONNECTORS["storefront"]
    changes = {
        "enabled": False,
        "resources": {
            **storefront.resources,
            "orders": replace(storefront.resources["orders"], known_limitations="trashed orders | vanish"),
        },
        "excluded": {"reports": "they are sums of other tables"},
        "credentials_help": "Use a read-only key.",
    }
    page = build_page(replace(storefront, **changes))
    assert "`CONNECTORS__ENABLED=storefront`" in page
    how = "filtered by the API with `modified_after`, `modified_before`"
    assert f"| orders | `id` | `date_modified_gmt` | `P30D` | {how} | trashed orders \\| vanish |" in page
    assert "| reports | they are sums of other tables |" in page
    assert "Use a read-only key." in page

"""A record of a load says which database holds it: another one of the same kind is another place."""

import dagster as dg
import pytest

from connectors_dagster.load.destination_location import location
from connectors_dagster.load.source_address import read_from
from connectors_dagster.orchestration.metadata import ends_of_reads
from tests.conftest import find

URL = "postgresql://loader:s3cret-pass@db.example:5432/warehouse"


@pytest.fixture
def at(project, monkeypatch):
    """Set the database to load into; returns where that is."""

    def at_(url: str) -> str:
        monkeypatch.setenv("CONNECTORS__DESTINATION", "postgres")
        monkeypatch.setenv("DESTINATION__POSTGRES__CREDENTIALS", url)
        return location()

    return at_


def test_a_server_is_described_without_user_and_password(at):
    assert at(URL) == "postgres postgresql://db.example:5432/warehouse"
    assert at(URL.replace("loader:s3cret-pass", "other:pw")) == at(URL)


@pytest.mark.parametrize("other", ["db.example:5433/warehouse", "db.example:5432/test", "db2.example:5432/warehouse"])
def test_another_database_is_another_place(at, other):
    assert at(f"postgresql://loader:s3cret-pass@{other}") != at(URL)


def test_windows_in_another_database_do_not_count_and_those_of_earlier_versions_do(at, api):
    orders = find("storefront/orders")
    until = dg.MetadataValue.timestamp(86_400.0)

    def read(place: str) -> bool:
        values = {"read_from": read_from(orders), "loaded_into": place}
        recorded = {name: dg.MetadataValue.text(value) for name, value in values.items()}
        return bool(ends_of_reads(orders, {"2024-01-01": {**recorded, "fetched_until": until}}))

    here = at(URL)
    assert read(here) and read("postgres")
    assert not read("postgres postgresql://db.example:5432/warehouse2")

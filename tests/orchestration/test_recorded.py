"""What was recorded about windows is fetched once, however often a schedule asks, and never believed beyond its end."""

from typing import Any

import dagster as dg
import pytest

from connectors_dagster.orchestration import recorded
from connectors_dagster.orchestration.recorded import reads_by_window

KEY = dg.AssetKey(["storefront", "orders"])


def record(instance: dg.DagsterInstance, window: str, until: int) -> None:
    metadata: dict[str, Any] = {"fetched_until": dg.MetadataValue.timestamp(float(until)), "rows": 7}
    instance.report_runless_asset_event(dg.AssetMaterialization(KEY, partition=window, metadata=metadata))


def ends(instance: dg.DagsterInstance) -> dict[str, Any]:
    return {window: found["fetched_until"].value for window, found in reads_by_window(instance, KEY).items()}


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of records of each query."""
    numbers: list[int] = []
    fetch = recorded.fetch_materializations

    def counting(*arguments: Any, **options: Any) -> Any:
        found = list(fetch(*arguments, **options))
        numbers.append(len(found))
        return found

    monkeypatch.setattr(recorded, "fetch_materializations", counting)
    return numbers


def test_only_new_records_are_fetched_again(instance, fetched):
    for day in range(1, 9):
        record(instance, f"2024-01-0{day}", day)
    assert len(ends(instance)) == 8 and sum(fetched) == 8
    fetched.clear()
    record(instance, "2024-01-03", 99)
    record(instance, "2024-01-09", 9)
    assert ends(instance)["2024-01-03"] == 99 and len(ends(instance)) == 9
    assert sum(fetched) == 2 + 2  # and one that is known, at each call


def test_nothing_that_was_forgotten_counts_as_read(instance):
    record(instance, "2024-01-01", 1)
    assert ends(instance) == {"2024-01-01": 1}
    instance.wipe_assets([KEY])
    assert ends(instance) == {}
    record(instance, "2024-01-02", 2)
    assert ends(instance) == {"2024-01-02": 2}


def test_another_instance_with_the_same_numbers_is_noticed(instance, monkeypatch, tmp_path):
    monkeypatch.setattr(recorded, "instance_folder", lambda _: tmp_path)
    with dg.instance_for_test() as other:
        for one, until in ((instance, 1), (other, 5)):
            record(one, "2024-01-01", until)
            record(one, "2024-01-02", until + 1)
            assert ends(one) == {"2024-01-01": until, "2024-01-02": until + 1}


def test_what_is_remembered_is_bounded(instance, monkeypatch):
    monkeypatch.setattr(recorded, "MOST_KNOWN", 1)
    for day in range(1, 4):
        record(instance, f"2024-01-0{day}", day)
        assert len(ends(instance)) == day

"""The cases that `make parity` compares with airbyte-cdk, which is not installed here."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.parity import ours
from tests.parity.asked import Asked
from tests.parity.cases import CASES
from tests.parity.configured import configuration
from tests.parity.coverage import uncovered
from tests.parity.described import describe
from tests.parity.expression_cases import missing
from tests.parity.filtering import bounds_of
from tests.parity.parts import dated, pages, stream
from tests.parity.vendor import Vendor


def test_every_feature_of_the_page_every_filter_and_every_macro_is_in_a_case():
    assert (uncovered(CASES), missing()) == ([], [])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_all_streams_of_the_cases_are_native(case, tmp_path):
    _, translated = ours.translated(case.manifest, tmp_path)
    assert {one.name: one.reasons for one in translated.streams if one.engine != "native"} == {}


def test_the_made_up_api_filters_and_pages_as_the_manifest_says():
    def page(number: int) -> tuple[int, list[str]]:
        target = f"/v1/things?since=2024-01-01T00:00:00Z&until=2024-01-31T00:00:00Z&page={number}&per_page=3"
        status, body, _ = vendor.answer(Asked(method="GET", target=target, headers={}))
        return status, [row["changed"] for row in body["data"]]

    described = describe(stream(incremental_sync=dated(), paginator=pages("PageIncrement", page_size=3)), {})
    vendor, start = Vendor(), datetime(2024, 1, 1, tzinfo=UTC)
    vendor.begin(described, [start + timedelta(days=30 * number) for number in range(3)])
    found = [page(number) for number in range(4)]
    assert [(status, len(rows)) for status, rows in found] == [(200, 3), (200, 3), (200, 2), (200, 0)]
    assert (found[0][1][0], found[2][1][-1]) == ("2024-01-01T00:00:00Z", "2024-01-31T00:00:00Z")
    assert bounds_of(described, vendor.asked[0])["end"] == datetime(2024, 1, 31, tzinfo=UTC)


def test_a_configured_time_is_in_the_format_in_which_the_manifest_reads_it():
    def configured(form: str, hints: dict[str, str]) -> str:
        moment = {"type": "MinMaxDatetime", "datetime": "{{ config['from_when'] }}", "datetime_format": form}
        spec = {"connection_specification": {"properties": {"from_when": hints}}} if hints else {}
        manifest = {"spec": spec, "streams": [stream(incremental_sync={**dated(), "start_datetime": moment})]}
        return str(configuration(manifest, "", datetime(2024, 1, 1, tzinfo=UTC))["from_when"])

    assert configured("%Y-%m-%dT%H:%M:%S.%fZ", {}) == "2024-01-01T00:00:00.000000Z"
    assert configured("%Y-%m", {"type": "string"}) == "2024-01"
    assert configured("%Y-%m-%dT%H:%M:%SZ", {"type": "string", "format": "date"}) == "2024-01-01T00:00:00Z"
    assert configured("%Y-%m-%d", {"type": "string", "format": "date"}) == "2024-01-01"

"""A connector that contradicts itself or dlt is rejected, and the error says what to change."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from connectors_dagster import Connector

ENDPOINT = {"path": "/agents", "data_selector": "data", "paginator": "single_page"}
CONFIG: Any = {
    "client": {"base_url": "http://127.0.0.1"},
    "resources": [{"name": "agents", "primary_key": "id", "endpoint": ENDPOINT}],
}


def declare(config: Any, schema: Path = Path(__file__)) -> Connector:
    return Connector(name="helpdesk", description="Support", schema=schema, config=config)


@pytest.mark.parametrize(
    ("endpoint", "message"),
    [
        (
            {"paginator": {"type": "pagenumber"}},
            "endpoint/paginator: field type=pagenumber is not one of: .*'page_number'",
        ),
        (
            {"paginator": {"type": "page_number", "base": 1}},
            r"endpoint/paginator: received unexpected fields \{'base'\}",
        ),
        ({"paginator": "single_pag"}, "endpoint: field paginator=single_pag is not one of: .*'single_page'"),
        ({"method": "FETCH"}, "endpoint: field method=FETCH is not one of"),
        ({"pagination": "auto"}, r"endpoint: received unexpected fields \{'pagination'\}"),
    ],
)
def test_a_wrong_word_is_named_in_one_line_with_its_place(endpoint, message):
    config = deepcopy(CONFIG)
    config["resources"][0]["endpoint"] |= endpoint
    with pytest.raises(ValueError, match=rf"^helpdesk/resources\[0\]/{message}") as failed:
        declare(config)
    assert "\n" not in str(failed.value)


def test_a_schema_file_that_does_not_exist_is_named_with_what_to_write(tmp_path):
    connector = declare(CONFIG, tmp_path / "helpdesk.schema.yaml")
    with pytest.raises(ValueError, match=r"helpdesk: the schema file helpdesk.schema.yaml does not exist: create it"):
        _ = connector.tables

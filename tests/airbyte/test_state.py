"""What a state of Airbyte says about windows."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors_dagster.airbyte.catalog import read_catalog
from connectors_dagster.airbyte.errors import ManifestError
from connectors_dagster.airbyte.state import StreamState, read_state
from connectors_dagster.spec.timestamps import TimestampFormat
from connectors_dagster.spec.windows import Window

JANUARY = Window(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 31, tzinfo=UTC))
JUST, BEFORE = {"at": "2024-01-31T00:00:00Z"}, {"at": "2024-01-30T23:59:59Z"}
SPAN = {"start": "2023-01-01T00:00:00Z", "end": "2024-02-01T00:00:00Z"}
LATE = {"start": "2024-01-02T00:00:00Z", "end": "2024-02-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("state", "covered"),
    [
        (JUST, True),
        (BEFORE, False),
        ({}, False),
        ({"at": "no time"}, False),
        ({"other": "2025-01-01"}, False),
        ({"state_type": "date-range", "slices": [SPAN]}, True),
        ({"state_type": "date-range", "slices": [LATE]}, False),
        ({"states": [{"partition": {"id": 1}, "cursor": JUST}, {"partition": {"id": 2}, "cursor": JUST}]}, True),
        ({"states": [{"partition": {"id": 1}, "cursor": JUST}, {"partition": {"id": 2}, "cursor": BEFORE}]}, False),
        ({"use_global_cursor": True, "state": JUST, "states": [{"partition": {}, "cursor": BEFORE}]}, True),
    ],
)
def test_a_window_was_read_if_all_of_it_was_read_for_every_partition(state: dict[str, Any], covered: bool):
    assert StreamState(name="x", state=state).covers(JANUARY, TimestampFormat().decode, "at") is covered


MESSAGE = {"stream_descriptor": {"name": "x"}, "stream_state": JUST}
OF_THE_API = {"streamDescriptor": {"name": "x"}, "streamState": JUST}


@pytest.mark.parametrize(
    "written",
    [
        {"x": JUST},
        [{"type": "STREAM", "stream": MESSAGE}],
        [{"type": "GLOBAL", "global": {"shared_state": None, "stream_states": [MESSAGE]}}],
        {"type": "STATE", "state": {"type": "STREAM", "stream": MESSAGE}},
        {"stateType": "stream", "streamState": [OF_THE_API]},
        {"stateType": "global", "globalState": {"streamStates": [OF_THE_API]}},
    ],
)
def test_a_state_is_read_in_every_form_that_airbyte_writes(written: Any, tmp_path):
    (tmp_path / "state.json").write_text(json.dumps(written))
    assert read_state(tmp_path / "state.json") == [StreamState(name="x", state=JUST)]


def test_a_catalog_of_airbytes_api_is_read_without_the_streams_that_are_not_selected(tmp_path):
    chosen = {"selected": True, "syncMode": "incremental", "cursorField": ["at"], "primaryKey": [["id"], ["of", "x"]]}
    other = {"selected": False, "syncMode": "full_refresh"}
    streams = [{"stream": {"name": "a"}, "config": chosen}, {"stream": {"name": "b"}, "config": other}]
    (tmp_path / "connection.json").write_text(json.dumps({"syncCatalog": {"streams": streams}}))
    [one] = read_catalog(tmp_path / "connection.json")
    assert (one.name, one.incremental, one.cursor, one.key) == ("a", True, "at", (("id",), ("of", "x")))


def test_a_file_that_is_not_json_is_named_and_not_shown(tmp_path):
    (tmp_path / "state.json").write_text("t0ken {")
    with pytest.raises(ManifestError, match=r"state.json: is not JSON, as a state is$"):
        read_state(tmp_path / "state.json")

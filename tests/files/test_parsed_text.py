import os
from datetime import date
from pathlib import Path

import pytest
import yaml

from connectors_dagster.files.parsed_text import parsed

TEXT = "streams: [{name: orders, size: 10, ratio: 0.5, open: true, note: null}]"


@pytest.fixture
def kept(tmp_path):
    return tmp_path / "manifests" / "one.json"


@pytest.fixture
def parse():
    def count(text):
        count.times += 1
        return yaml.safe_load(text)

    count.times = 0
    return count


def test_a_text_is_parsed_once_with_the_same_result(parse, kept):
    first, second = parsed(TEXT, parse, kept), parsed(TEXT, parse, kept)
    assert repr(first) == repr(second) == repr(yaml.safe_load(TEXT))
    assert parse.times == 1
    assert parsed("streams: []", parse, kept) == {"streams": []}
    assert [file.name for file in kept.parent.iterdir()] == ["one.json"]


@pytest.mark.parametrize("damage", ["", "{", "[]", "null", '{"of": 1}', "\x00"])
def test_a_damaged_file_is_made_anew(parse, kept, damage):
    parsed(TEXT, parse, kept)
    kept.write_text(damage)
    assert parsed(TEXT, parse, kept) == parsed(TEXT, parse, kept)
    assert parse.times == 2


@pytest.mark.parametrize(
    ("text", "value"), [("day: 2024-01-01", {"day": date(2024, 1, 1)}), ("1: one", {1: "one"}), ("up: .inf", None)]
)
def test_what_json_cannot_hold_exactly_is_parsed_each_time(parse, kept, text, value):
    for _ in range(2):
        found = parsed(text, parse, kept)
        assert repr(found) == repr(value or yaml.safe_load(text))
    assert parse.times == 2


def test_without_a_disk_to_write_to_it_is_parsed_each_time(parse, tmp_path):
    (tmp_path / "file").touch()
    for _ in range(2):
        assert parsed(TEXT, parse, tmp_path / "file" / "one.json") == yaml.safe_load(TEXT)
    assert parse.times == 2


def test_an_error_of_the_text_is_raised_and_nothing_is_kept(parse, kept):
    with pytest.raises(yaml.YAMLError):
        parsed("a: [", parse, kept)
    assert not kept.exists()


def test_a_full_disk_leaves_no_draft(parse, kept, monkeypatch):
    def full(*_):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "replace", full)
    assert parsed(TEXT, parse, kept) == yaml.safe_load(TEXT)
    assert not list(kept.parent.iterdir())

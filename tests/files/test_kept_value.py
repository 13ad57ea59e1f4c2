"""A value that takes long to make: made once for what it is made of, and never read from a file that is not ours."""

import os
import pickle
import subprocess
import sys
from pathlib import Path
from types import MappingProxyType

import pytest

from connectors_dagster.files import kept_value as module
from connectors_dagster.files.kept_value import kept_value
from connectors_dagster.programs.process import Process
from connectors_dagster.spec.computed import Computed
from connectors_dagster.spec.placeholders import Secret, Setting, Text
from connectors_dagster.spec.windows import Window

SHOP = Setting("shop", description="its name")
VALUE = {
    "address": Text("https://", SHOP, ".example.com"),
    "token": Secret("token"),
    "region": Computed("{{ setting.region or 'eu' }}", {"setting": {"region": Setting("region", default=None)}}),
    "headers": MappingProxyType({"Accept": "application/json"}),
}


@pytest.fixture
def kept(tmp_path):
    return tmp_path / "manifests" / "one"


@pytest.fixture
def make():
    def count():
        count.times += 1
        return VALUE

    count.times = 0
    return count


def one() -> str:
    return "one"


def test_a_value_is_made_once_until_what_it_is_made_of_changes(make, kept):
    values = [kept_value(kept, one, make) for _ in range(2)]
    assert values[0] == values[1] == VALUE and make.times == 1
    assert kept_value(kept, lambda: "two", dict) == {}
    assert [file.name for file in kept.parent.iterdir()] == ["one"]


def test_a_value_is_not_kept_if_what_it_is_made_of_changes_meanwhile(make, kept):
    seen = iter(["one", "two"])
    kept_value(kept, lambda: next(seen), make)
    assert kept_value(kept, one, make) == VALUE and make.times == 2


def test_what_is_declared_of_settings_is_kept_with_them(make, kept):
    kept_value(kept, one, make)
    found = kept_value(kept, one, make)
    assert found["address"].parts[1].required and found["address"].parts[1].declaration == SHOP.declaration
    assert isinstance(found["token"], Secret) and found["region"].declaration == VALUE["region"].declaration
    assert type(found["headers"]) is MappingProxyType


def test_a_value_that_another_version_of_the_code_has_made_is_made_anew(make, kept, monkeypatch):
    kept_value(kept, one, make)
    monkeypatch.setattr(module, "_code", lambda: "another")
    kept_value(kept, one, make)
    assert make.times == 2


def test_the_code_is_known_by_its_text():
    assert len(module._code().split()[-1]) == 64 and module._code().startswith("3.")


class Calls:
    """Calls a function when it is read."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("function", [os.system, print, eval, getattr, subprocess.Popen, Path.unlink])
def test_a_file_can_call_nothing(make, kept, tmp_path, function):
    kept_value(kept, one, make)
    mark = kept.read_bytes()[:32]
    (tmp_path / "here").touch()
    kept.write_bytes(mark + pickle.dumps(Calls(function, str(tmp_path / "here"))))
    assert kept_value(kept, one, make) == VALUE
    assert make.times == 2 and (tmp_path / "here").exists()


def test_a_file_can_start_no_program_and_no_command_line(make, kept, tmp_path):
    kept_value(kept, one, make)
    mark = kept.read_bytes()[:32]
    starts = pickle.dumps(Calls(Process, ("touch", str(tmp_path / "here")), "", None))
    command_line = f"{module.OWN}.cli.__main__"  # it runs when it is imported
    for written in (starts, f"c{command_line}\nmain\n.".encode()):
        kept.write_bytes(mark + written)
        assert kept_value(kept, one, make) == VALUE
    assert make.times == 3 and not (tmp_path / "here").exists() and command_line not in sys.modules


@pytest.mark.parametrize("length", [0, 10, 32, 33, 200])
def test_a_damaged_file_is_made_anew(make, kept, length):
    kept_value(kept, one, make)
    kept.write_bytes(kept.read_bytes()[:length])
    assert kept_value(kept, one, make) == kept_value(kept, one, make) == VALUE
    assert make.times == 2


def test_a_value_that_cannot_be_kept_is_made_each_time(kept):
    made = [kept_value(kept, one, lambda: {"window": Window, "made": object()}) for _ in range(2)]
    assert made[0]["made"] is not made[1]["made"] and not kept.exists()


def test_without_a_disk_to_write_to_it_is_made_each_time(make, tmp_path):
    (tmp_path / "file").touch()
    for _ in range(2):
        assert kept_value(tmp_path / "file" / "one", one, make) == VALUE
    assert make.times == 2


def test_an_error_is_raised_and_nothing_is_kept(kept):
    with pytest.raises(ZeroDivisionError):
        kept_value(kept, one, lambda: 1 // 0)
    assert not kept.exists()


def test_a_full_disk_leaves_no_draft(make, kept, monkeypatch):
    def full(*_):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "replace", full)
    assert kept_value(kept, one, make) == VALUE
    assert not list(kept.parent.iterdir())

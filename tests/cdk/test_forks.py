"""Processes with airbyte-cdk are forks of one that has imported it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from connectors_dagster.cdk.stream import CHILD
from connectors_dagster.programs import forks
from connectors_dagster.programs.process import Process
from tests.support.airbyte import cdk_python

pytestmark = [
    pytest.mark.cdk,
    pytest.mark.skipif(sys.platform != "linux", reason="on other systems, each process is started on its own"),
]
BROKEN = {"python": {"names": ["x"], "file": "/does/not/exist.py"}}
PARENT = """\
import sys, time
from connectors_dagster.programs.process import Process
process = Process(sys.argv[1:], "read", time.sleep, forks=True)
print(process.pid, flush=True)
time.sleep(600)
"""


def started(*command: str) -> Process:
    return Process(command, "read", lambda _: None, forks=True)


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def is_there(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_processes_are_forks_of_one_and_are_ended_one_by_one():
    command = (cdk_python(), "-I", str(CHILD))
    first, second = started(*command), started(*command)
    assert parent_of(first.pid) == parent_of(second.pid) != os.getpid()
    assert os.getpgid(first.pid) == first.pid
    first.stop()
    assert not is_there(first.pid) and first.status() == "by signal 9"
    second.write("job", BROKEN)
    assert b"broken" in next(second.lines())
    assert list(second.lines()) == [] and second.status() == "with status 0"
    second.stop()


def test_a_process_and_what_it_is_a_fork_of_end_if_the_one_that_reads_is_killed():
    command = [sys.executable, "-c", PARENT, cdk_python(), "-I", str(CHILD)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as reader:
        assert reader.stdout
        fork = int(reader.stdout.readline())
        template = parent_of(fork)
        reader.send_signal(signal.SIGKILL)
    ends = time.monotonic() + 60
    while is_there(fork) or is_there(template):
        assert time.monotonic() < ends
        time.sleep(0.1)


def test_templates_are_ended_and_the_next_process_is_a_fork_of_a_new_one():
    command = (cdk_python(), "-I", str(CHILD))
    first = started(*command)
    template = parent_of(first.pid)
    first.stop()
    forks.end_templates()
    assert not is_there(template)
    second = started(*command)
    assert parent_of(second.pid) not in (template, os.getpid())
    second.stop()


def test_what_is_wrong_is_said_if_nothing_can_be_forked(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("import nothing_of_this_name")
    process = started(sys.executable, "-I", str(program))
    assert list(process.lines()) == []
    assert process.status() == "with status 1: ModuleNotFoundError: No module named 'nothing_of_this_name'"
    process.stop()
    assert not [key for key in forks._templates if str(program) in key]

"""The benchmarks compare like with like, and notice a program that loads other rows."""

import os
import subprocess
import sys

import duckdb
import pytest

from benchmarks import script
from benchmarks.contest import Trial, run_trial
from benchmarks.entrants import ENTRANTS, LOOP
from benchmarks.measure import measure
from benchmarks.peers.shape_connector import build_connector
from benchmarks.report import APART, PAGE, measured_apart
from benchmarks.rows import Rows
from benchmarks.script import RunError
from benchmarks.server import serving
from benchmarks.shapes import BY_NAME, SHAPES

[FLOOR] = [entrant for entrant in ENTRANTS if entrant.name == "floor"]


def load_orders(peer: str, address: str, folder, table: str) -> tuple[dict[str, str], list[tuple[object, ...]]]:
    folder.mkdir()
    command = [sys.executable, "-m", f"benchmarks.peers.{peer}", f"{address}/0", "1"]
    environment = {**os.environ, "PYTHONPATH": str(script.ROOT)}
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    with duckdb.connect(str(folder / "orders.duckdb"), read_only=True) as connection:
        types = {name: kind for name, kind, *_ in connection.execute(f"DESCRIBE {table}").fetchall()}
        types.pop("_dlt_load_id", None)
        names = ", ".join(f'"{name}"' for name in sorted(types))
        return types, connection.execute(f"SELECT {names} FROM {table} ORDER BY id").fetchall()


@pytest.mark.journey
def test_the_floor_gets_the_columns_types_and_values_of_our_table(tmp_path):
    with serving(40) as address:
        floor = load_orders("floor", address, tmp_path / "floor", "orders")
        ours = load_orders("step", address, tmp_path / "step", "storefront.orders")
    assert floor == ours
    assert len(ours[1]) == 40


@pytest.mark.parametrize(("shape", "entrant"), [("orders", FLOOR), ("small", FLOOR), ("children", LOOP)])
def test_a_program_that_loads_fewer_rows_than_exist_is_noticed(shape, entrant, tmp_path, monkeypatch):
    monkeypatch.setattr(script, "BASE", tmp_path)
    with serving(5, BY_NAME[shape]) as address:
        for rows in (5, 6):
            trial = Trial(entrant=entrant, connections=1, latency=0, rows=rows, shape=BY_NAME[shape])
            if rows == 5:
                run_trial(trial, address=address)
            else:
                with pytest.raises(RunError, match="loaded"):
                    run_trial(trial, address=address)


@pytest.mark.parametrize(("shape", "size"), [("orders", 2_000), ("small", 200), ("deep", 20_000), ("cut", 2_000)])
def test_rows_are_as_large_as_the_shape_says(shape, size):
    assert len(Rows(BY_NAME[shape], 100).page(0, 100)) / 100 == pytest.approx(size, rel=0.2)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_every_shape_is_a_connector_that_declares_all_columns(shape):
    connector = build_connector("shop", shape)
    assert {name: set(fields) for name, fields in shape.tables.items()} == {
        name: set(resource.columns) & set(shape.tables[name]) for name, resource in connector.graph.items()
    }


def test_the_memory_of_a_process_in_a_session_of_its_own_is_counted(tmp_path):
    child = "import time; kept = bytes(range(256)) * 800_000; time.sleep(1)"
    parent = f"""
import subprocess, sys
kept = bytes(range(256)) * 400_000
subprocess.run([sys.executable, "-c", {child!r}], start_new_session=True, check=True)
"""
    used = measure([sys.executable, "-c", parent], folder=tmp_path, environment=os.environ, timeout=60)
    assert used.status == 0 and used.memory > 256 * 1_200_000


def test_what_is_measured_apart_stays_on_the_page():
    kept = measured_apart(PAGE.read_text(encoding="utf-8"))
    assert all(head in kept for head in APART)
    assert "## This project alone" not in kept

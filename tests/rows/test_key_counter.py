"""Keys are counted in parts as they are counted at once."""

from collections import Counter
from random import Random

import pytest

from connectors_dagster.rows import key_counter
from connectors_dagster.rows.key_counter import KeyCounter


@pytest.mark.parametrize("many", [1, 7, 100, 100_000])
@pytest.mark.parametrize("highest", [50, 5_000])
def test_keys_that_come_twice_are_found_however_many_parts_there_are(monkeypatch, many, highest):
    monkeypatch.setattr(key_counter, "FEW", 0)
    monkeypatch.setattr(key_counter, "MANY", many)
    dice = Random(many)
    keys = [(dice.randint(0, 2 * highest), "order") for _ in range(400)]
    counter, counted = KeyCounter(), Counter(keys)
    counter.add(keys)
    assert counter.different() == len(counted)
    repeated = counter.repeated()
    assert repeated is not None
    assert repeated.to_pylist() == [counted[key] > 1 for key in keys]


def test_keys_that_all_differ_are_not_repeated(monkeypatch):
    monkeypatch.setattr(key_counter, "MANY", 10)
    counter = KeyCounter()
    counter.add(range(20_000))
    assert (counter.different(), counter.repeated()) == (20_000, None)

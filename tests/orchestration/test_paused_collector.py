"""The collector of garbage is paused for a while, and never longer."""

import gc

import pytest

from connectors_dagster.orchestration.paused_collector import paused_collector


def test_the_collector_goes_on_after_the_pause_also_after_an_error():
    with paused_collector():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ValueError, match="stop"), paused_collector():
        raise ValueError("stop")
    assert gc.isenabled()


def test_a_collector_that_somebody_else_has_turned_off_stays_off():
    gc.disable()
    try:
        with paused_collector():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_what_was_made_meanwhile_is_old_and_no_garbage_for_ever():
    with paused_collector():
        made = [[number] for number in range(10_000)]
    assert not {id(one) for one in gc.get_objects(generation=0)} & set(map(id, made))
    assert gc.get_freeze_count() == 0

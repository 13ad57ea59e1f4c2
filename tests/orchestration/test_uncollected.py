"""The garbage collector rests while definitions are made."""

import gc

import pytest

from connectors_dagster.orchestration.uncollected import uncollected


@pytest.fixture(autouse=True)
def _as_before():
    enabled = gc.isenabled()
    yield
    (gc.enable if enabled else gc.disable)()


def test_nothing_is_collected_in_the_block_also_after_an_error():
    @uncollected()
    def build() -> None:
        assert not gc.isenabled()
        raise ValueError("wrong")

    gc.enable()
    with pytest.raises(ValueError, match="wrong"):
        build()
    assert gc.isenabled()


def test_a_collector_that_is_off_stays_off():
    gc.disable()
    with uncollected():
        pass
    assert not gc.isenabled()

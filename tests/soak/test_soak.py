"""After a quiet refresh, the table has what the API has, whatever happened while it was read before."""

import pytest

from tests.soak.play import play


@pytest.mark.parametrize("seed", range(1, 61))
def test_the_table_is_exact_after_a_quiet_refresh_whatever_happened_before(tmp_path, seed):
    outcome = play(seed, tmp_path)
    assert not outcome.wrong, f"{outcome.wrong}\n{outcome.episode}"


def test_an_episode_is_the_same_each_time_it_is_played(tmp_path_factory):
    first, second = (play(14, tmp_path_factory.mktemp("episode")) for _ in range(2))
    assert first == second
    assert first.requests > 2

"""After a quiet run, the table has what the API has, whatever happened to the API and to the loads before."""

from dataclasses import replace

import pytest

from tests.soak import crash, schedule
from tests.soak.episode import Edit, draw_episode
from tests.soak.play import play

pytestmark = pytest.mark.journey


@pytest.mark.parametrize("seed", range(1, 61))
def test_the_table_is_exact_after_a_quiet_refresh_whatever_happened_before(tmp_path, seed):
    outcome = play(draw_episode(seed), tmp_path)
    assert not outcome.wrong, f"{outcome.wrong}\n{outcome.episode}"


@pytest.mark.parametrize("seed", [6])
def test_the_schedule_ends_with_exact_tables_and_children_whatever_happened_between_its_ticks(tmp_path, seed):
    outcome = schedule.play(schedule.draw_schedule(seed), tmp_path)
    assert not outcome.wrong, f"{outcome.wrong}\n{outcome.episode}"
    assert outcome.runs > 2


@pytest.mark.parametrize("seed", [1])
def test_a_load_that_is_killed_anywhere_leaves_exact_tables_after_the_next_run_and_nothing_unfinished(tmp_path, seed):
    outcome = crash.play(crash.draw_crash(seed), tmp_path)
    assert not outcome.wrong, f"{outcome.wrong}\n{outcome.episode}"
    assert outcome.killed


def test_an_episode_is_the_same_each_time_it_is_played(tmp_path_factory):
    first, second = (play(draw_episode(14), tmp_path_factory.mktemp("episode")) for _ in range(2))
    assert first == second
    assert first.requests > 2


@pytest.mark.parametrize(
    ("paging", "total"),
    [
        ("header_link", "header"),
        ("header_link", None),
        ("json_link", "body"),
        ("json_link", None),
        ("cursor", None),
        ("cursor_header", None),
    ],
)
def test_an_insert_that_hides_a_delete_in_an_open_window_loses_no_row(tmp_path, paging, total):
    """The first window has 30 rows, the open one 10, on pages of 4; a row of its first page goes after it was read."""
    swap = (Edit(what="delete", place=0.8), Edit(what="insert", place=1.0))
    episode = replace(
        draw_episode(1),
        paging=paging,
        total=total,
        has_more=False,
        rows=40,
        size=4,
        most=4,
        order="at",
        envelope="data",
        hidden=(0, 0),
        end=None,
        window="api",
        missing="keep",
        behind=0,
        reads=1,
        later=0.01,
        # The first window takes 8 requests, or 16 if there is no total and it is read twice.
        edits=tuple(swap if number in (10, 18) else () for number in range(1, 19)),
    )
    outcome = play(episode, tmp_path)
    assert not outcome.wrong, outcome.wrong

"""What MLflow's aliases should be, and which differences a person made."""

from __future__ import annotations

import pytest

from tasks.promote.projection import Move, Shown, Standing, project

A, B, C = "a" * 64, "b" * 64, "c" * 64


def shown(**aliases: int) -> Shown:
    return Shown(aliases=aliases, sha256={1: A, 2: B, 3: C, 4: ""}, live={A: 1, B: 2, C: 3})


def test_agreement_needs_nothing() -> None:
    found = project(
        Standing(champion=B, previous=A, challenger=C, settled=True), shown(champion=2, previous=1, challenger=3)
    )
    assert (found.moves, found.out_of_band, found.missing) == ((), (), ())


def test_the_way_back_is_set_before_the_champion_moves() -> None:
    found = project(Standing(champion=B, previous=A), shown(champion=1))
    assert [str(move) for move in found.moves] == ["previous: none -> v1", "champion: v1 -> v2"]


def test_a_move_that_was_not_carried_over_yet_is_nobodys_edit() -> None:
    assert project(Standing(champion=B, previous=A, settled=False), shown(champion=1)).out_of_band == ()


@pytest.mark.parametrize("aliases", [{"champion": 1, "previous": 1}, {"previous": 1}, {"champion": 2}])
def test_after_that_every_difference_is_an_edit_and_is_set_back(aliases: dict[str, int]) -> None:
    found = project(Standing(champion=B, previous=A, settled=True), shown(**aliases))
    assert len(found.out_of_band) == 1
    assert len(found.moves) == 1


def test_an_alias_on_weights_that_the_ledger_does_not_know_is_an_edit_at_any_time() -> None:
    found = project(Standing(champion=B), shown(champion=4))
    assert "unknown weights" in found.out_of_band[0]
    assert found.moves == (Move(alias="champion", before=4, after=2),)


def test_a_champion_that_the_ledger_knows_nothing_of_is_reported_and_left_alone() -> None:
    found = project(Standing(champion=""), shown(champion=1))
    assert found.moves == ()
    assert len(found.out_of_band) == 1


def test_an_answered_request_takes_the_challenger_away_without_an_alarm() -> None:
    found = project(Standing(champion=B, settled=True), shown(champion=2, challenger=3))
    assert found.moves == (Move(alias="challenger", before=3, after=0),)
    assert found.out_of_band == ()


def test_a_version_that_is_not_in_mlflow_is_missing_and_keeps_the_alias_where_it_is() -> None:
    found = project(Standing(champion="d" * 64), shown(champion=1))
    assert found.missing == (("champion", "d" * 64),)
    assert found.moves == ()


def test_our_alias_in_other_letters_is_reported_and_foreign_ones_are_not() -> None:
    found = project(Standing(champion=B, settled=True), shown(champion=2, Champion=1, canary=3))
    assert len(found.out_of_band) == 1
    assert "'Champion'" in found.out_of_band[0]

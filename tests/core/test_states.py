"""The table of legal moves."""

from __future__ import annotations

from runner.core.states import CLAIMABLE, MOVES, OPEN, Event, State, is_legal


def test_every_arrow_has_its_letter() -> None:
    """Letters name arrows one to one."""
    assert len({move.letter for move in MOVES}) == len(MOVES) == len({(m.before, m.event, m.after) for m in MOVES})


def test_a_placed_order_never_moves() -> None:
    """Once bought, nothing takes an order back to where it could be bought again: at most its purchase is renamed."""
    assert [(move.event, move.after) for move in MOVES if move.before is State.PLACED] == [
        (Event.RENAMED, State.RENAMED)
    ]
    assert not [move for move in MOVES if move.before is State.RENAMED]


def test_only_proof_or_a_person_leads_back_to_buying() -> None:
    """From `submitted` or `unknown` into a claimable state: a refusal, proof that nothing was sent, or a verdict."""
    back = {move.event for move in MOVES if move.before in OPEN and move.after in CLAIMABLE}
    assert back == {Event.REJECTED, Event.NOT_SENT, Event.RECONCILED, Event.RESOLVED}


def test_only_a_claim_submits() -> None:
    """`submitted` is entered by a claim alone, from a claimable state alone."""
    claims = [move for move in MOVES if move.after is State.SUBMITTED]
    assert {move.event for move in claims} == {Event.CLAIMED}
    assert {move.before for move in claims} == CLAIMABLE == {State.PLANNED, State.REJECTED, State.ABSENT}


def test_what_the_table_does_not_have_is_illegal() -> None:
    """Of all possible moves only the listed ones are legal."""
    legal = [
        (before, event, after)
        for before in State
        for event in Event
        for after in State
        if is_legal(before, event, after)
    ]
    assert len(legal) == len(MOVES)

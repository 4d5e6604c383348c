"""States of an order, outcomes of an attempt, and the one table of legal moves.

The ledger's check constraints, the purchase protocol and docs/explanation/life-of-an-order.md all read this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where one order stands, for good until an event moves it."""

    PLANNED = "planned"
    """Wanted, or proved never sent: nothing of it is at the vendor."""
    SUBMITTED = "submitted"
    """Claimed: from here on the vendor may have it."""
    PLACED = "placed"
    """Bought; the vendor's order id is known."""
    REJECTED = "rejected"
    """The vendor said no to this attempt; nothing was bought."""
    UNKNOWN = "unknown"
    """May have been charged. Blocks the account until settled."""
    ABSENT = "absent"
    """Proved, or declared by a person, not to have been bought."""
    RENAMED = "renamed"
    """Bought, and known by another key since; this one is never bought again."""


class Event(StrEnum):
    """Why an order moved."""

    CLAIMED = "claimed"
    PLACED = "placed"
    REJECTED = "rejected"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"
    ABANDONED = "abandoned"
    """A process died, or lost the account, between claim and settlement."""
    RECONCILED = "reconciled"
    RESOLVED = "resolved"
    RENAMED = "renamed"
    """A manifest says that an order which was bought has another key now: enters both, the old one and the new."""


@dataclass(frozen=True, slots=True)
class Move:
    """One lettered arrow: `event` takes an order from `before` to `after`."""

    letter: str
    before: State
    event: Event
    after: State


MOVES: Final = (
    Move("a", State.PLANNED, Event.CLAIMED, State.SUBMITTED),
    Move("b", State.REJECTED, Event.CLAIMED, State.SUBMITTED),
    Move("c", State.ABSENT, Event.CLAIMED, State.SUBMITTED),
    Move("d", State.SUBMITTED, Event.PLACED, State.PLACED),
    Move("e", State.SUBMITTED, Event.REJECTED, State.REJECTED),
    Move("f", State.SUBMITTED, Event.NOT_SENT, State.PLANNED),
    Move("g", State.SUBMITTED, Event.UNKNOWN, State.UNKNOWN),
    Move("h", State.SUBMITTED, Event.ABANDONED, State.UNKNOWN),
    # A fact outlives its process: whoever holds an answer records it, though others have given the attempt up.
    Move("i", State.UNKNOWN, Event.PLACED, State.PLACED),
    Move("j", State.UNKNOWN, Event.REJECTED, State.REJECTED),
    Move("k", State.UNKNOWN, Event.NOT_SENT, State.PLANNED),
    Move("l", State.ABSENT, Event.PLACED, State.PLACED),
    Move("m", State.UNKNOWN, Event.RECONCILED, State.PLACED),
    Move("n", State.UNKNOWN, Event.RECONCILED, State.ABSENT),
    Move("o", State.UNKNOWN, Event.RECONCILED, State.UNKNOWN),
    Move("p", State.UNKNOWN, Event.RESOLVED, State.PLACED),
    Move("q", State.UNKNOWN, Event.RESOLVED, State.ABSENT),
    # An orderId of an earlier attempt that comes late: the order was bought, whatever became of it since.
    Move("r", State.PLANNED, Event.PLACED, State.PLACED),
    Move("s", State.REJECTED, Event.PLACED, State.PLACED),
    # An order at the vendor that the ledger had forgotten, adopted by a person's word.
    Move("t", State.PLANNED, Event.RESOLVED, State.PLACED),
    Move("u", State.REJECTED, Event.RESOLVED, State.PLACED),
    Move("v", State.ABSENT, Event.RESOLVED, State.PLACED),
    # A purchase goes by another key: the old key gives it up, the new one takes it over without a claim.
    Move("w", State.PLACED, Event.RENAMED, State.RENAMED),
    Move("x", State.PLANNED, Event.RENAMED, State.PLACED),
    Move("y", State.REJECTED, Event.RENAMED, State.PLACED),
    Move("z", State.ABSENT, Event.RENAMED, State.PLACED),
)

CLAIMABLE: Final = frozenset(move.before for move in MOVES if move.event is Event.CLAIMED)
"""States a run may buy from."""

OPEN: Final = frozenset({State.SUBMITTED, State.UNKNOWN})
"""States in which money may have moved and nobody knows."""


def is_legal(before: State, event: Event, after: State) -> bool:
    """Whether the table has this arrow."""
    return any((move.before, move.event, move.after) == (before, event, after) for move in MOVES)

"""A generation that is raised for many orders at once says what it buys once more, before it is bought."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from runner.core.errors import Problem
from runner.core.orders import OrderRequest
from runner.core.states import State
from runner.plan.again import EARLIER, note_raised
from runner.plan.plan import Step
from tests import make


def wanted(name: str, generation: int = 2, raised_in: Literal["defaults", "batch"] | None = "defaults") -> OrderRequest:
    return make.order(name, generation=generation, raised_in=raised_in)


def notes(steps: Iterable[Step], *bought: OrderRequest, state: State = State.PLACED) -> list[Problem]:
    books = make.Books(*(make.record(one, state, order_id=f"7{n}") for n, one in enumerate(bought)))
    return list(note_raised(steps, books))  # type: ignore[arg-type]


def test_it_counts_what_was_bought_before() -> None:
    """One warning a batch says how many orders, as which generation, by which line; a new order is none of them."""
    steps = [make.step(wanted(name)) for name in ("a", "b", "new")]
    (note,) = notes(steps, wanted("a", 1), wanted("b", 1))
    assert (note.code, note.severity, note.key, note.field) == ("PSR439", "warning", None, "generation")
    assert note.message == (
        "2 orders of batch b are bought already as generation 1 (b/a, order 70, and so on), "
        "and once more by `generation: 2` in `defaults`"
    )
    assert "renew" in (note.hint or "")


def test_the_newest_purchase_counts() -> None:
    """The generation bought last is named, however many were skipped since."""
    (note,) = notes([make.step(wanted("a", 9, "batch"))], wanted("a", 2), wanted("a", 5))
    assert note.message == (
        "b/a#9 is bought already as generation 5 (b/a#5, order 71), and once more by `generation: 9` beside `batch`"
    )


def test_nothing_is_said_of_what_an_order_says_itself() -> None:
    """A generation in an order is about that order; the first one of all is nobody's second."""
    assert notes([make.step(wanted("a", raised_in=None))], wanted("a", 1)) == []
    assert notes([make.step(wanted("a", 1))], wanted("a", 1)) == []


def test_nothing_is_said_where_nothing_is_bought() -> None:
    """Not of an order that is bought, skipped or refused, nor of one whose earlier attempts bought nothing."""
    for status in ("already_placed", "skipped", "refused"):
        assert notes([make.step(wanted("a"), status=status)], wanted("a", 1)) == []
    for state in (State.ABSENT, State.REJECTED, State.UNKNOWN):
        assert notes([make.step(wanted("a"))], wanted("a", 1), state=state) == []


def test_only_a_few_generations_are_looked_up() -> None:
    """However high a generation is, no more than so many keys an order are asked for."""
    asked: list[int] = []

    class Counting(make.Books):
        def records(self, keys: Iterable[object]) -> dict[object, object]:  # type: ignore[override]
            asked.append(len(list(keys)))
            return {}

    steps = [make.step(wanted(name, 2_147_483_647)) for name in "ab"]
    assert list(note_raised(steps, Counting())) == []  # type: ignore[arg-type]
    assert asked == [2 * EARLIER]


def test_each_batch_has_its_own() -> None:
    """Two batches that were raised are two warnings."""
    steps = [make.step(make.order("a", batch=batch, generation=2, raised_in="batch")) for batch in ("x", "y")]
    bought = [make.order("a", batch=batch) for batch in ("x", "y")]
    assert [note.message.split()[0] for note in notes(steps, *bought)] == ["x/a#2", "y/a#2"]

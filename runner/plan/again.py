"""Orders that are bought once more because a generation was raised for many at once: said before they are."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from runner.core.errors import Problem
from runner.core.ledger import Ledger
from runner.core.orders import OrderKey, OrderRequest
from runner.core.records import Record
from runner.core.states import State
from runner.plan.plan import Step

EARLIER: Final = 12
"""Generations before an order's own that are looked up."""


def note_raised(steps: Iterable[Step], ledger: Ledger) -> Iterator[Problem]:
    """A warning for each batch and generation of which orders, bought as an earlier one, would be bought once more.

    Only for a generation that stands in `defaults` or beside `batch`: one in an order is about nothing else.
    """
    groups: defaultdict[tuple[str, int], list[OrderRequest]] = defaultdict(list)
    for step in steps:
        if step.to_buy and step.request.raised_in and step.request.key.generation > 1:
            groups[step.request.key.batch, step.request.key.generation].append(step.request)
    for raised in groups.values():
        before = _last_bought(raised, ledger)
        if before:
            yield _warning(raised, before)


def _last_bought(raised: Iterable[OrderRequest], ledger: Ledger) -> Mapping[OrderKey, Record]:
    """The newest earlier generation of each of these orders that is bought, by the key that is wanted now."""
    earlier = {
        replace(key, generation=generation): key
        for key in (request.key for request in raised)
        for generation in range(max(1, key.generation - EARLIER), key.generation)
    }
    records = ledger.records(earlier)  # oldest first, as the keys are: the newest one stays
    bought = ((now, records.get(key)) for key, now in earlier.items())
    return {now: record for now, record in bought if record and record.state is State.PLACED}


def _warning(raised: list[OrderRequest], before: Mapping[OrderKey, Record]) -> Problem:
    first = next(request for request in raised if request.key in before)
    count, record = len(before), before[first.key]
    generation, place = first.key.generation, "in `defaults`" if first.raised_in == "defaults" else "beside `batch`"
    many = f"{count:,} orders of batch {first.key.batch} are" if count > 1 else f"{first.key} is"
    most, _ = Counter(one.key.generation for one in before.values()).most_common(1)[0]
    example = f"{record.key}, order {record.order_id}" + (", and so on" if count > 1 else "")
    problem = first.problem(
        "PSR439",
        f"{many} bought already as generation {most} ({example}), and once more by `generation: {generation}` {place}",
        hint=f"if they only have to go on, renew them and take it back to {most}; to buy one order again, write "
        "`generation` in that order alone",
        field="generation",
    )
    return replace(problem, key=None, severity="warning")

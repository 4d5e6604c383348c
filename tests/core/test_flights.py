"""Which purchases are in flight: one lane, several, and what a signal handler may ask."""

from __future__ import annotations

from decimal import Decimal

import pytest

from runner.core.flights import Flights
from runner.core.orders import OrderKey
from runner.core.progress import Buying, Listing, Notice, Progress, Sent, Settled, Waiting

A, B, C = (OrderKey("crawl", name) for name in "abc")


def buying(key: OrderKey) -> Buying:
    return Buying(key=key, n=1, total=3, price=Decimal(1))


def sent(key: OrderKey) -> Sent:
    return Sent(key=key, deadline=180.0)


def settled(key: OrderKey) -> Settled:
    return Settled(key=key, status="placed")


def flying(*events: Progress) -> list[str]:
    flights = Flights()
    for now, event in enumerate(events):
        flights.take(event, float(now))
    return [f"{flight.key.name} since {flight.since:g} for {flight.deadline:g}" for flight in flights.oldest_first()]


def test_lanes_that_overlap() -> None:
    """Each flight lasts until its own order is settled, in whatever order that is; the oldest comes first."""
    events = (buying(A), sent(A), buying(B), sent(B), buying(C), sent(C))
    assert flying(*events) == ["a since 1 for 180", "b since 3 for 180", "c since 5 for 180"]
    assert flying(*events, settled(B)) == ["a since 1 for 180", "c since 5 for 180"]
    assert flying(*events, settled(B), settled(A), settled(C)) == []


def test_what_belongs_to_no_order_ends_no_flight_among_several() -> None:
    """A pause of the whole run, a list that is asked and a notice leave every flight where it is."""
    others = (Waiting(seconds=9, why="the request rate"), Listing(type="ipv4"), Notice(text="x"))
    assert len(flying(buying(A), sent(A), buying(B), sent(B), *others)) == 2


def test_an_order_that_waits_is_not_in_flight() -> None:
    """A purchase that turned out not to be sent leaves, and is the youngest once it is sent again."""
    first = (buying(A), sent(A), buying(B), sent(B), Waiting(seconds=2, why="it was not sent", key=A))
    assert flying(*first) == ["b since 3 for 180"]
    assert flying(*first, sent(A)) == ["b since 3 for 180", "a since 5 for 180"]


@pytest.mark.parametrize("later", [buying(A), settled(A), Waiting(seconds=1, why="x"), Listing(type=None)])
def test_one_lane(later: Progress) -> None:
    """With one purchase at a time whatever comes next ends its flight, a notice excepted."""
    assert flying(buying(A), sent(A), Notice(text="stopping")) == ["a since 1 for 180"]
    assert flying(buying(A), sent(A), later) == []


def test_a_watch_in_between() -> None:
    """It counts what is in flight and hands every event on, as it came."""
    flights, seen = Flights(), list[Progress]()
    watch = flights.watched_by(seen.append)
    events = [buying(A), sent(A), buying(B), sent(B), settled(A)]
    counts = []
    for event in events:
        watch(event)
        counts.append((len(flights), flights.lanes))
    assert seen == events
    assert counts == [(0, 1), (1, 1), (1, 2), (2, 2), (1, 1)]

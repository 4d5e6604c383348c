"""What a person sees while several orders are bought at once: the events of such a run, on real terminals."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from decimal import Decimal
from typing import BinaryIO

import pytest

from runner.core.orders import OrderKey
from runner.core.progress import Buying, Notice, Progress, Quoting, Sent, Settled
from tests.terminal.conftest import Desk
from tests.terminal.screen import Screen, timeless
from tests.terminal.test_screens import Same

ORDERS = 40


class Stage:
    """A terminal, and the pipe that its events go into."""

    def __init__(self, desk: Desk, *, columns: int = 80, rows: int = 24) -> None:
        pipe = desk.folder / f"events-{len(list(desk.folder.iterdir()))}"
        os.mkfifo(pipe)
        self.screen: Screen = desk.run(pipe, module="tests.terminal.player", columns=columns, rows=rows)
        self._events: BinaryIO = pipe.open("wb")

    def show(self, *events: Progress) -> None:
        for event in events:
            pickle.dump(event, self._events)
        self._events.flush()

    def launch(self, first: int, last: int) -> None:
        """Orders by number begin, and are sent."""
        for n in range(first, last + 1):
            self.show(Buying(key=key(n), n=n, total=ORDERS, price=Decimal("1.8")), Sent(key=key(n), deadline=180.0))

    def end(self, n: int, status: str = "placed", detail: str | None = None) -> None:
        self.show(Settled(key=key(n), status=status, detail=detail))

    def close(self) -> int:
        self._events.close()
        return self.screen.rest()


def key(n: int) -> OrderKey:
    return OrderKey("crawl", f"order-{n}")


@pytest.fixture
def stage(desk: Desk) -> Iterator[Stage]:
    stage = Stage(desk)
    yield stage
    stage.close()


def test_lanes_that_interleave(stage: Stage, same: Same) -> None:
    """Each order in flight has a line; one that is answered leaves it, whichever it is, and stays above as a word."""
    stage.show(Quoting(done=ORDERS, total=ORDERS))
    stage.launch(1, 4)
    stage.screen.until(r"^  crawl/order-4 in flight  \d s, ")
    same("lanes-4", timeless(stage.screen.lines))
    stage.end(2)
    stage.end(4)
    stage.launch(5, 10)
    stage.end(1)
    stage.screen.until(r"^  crawl/order-10 in flight  \d s, ")
    stage.screen.until(r"^settled 3 of 40, 7 in flight  .* left$")
    same("lanes-7", timeless(stage.screen.lines))
    for n in (10, 9, 8, 7, 6, 5, 3):
        stage.end(n)
    assert stage.close() == 0
    same("lanes-end", timeless(stage.screen.lines))
    assert stage.screen.cursor_is_visible


def test_more_lanes_than_lines(desk: Desk, same: Same) -> None:
    """32 orders in flight in 10 lines: the oldest, and how many more; a window that is resized is followed."""
    stage = Stage(desk, columns=60, rows=10)
    stage.launch(1, 32)
    stage.screen.until(r"^  and 25 more$")
    same("lanes-10-rows", timeless(stage.screen.lines))
    stage.end(1)
    stage.end(32)
    stage.screen.until(r"^settled 2 of 40, 30 in flight")
    assert stage.screen.lines[0].startswith("crawl/order-32: placed")
    stage.screen.resize(60, 40)
    stage.screen.until(r"^  crawl/order-31 in flight  ")
    assert not any(" more" in line for line in stage.screen.lines)
    stage.screen.resize(60, 6)
    stage.screen.until(r"^  and 27 more$")
    stage.screen.resize(24, 6)
    stage.screen.until(r"^  crawl/order-2.*…  \d+ s$|^  crawl/order-2 in fl…")
    for n in range(2, 32):
        stage.end(n)
    assert stage.close() == 0
    assert not any("in flight" in line for line in stage.screen.lines)


def test_a_lane_that_ends_unknown(stage: Stage, same: Same) -> None:
    """From then on it is told for how many answers the run still waits, and until when at most."""
    stage.launch(1, 3)
    stage.screen.until(r"^settled 0 of 40, 3 in flight")
    stage.end(2, "unknown", "no complete answer within 180 s")
    stage.screen.until(r"^waiting for 2 purchases to be answered  .* left$")
    same("lanes-unknown", timeless(stage.screen.lines))
    stage.end(1)
    stage.end(3)
    assert stage.close() == 0
    same("lanes-unknown-end", timeless(stage.screen.lines))


def test_a_stop_while_eight_are_in_flight(stage: Stage, same: Same) -> None:
    """The word of the stop scrolls up, and the line counts down how many answers are awaited."""
    stage.launch(1, 8)
    stage.screen.until(r"^settled 0 of 40, 8 in flight")
    stage.show(Notice(text="stopping: waiting for 8 purchases to be answered and recorded first", stops=True))
    stage.screen.until(r"^waiting for 8 purchases to be answered  ")
    same("lanes-stop", timeless(stage.screen.lines))
    for n in range(1, 8):
        stage.end(n)
    stage.screen.until(r"^waiting for 1 purchase to be answered  ")
    stage.end(8)
    assert stage.close() == 0
    assert sum("placed" in line for line in stage.screen.lines) == 8

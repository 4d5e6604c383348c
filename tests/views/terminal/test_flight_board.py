"""What a person sees of purchases that are on their way together."""

from __future__ import annotations

import io
import itertools
import os
import random
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal

import pyte
import pytest

from runner.core.orders import OrderKey
from runner.core.progress import Buying, Notice, Progress, Sent, Settled, Waiting
from runner.views.terminal.console import Channel
from runner.views.terminal.event_log import Lines
from runner.views.terminal.live import Drawn
from tests.views.conftest import Plain, Terminal

TOTAL = 40


def key(n: int) -> OrderKey:
    return OrderKey("crawl", f"order-{n}")


def buying(n: int) -> Buying:
    return Buying(key=key(n), n=n, total=TOTAL, price=Decimal("12.5"))


def sent(n: int) -> Sent:
    return Sent(key=key(n), deadline=180.0)


def placed(n: int) -> Settled:
    return Settled(key=key(n), status="placed")


class Scene:
    """A drawing with a clock that is turned by hand, and the screen that it makes."""

    def __init__(self, rows: int) -> None:
        self._now = [0.0]
        self._sent = io.StringIO()
        self._seen = 0
        self._screen = pyte.Screen(80, rows)
        self._stream = pyte.Stream(self._screen)
        self.drawn = Drawn(
            Channel(stream=self._sent, terminal=True, width=80), verbose=False, clock=lambda: self._now[0]
        )

    def play(self, *events: Progress, each: float = 1.0) -> None:
        """So many seconds pass before each of them."""
        for event in events:
            self._now[0] += each
            self.drawn(event)

    def launch(self, *numbers: int, each: float = 1.0) -> None:
        for n in numbers:
            self.play(buying(n), each=0.0)
            self.play(sent(n), each=each)

    def look(self, after: float = 1.0) -> list[str]:
        """What is on the screen after so many seconds."""
        self._now[0] += after
        self.drawn.beat()
        text = self._sent.getvalue()
        self._stream.feed(text[self._seen :].replace("\n", "\r\n"))
        self._seen = len(text)
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip().split("\n")


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Scene]]:
    """Scenes on screens of a number of rows."""
    scenes: list[Scene] = []

    def make(rows: int = 24) -> Scene:
        monkeypatch.setattr("runner.views.terminal.live.LINES", rows)
        scenes.append(Scene(rows))
        return scenes[-1]

    yield make
    for one in scenes:
        one.drawn.end()


def test_each_lane_has_a_line_with_its_age(scene: Callable[..., Scene]) -> None:
    """Which orders are in flight, for how long and how long yet, the oldest first; what is over scrolls up."""
    three = scene()
    three.launch(9, 10, 11)
    three.play(placed(10))
    assert three.look(after=7.0) == [
        "crawl/order-10: placed",
        "settled 9 of 40, 2 in flight  #####-------------------  22%  11 s",
        "  crawl/order-9 in flight   10 s, 170 s left",
        "  crawl/order-11 in flight  8 s, 172 s left",
    ]


def test_one_lane_is_told_by_its_name_and_price(scene: Callable[..., Scene]) -> None:
    """Purchases one after the other are not counted but named, each with what it costs."""
    one = scene()
    one.launch(1)
    one.play(placed(1))
    one.launch(2)
    assert one.look()[1:] == [
        "[2/40] crawl/order-2 for 12.50 USD  ------------------------  2%  4 s",
        "  crawl/order-2 in flight  1 s, 179 s left",
    ]


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 10])
def test_no_more_lines_than_the_terminal_has(scene: Callable[..., Scene], rows: int) -> None:
    """However many are in flight, the oldest are shown, the others counted, and nothing is drawn off the screen."""
    many = scene(rows)
    many.launch(*range(1, 33), each=0.1)
    kept = many.look()
    assert len(kept) <= rows
    assert sum("settled 0 of 40, 32 in flight" in line for line in kept) == 1
    if rows == 10:
        assert [line.split()[0] for line in kept[1:-1]] == [f"crawl/order-{n}" for n in range(1, 8)]
        assert kept[-1] == "  and 25 more"
    many.play(placed(3))
    kept = many.look()
    assert len(kept) <= rows
    assert sum("settled 1 of 40, 31 in flight" in line for line in kept) == 1
    assert ("crawl/order-3: placed" in kept) == (rows > 2)


def test_a_lane_that_ends_unknown(scene: Callable[..., Scene]) -> None:
    """No order is begun after it: what is told is how many are still awaited, and until when at most."""
    lanes = scene()
    lanes.launch(1, 2, 3)
    lanes.play(Settled(key=key(1), status="unknown", detail="no complete answer"))
    assert lanes.look() == [
        "crawl/order-1: unknown (no complete answer)",
        "waiting for 2 purchases to be answered  5 s, at most 2 min 58 s left",
        "  crawl/order-2 in flight  3 s, 177 s left",
        "  crawl/order-3 in flight  2 s, 178 s left",
    ]
    lanes.play(placed(3))
    assert lanes.look()[2].startswith("waiting for 1 purchase to be answered  ")


def test_a_stop_with_several_in_flight(scene: Callable[..., Scene]) -> None:
    """The notice stays, and the line says for how many purchases it waits; any other notice changes nothing."""
    lanes = scene()
    lanes.launch(*range(1, 9))
    lanes.play(Notice(text="the emergency file is kept"))
    assert lanes.look()[1].startswith("settled 0 of 40, 8 in flight")
    lanes.play(Notice(text="stopping", stops=True))
    assert lanes.look()[1:3] == [
        "note: stopping",
        "waiting for 8 purchases to be answered  12 s, at most 2 min 56 s left",
    ]


def test_what_waits_stands_below_what_is_in_flight(scene: Callable[..., Scene]) -> None:
    """A pause is told until its time is over or its order moves on, whatever other orders do meanwhile."""
    lanes = scene()
    lanes.launch(1, 2, 3)
    lanes.play(Waiting(seconds=9, why="the request rate"), Waiting(seconds=30, why="not sent", key=key(2)), placed(3))
    assert lanes.look()[2:] == [
        "  crawl/order-1 in flight    6 s, 174 s left",
        "  waiting: the request rate  3 s, 6 s left",
        "  waiting: not sent          2 s, 28 s left",
    ]
    lanes.play(sent(2))
    assert lanes.look(after=7.0)[2:] == [
        "  crawl/order-1 in flight  14 s, 166 s left",
        "  crawl/order-2 in flight  7 s, 173 s left",
    ]


def test_a_narrow_terminal_cuts_names_before_times(scene: Callable[..., Scene]) -> None:
    """Where a name and its times do not fit beside each other, the times stay."""
    lanes = scene()
    lanes.play(buying(1), buying(2), sent(1), Sent(key=OrderKey("crawl", "x" * 90), deadline=180.0))
    assert lanes.look()[1:] == [
        "  crawl/order-1 in flight  2 s, 178 s left",
        f"  crawl/{'x' * 51}...  1 s, 179 s left",
    ]


def shuffled(seed: int) -> list[Progress]:
    """Purchases of all orders in eight lanes that begin in order and end in any."""
    chance, open_lanes, events, begun = random.Random(seed), list[int](), list[Progress](), 0
    while begun < TOTAL or open_lanes:
        if begun < TOTAL and len(open_lanes) < 8 and (not open_lanes or chance.random() < 0.5):
            begun += 1
            open_lanes.append(begun)
            events += [buying(begun), sent(begun)]
        else:
            events.append(placed(open_lanes.pop(chance.randrange(len(open_lanes)))))
    return events


@pytest.mark.parametrize("seed", range(5))
def test_any_order_of_lanes_leaves_a_whole_log(scene: Callable[..., Scene], seed: int) -> None:
    """Nothing drawn is left behind or runs over what scrolled up: each order has its one line, in the order they ended."""
    lanes, events = scene(100), shuffled(seed)
    for event in events:
        lanes.play(event)
        lanes.look(after=0.0)
    lanes.drawn.end()
    assert lanes.look() == [f"{event.key}: placed" for event in events if isinstance(event, Settled)]


def test_events_of_many_threads(terminal: Callable[[int], Terminal]) -> None:
    """Told one at a time by the threads of the lanes, beside the thread that draws: every line of the log is whole."""
    tty, turn = terminal(80), threading.RLock()
    drawn = Drawn(tty.console(no_color=True).err, verbose=False, clock=time.monotonic)

    def buy(lane: int) -> None:
        for n in range(lane, TOTAL + 1, 8):
            for event in (buying(n), sent(n), placed(n)):
                with turn:
                    drawn(event)
                time.sleep(0.02)

    threads = [threading.Thread(target=buy, args=(lane,)) for lane in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    drawn.end()
    screen = pyte.Screen(80, 60)
    pyte.Stream(screen).feed(tty.text)
    kept = [line.rstrip() for line in screen.display if line.strip()]
    assert sorted(kept) == sorted(f"crawl/order-{n}: placed" for n in range(1, TOTAL + 1))


@pytest.mark.parametrize("kind", ["drawn", "plain"])
def test_a_signal_while_the_threads_of_lanes_tell(kind: str) -> None:
    """A handler in the main thread tells its notice at once, whole, whatever the other threads are telling."""
    out = io.StringIO()
    channel = Channel(stream=out, terminal=True)
    drawn = Drawn(channel, verbose=False, clock=time.monotonic)
    lines = Lines(channel, verbose=False)
    watch = drawn if kind == "drawn" else lines
    over = threading.Event()

    def buy() -> None:
        for n in itertools.count(1):
            for event in (buying(n), sent(n), buying(n + 1), placed(n)):
                watch(event)
            if over.wait(0.0001):
                return

    thread = threading.Thread(target=buy)
    before = signal.signal(signal.SIGUSR1, lambda *_: watch(Notice(text="stopping", stops=True)))
    try:
        thread.start()
        for _ in range(20):
            os.kill(os.getpid(), signal.SIGUSR1)
            watch(sent(1))
    finally:
        over.set()
        thread.join()
        signal.signal(signal.SIGUSR1, before)
        drawn.end()
        with lines:
            pass
    told = re.sub("\x1b\\[[0-9]*[A-Z]|\r", "", out.getvalue()).splitlines()
    assert sum(line == "note: stopping" for line in told) == 20


def test_plain_lines_of_lanes(plain: Plain) -> None:
    """Without a terminal every line names its order, and each that has been in flight for long is told of."""
    now = [0.0]
    with Lines(plain.console.err, verbose=False, clock=lambda: now[0]) as lines:
        for event in (buying(1), sent(1), buying(2), sent(2), buying(3), sent(3), placed(2)):
            now[0] += 1.0
            lines(event)
        now[0] = 18.5
        lines.beat()
    assert plain.err.splitlines() == [
        "[1/40] crawl/order-1: buying for 12.50 USD",
        "crawl/order-1: sent, waiting up to 180 s for the answer",
        "[2/40] crawl/order-2: buying for 12.50 USD",
        "crawl/order-2: sent, waiting up to 180 s for the answer",
        "[3/40] crawl/order-3: buying for 12.50 USD",
        "crawl/order-3: sent, waiting up to 180 s for the answer",
        "crawl/order-2: placed",
        "crawl/order-1: in flight for 16 s, 164 s until the answer counts as lost",
    ]


def test_plain_lines_of_very_many_lanes(plain: Plain) -> None:
    """The oldest have a line each, the others are counted: a log does not fill up with what does not happen."""
    now = [0.0]
    with Lines(plain.console.err, verbose=False, clock=lambda: now[0]) as lines:
        for n in range(1, 33):
            lines(buying(n))
            lines(sent(n))
        now[0] = 20.0
        lines.beat()
    assert plain.err.splitlines()[64:] == [
        *(f"crawl/order-{n}: in flight for 20 s, 160 s until the answer counts as lost" for n in range(1, 9)),
        "and 24 more in flight",
    ]


def test_an_order_that_lasts_is_told_of_while_others_come_and_go() -> None:
    """Answers to other orders do not put off the line of the one whose answer does not come."""
    told = threading.Event()

    class Heard(io.StringIO):
        def write(self, text: str) -> int:
            if "order-1: in flight for" in text:
                told.set()
            return super().write(text)

    with Lines(Channel(stream=Heard()), verbose=False, every=0.2) as lines:
        lines(buying(1))
        lines(sent(1))
        for n in range(2, 2000):
            for event in (buying(n), sent(n), placed(n)):
                lines(event)
            if told.wait(0.01):
                break
    assert told.is_set()

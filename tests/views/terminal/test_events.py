"""What a person sees while a run goes on."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal

import pyte
import pytest

from runner.core.orders import OrderKey
from runner.core.progress import (
    Buying,
    Comparing,
    Following,
    Listing,
    Looked,
    Notice,
    Progress,
    Quoting,
    Reading,
    Sent,
    Settled,
    Waiting,
)
from runner.views.terminal import events
from runner.views.terminal.console import Channel, Console
from runner.views.terminal.event_log import Lines
from runner.views.terminal.live import Drawn
from tests.views.conftest import Plain, Terminal

KEY = OrderKey("crawl", "fr-prices")
RUN: tuple[Progress, ...] = (
    Quoting(done=1, total=3),
    Quoting(done=2, total=3),
    Quoting(done=3, total=3),
    Waiting(seconds=2, why="the vendor's pace"),
    Buying(key=KEY, n=1, total=3, price=Decimal("12.5")),
    Sent(key=KEY, deadline=180.0),
    Notice(text="stopping: the order in flight is finished first\n::error::"),
    Settled(key=KEY, status="placed"),
    Buying(key=OrderKey("crawl", "de-prices"), n=2, total=3, price=Decimal(5)),
    Waiting(seconds=30, why="the vendor asked for it"),
    Settled(key=OrderKey("crawl", "de-prices"), status="rejected", detail="\x1b[31mCountry not exists"),
)


def play(console: Console, *, quiet: bool = False, verbose: bool = False) -> None:
    with events.watching(console, quiet=quiet, verbose=verbose, clock=lambda: 100.0) as watch:
        for event in RUN:
            watch(event)


TOLD = """\
quoted 3 of 3
[1/3] crawl/fr-prices: buying for 12.50 USD
crawl/fr-prices: sent, waiting up to 180 s for the answer
note: stopping: the order in flight is finished first\\n::error::
crawl/fr-prices: placed
[2/3] crawl/de-prices: buying for 5.00 USD
waiting 30 s: the vendor asked for it
crawl/de-prices: rejected (\\x1b[31mCountry not exists)
"""


def test_one_line_an_event(plain: Plain) -> None:
    """Without a terminal: one line an event on stderr, nothing on stdout, nothing redrawn."""
    play(plain.console)
    assert (plain.out, plain.err) == ("", TOLD)


def test_verbose_tells_every_quote_and_wait(plain: Plain) -> None:
    """With -v the small steps are told, too."""
    play(plain.console, verbose=True)
    added = set(plain.err.splitlines()) - set(TOLD.splitlines())
    assert added == {"quoted 1 of 3", "quoted 2 of 3", "waiting 2 s: the vendor's pace"}


def test_quiet_tells_notices_only(plain: Plain) -> None:
    """With -q only what a person must read is told."""
    play(plain.console, quiet=True)
    assert plain.err == "note: stopping: the order in flight is finished first\\n::error::\n"


class Heard(io.StringIO):
    """A stream that says when a text has come."""

    def __init__(self, awaited: str) -> None:
        super().__init__()
        self._awaited = awaited
        self.heard = threading.Event()

    def write(self, text: str) -> int:
        written = super().write(text)
        if self._awaited in text:
            self.heard.set()
        return written


def test_an_order_in_flight_is_told_about_again_and_again() -> None:
    """While an answer is awaited lines keep coming, so that a CI job does not look dead; a notice does not end them."""
    stream = Heard("in flight for")
    console = Console(out=Channel(stream=None), err=Channel(stream=stream))
    with events.watching(console, quiet=False, verbose=False, every=0.001) as watch:
        watch(Sent(key=KEY, deadline=180.0))
        watch(Notice(text="stopping"))
        stream.heard.clear()
        assert stream.heard.wait(30)
        watch(Settled(key=KEY, status="placed"))
    assert stream.getvalue().endswith("crawl/fr-prices: placed\n")


def test_the_thread_that_tells_is_gone_at_the_end(plain: Plain) -> None:
    """Nothing is left running, even when the run ends in an error while an order is in flight."""
    lines = Lines(plain.console.err, verbose=False)
    with suppress(KeyError), lines:
        lines(Sent(key=KEY, deadline=180.0))
        assert "progress" in {thread.name for thread in threading.enumerate()}
        raise KeyError
    assert "progress" not in {thread.name for thread in threading.enumerate()}


def test_elapsed_and_remaining_time(plain: Plain) -> None:
    """The line says how long it has been and how long it may be, and after the end nothing more."""
    now = [100.0]
    with Lines(plain.console.err, verbose=False, clock=lambda: now[0]) as lines:
        lines(Sent(key=KEY, deadline=180.0))
        now[0] = 130.0
        lines.beat()
        now[0] = 300.0
        lines.beat()
        lines(Settled(key=KEY, status="unknown"))
        lines.beat()
    assert plain.err.splitlines()[1:] == [
        "crawl/fr-prices: in flight for 30 s, 150 s until the answer counts as lost",
        "crawl/fr-prices: in flight for 200 s, 0 s until the answer counts as lost",
        "crawl/fr-prices: unknown",
    ]


def test_a_long_quoting_is_told_now_and_then(plain: Plain) -> None:
    """Thousands of quotes make a line every 15 s, not thousands."""
    now = [0.0]
    with Lines(plain.console.err, verbose=False, clock=lambda: now[0]) as lines:
        for done in range(1, 1001):
            now[0] += 0.125
            lines(Quoting(done=done, total=1000))
    assert plain.err.splitlines() == [f"quoted {done} of 1000" for done in (*range(120, 1000, 120), 1000)]


def test_long_reading_and_following_are_told_now_and_then(plain: Plain) -> None:
    """Without a terminal a line every 15 s while manifests or a ledger are read; of what is quicker there is none."""
    now = [0.0]
    with Lines(plain.console.err, verbose=True, clock=lambda: now[0]) as lines:
        for done in range(1, 41):
            now[0] += 1.0
            lines(Reading(done=done, total=40, orders=1000 * done, part=done / 40))
        for done in range(1, 15):
            now[0] += 0.5
            lines(Following(done=1000 * done, total=14000))
        for event in (Listing(type="ipv4"), Listing(type=None), Comparing(), Looked(open=1, total=2, looks=1, left=9)):
            now[0] += 20.0
            lines(event)
    assert plain.err.splitlines() == [
        "read 15 of 40 manifests, 15,000 orders",
        "read 30 of 40 manifests, 30,000 orders",
        "checked 10,000 of 14,000 events",
    ]


def test_every_kind_of_work_on_a_terminal(terminal: Callable[[int], Terminal]) -> None:
    """Lists, the events of a ledger, its orders, orders in doubt: each is named while it lasts, none stays."""
    tty, now = terminal(100), [0.0]
    work: tuple[Progress, ...] = (
        Reading(done=2, total=9, orders=512, part=0.25),
        Listing(type="mobile"),
        Following(done=2560, total=10240),
        Comparing(),
        Looked(open=1, total=3, looks=2, left=90.0),
    )
    with events.watching(tty.console(no_color=True), quiet=False, verbose=False, clock=lambda: now[0]) as watch:
        for event in work:
            watch(event)
            now[0] += 2.0
            watch(event)
    for line in (
        "read 2 of 9 manifests, 512 orders  ━━━━━━──────────────────  25%  2 s",
        "reading the vendor's list of mobile  2 s",
        "checked 2,560 of 10,240 events  ━━━━━━──────────────────  25%  2 s",
        "comparing orders with their events  2 s",
        "1 of 3 orders in doubt after 2 looks  2 s, at most 1 min 30 s left",
    ):
        assert line in tty.lines
    assert shown_by(tty.text) == []


def test_a_list_that_is_read_while_orders_are_bought(terminal: Callable[[int], Terminal]) -> None:
    """The line of the purchases stays where it is."""
    tty, now = terminal(100), [0.0]
    with events.watching(tty.console(no_color=True), quiet=False, verbose=False, clock=lambda: now[0]) as watch:
        for event in (Buying(key=KEY, n=2, total=4, price=Decimal(1)), Listing(type="isp"), Listing(type=None)):
            watch(event)
            now[0] += 1.0
        watch(Sent(key=KEY, deadline=180.0))
    assert "[2/4] crawl/fr-prices for 1.00 USD  ━━━━━━──────────────────  25%  3 s" in tty.lines
    assert "list of isp" not in tty.text


def test_a_picture_never_stops_a_purchase(plain: Plain, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error in showing what happens is not raised into what happens, and a notice is told all the same."""
    with events.watching(plain.console, quiet=False, verbose=False) as watch:
        watch(Buying(key=KEY, n=1, total=1, price="a bug of ours"))  # type: ignore[arg-type]
        watch(Settled(key=KEY, status="placed"))
    assert plain.err == "crawl/fr-prices: placed\n"

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(events.Lines, "__call__", broken)
    with events.watching(plain.console, quiet=False, verbose=False) as watch:
        watch(Notice(text="write this down: order 7"))
    assert plain.err.endswith("note: write this down: order 7\n")


def test_a_lost_stderr_never_stops_a_purchase() -> None:
    """Nobody has to read the progress."""
    closed = io.StringIO()
    closed.close()
    play(Console(out=Channel(stream=None), err=Channel(stream=closed)))


def play_slowly(console: Console) -> None:
    """A second passes before each event: all of it takes longer than a moment."""
    now = [100.0]
    with events.watching(console, quiet=False, verbose=False, clock=lambda: now[0]) as watch:
        for event in RUN:
            now[0] += 1.0
            watch(event)


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_on_a_terminal(terminal: Callable[[int], Terminal], width: int) -> None:
    """On a terminal what is over scrolls up as plain lines, and what goes on is redrawn below within the width."""
    tty = terminal(width)
    play_slowly(tty.console())
    shown = "\n".join(tty.lines)
    for line in ("quoted 3 of 3", "crawl/fr-prices: placed", "crawl/de-prices: rejected (\\x1b[31mCountry not exists)"):
        assert line in shown
    assert "\x1b[31mCountry" not in tty.text
    drawn = [line for line in tty.lines if re.search(r"\d s( left)?$", line)]
    assert drawn
    assert max(map(len, drawn)) < width


def test_names_and_times_while_an_order_is_in_flight(terminal: Callable[[int], Terminal]) -> None:
    """Which order of how many, its price, how long it has been and how long it may be."""
    tty = terminal(100)
    play_slowly(tty.console())
    assert any("[1/3] crawl/fr-prices for 12.50 USD" in line for line in tty.lines)
    assert any("crawl/fr-prices in flight" in line and "0 s, 180 s left" in line for line in tty.lines)
    assert any("waiting: the vendor asked for it" in line and "30 s left" in line for line in tty.lines)


def test_short_work_is_not_drawn(terminal: Callable[[int], Terminal]) -> None:
    """What is over within a moment leaves its plain lines and nothing that flickers."""
    tty = terminal(80)
    play(tty.console(no_color=True))
    assert [line for line in tty.lines if line] == [
        line for line in TOLD.splitlines() if "buying" not in line and "sent" not in line and "waiting" not in line
    ]
    assert "\x1b" not in tty.text


def test_a_terminal_without_colour(terminal: Callable[[int], Terminal]) -> None:
    """`--no-color` leaves the moving and takes the colours."""
    tty = terminal(80)
    play_slowly(tty.console(no_color=True))
    assert "in flight" in tty.text
    assert not re.search("\x1b\\[[0-9;]*m", tty.text)


def test_the_terminal_is_given_back(terminal: Callable[[int], Terminal]) -> None:
    """Between the last quote and the first purchase, where a person is asked, nothing is drawn; no cursor is hidden."""
    tty, now = terminal(80), [0.0]
    console = tty.console()
    with events.watching(console, quiet=False, verbose=False, clock=lambda: now[0]) as watch:
        watch(Quoting(done=1, total=3))
        now[0] = 5.0
        watch(Quoting(done=2, total=3))
        watch(Quoting(done=3, total=3))
        console.note("type the total: ")
    assert "quoted 2 of 3" in tty.text
    assert shown_by(tty.text) == ["quoted 3 of 3", "type the total:"]
    assert "\x1b[?25" not in tty.text


def test_a_word_in_the_middle_of_a_drawing(
    terminal: Callable[[int], Terminal], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a signal handler tells while a line is being drawn comes right after it, whole, and stays."""
    tty, now = terminal(80), [0.0]
    channel = tty.console(no_color=True).err
    drawn = Drawn(channel, verbose=False, clock=lambda: now[0])
    put, notice = Channel.write, Notice(text="stopping: the order in flight is finished first")

    def interrupted(self: Channel, text: str) -> None:
        if "in flight" in text and not heard:
            heard.append(text)
            drawn(notice)
        put(self, text)

    heard: list[str] = []
    monkeypatch.setattr(Channel, "write", interrupted)
    drawn(Sent(key=KEY, deadline=180.0))
    now[0] = 2.0
    drawn(Buying(key=KEY, n=1, total=1, price=Decimal(1)))
    drawn(Sent(key=KEY, deadline=180.0))
    now[0] = 4.0
    drawn(Sent(key=KEY, deadline=180.0))
    drawn(Settled(key=KEY, status="placed"))
    drawn.end()
    assert heard
    assert shown_by(tty.text) == ["note: stopping: the order in flight is finished first", "crawl/fr-prices: placed"]


def shown_by(text: str) -> list[str]:
    """What is left on a screen that was sent this."""
    screen = pyte.Screen(80, 20)
    pyte.Stream(screen).feed(text)
    assert not screen.cursor.hidden
    return [line.rstrip() for line in screen.display if line.strip()]

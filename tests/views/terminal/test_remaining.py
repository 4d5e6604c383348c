"""How fast work goes, and how long it still takes."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

from runner.views.terminal.console import Channel
from runner.views.terminal.layout import Awaited, Work, awaited_line, cut, work_line
from runner.views.terminal.remaining import KNOWN_AFTER, LaneMeter, Meter, about, pace, span


def steps(moments: list[float], *, rate: int = 0, every: float = 0.25) -> Iterator[tuple[float, float | None]]:
    """A meter that is asked all the time while its steps come at `moments`: each moment, and what it says is left."""
    meter, now, done = Meter(0.0, rate=rate), 0.0, 0
    while now < moments[-1]:
        while done < len(moments) and moments[done] <= now:
            done += 1
            meter.note(moments[done - 1], done, len(moments))
        yield now, meter.remaining_seconds(now)
        now += every


def evenly(count: int, each: float) -> list[float]:
    return [each * n for n in range(1, count + 1)]


def paced(count: int, rate: int, each: float) -> list[float]:
    """Steps as fast as `each` and no more than `rate` in any 60 s."""
    moments: list[float] = []
    for _ in range(count):
        moment = (moments[-1] if moments else 0.0) + each
        moments.append(max(moment, moments[-rate] + 60.0) if len(moments) >= rate else moment)
    return moments


def test_nothing_is_foretold_before_it_can_be_known() -> None:
    """Neither in the first seconds, nor after two steps, nor from a hundredth of the whole."""
    assert all(left is None for now, left in steps(evenly(1000, 0.01)) if now < KNOWN_AFTER)
    assert all(left is None for now, left in steps([1.0, 2.0, 30.0, 31.0]) if now < 30.0)
    assert all(left is None for now, left in steps(evenly(1000, 0.5)) if now < 10.0)


def test_even_work_is_foretold_exactly() -> None:
    """What is said to be left is what is left."""
    for now, left in steps(evenly(100, 0.5)):
        assert left is None or abs(left - (50.0 - now)) < 0.6


@pytest.mark.parametrize("rate", [5, 50])
@pytest.mark.parametrize("each", [0.1, 1.0, 13.0])
def test_the_request_rate_is_foretold_with_its_pauses(rate: int, each: float) -> None:
    """Before the first pause comes it is in what is left: nothing grows when the work has to wait for the vendor."""
    moments = paced(4 * rate + 3, rate, each)
    forecasts = [(now, left) for now, left in steps(moments, rate=rate) if left is not None]
    assert forecasts
    assert forecasts[0][0] < max(45.0, 6 * each)
    for now, left in forecasts:
        assert abs(left - (moments[-1] - now)) <= each + 1.0


@pytest.mark.parametrize("seed", range(20))
def test_what_is_left_is_never_negative(seed: int) -> None:
    """Whatever the work does, at least nothing is left."""
    chance = random.Random(seed)
    moments, now = [], 0.0
    for _ in range(chance.randrange(20, 200)):
        now += chance.choice((0.01, 0.1, 0.5, chance.expovariate(0.5)))
        moments.append(now)
    estimates = [left for _, left in steps(moments, rate=chance.choice((0, 0, 10))) if left is not None]
    assert estimates
    assert min(estimates) >= 0.0


def test_a_step_that_hangs_makes_the_rest_longer() -> None:
    """Where nothing moves any more, what is left does not run down to nothing."""
    meter = Meter(0.0)
    for n in range(1, 11):
        meter.note(float(n), n, 20)
    early = meter.remaining_seconds(10.0)
    late = [meter.remaining_seconds(now) for now in range(11, 120)]
    assert early is not None
    assert late[-1] is not None
    assert late[-1] > early


def test_a_length_of_time_is_told_as_finely_as_it_is_known() -> None:
    """Measured to the second, estimated in steps; a pace in the unit that has a figure to read."""
    assert [span(s) for s in (0, 59.9, 60, 3599, 3600, 7380)] == [
        "0 s",
        "59 s",
        "1 min 0 s",
        "59 min 59 s",
        "1 h 0 min",
        "2 h 3 min",
    ]
    assert [about(s) for s in (0, 4, 6, 33, 57, 60, 95, 3570, 3660, 5400)] == [
        "a few seconds",
        "a few seconds",
        "about 5 s",
        "about 35 s",
        "about 55 s",
        "about 1 min",
        "about 2 min",
        "about 1 h 0 min",
        "about 1 h 0 min",
        "about 1 h 30 min",
    ]
    assert [pace(p) for p in (12345.6, 10, 3.44, 1, 0.5, 0.001)] == [
        "12,346/s",
        "10/s",
        "3.4/s",
        "1.0/s",
        "30/min",
        "4/h",
    ]


class Utf8:
    encoding = "utf-8"


class Ascii:
    encoding = "ascii"


@pytest.fixture(params=[Utf8, Ascii])
def channel(request: pytest.FixtureRequest) -> Channel:
    return Channel(stream=request.param())


def work(text: str) -> Work:
    meter = Meter(0.0)
    found = Work(kind=type(None), meter=meter, text=text)  # type: ignore[arg-type]
    for n in range(1, 31):
        found.at(n * 0.3, n, 60)
    return found


@pytest.mark.parametrize(
    "text", ["quoted 30 of 60", "[3/60] crawl/" + "long-" * 20 + "name for 12.50 USD", "漢字" * 30]
)
def test_a_line_keeps_to_its_width(channel: Channel, text: str) -> None:
    """From 19 to 200 cells: never wider, never without its text's beginning, and more of it where there is more room."""
    lines = [work_line(work(text), 9.0, width, channel) for width in range(19, 201)]
    cells: Callable[[str], int] = lambda line: sum(2 if "一" <= c <= "鿿" else 1 for c in line)  # noqa: E731
    assert all(cells(line) <= width for width, line in enumerate(lines, 19))
    assert all(line.startswith(text[:4]) for line in lines)
    assert "left" in lines[60]
    assert "50%" in lines[120]
    if isinstance(channel.stream, Ascii):
        assert all((line.replace(text, "")).isascii() or not text.isascii() for line in lines)


def test_a_deadline_is_told_to_its_end(channel: Channel) -> None:
    """What is awaited says how long it has been and how long it may be, and never less than nothing."""
    awaited = Awaited(text="crawl/a in flight", since=100.0, seconds=180.0)
    assert awaited_line(awaited, 130.4, 80, channel) == "  crawl/a in flight  30 s, 150 s left"
    assert awaited_line(awaited, 300.0, 80, channel) == "  crawl/a in flight  3 min 20 s, 0 s left"


def test_what_is_cut_says_so() -> None:
    """A text that does not fit ends in a mark, wide letters counted as two."""
    assert cut("abcdef", 6, "…") == "abcdef"
    assert cut("abcdef", 5, "…") == "abcd…"
    assert cut("漢字漢字", 5, "…") == "漢字…"
    assert cut("abc", 0, "…") == ""


def in_lanes(lanes: int, count: int, each: float, gap: float) -> Iterator[tuple[float, float | None]]:
    """Steps of the same length in lanes, begun `gap` apart at least: each moment, what is left, what the meter says."""
    free, begun, moments = [0.0] * lanes, -gap, list[tuple[float, bool, int]]()
    for n in range(count):
        begun = max(min(free), begun + gap)
        free[free.index(min(free))] = begun + each
        moments += [(begun, True, n), (begun + each, False, n)]
    meter, done, now = LaneMeter(0.0), 0, 0.0
    meter.note(0.0, 0, count)
    moments.sort()
    while now < max(free):
        while moments and moments[0][0] <= now:
            moment, begins, n = moments.pop(0)
            if begins:
                meter.begin(n, moment)
                continue
            done += 1
            meter.end(n, moment)
            meter.note(moment, done, count)
        left = meter.remaining_seconds(now)
        yield max(free) - now, left
        now += 0.5


@pytest.mark.parametrize(("lanes", "gap"), [(8, 0.0), (8, 2.0), (32, 0.0), (16, 2.0), (2, 0.0)])
def test_lanes_are_foretold_together(lanes: int, gap: float) -> None:
    """What is left is what so many lanes need, answers in bursts or one by one, the last of them included."""
    forecasts = [(truth, left) for truth, left in in_lanes(lanes, 100, 20.0, gap) if left is not None]
    assert len(forecasts) > 20
    for truth, left in forecasts:
        assert abs(left - truth) <= max(0.1 * truth, 2.0)


def test_a_lane_that_lasts_counts_before_it_is_over() -> None:
    """Nothing is told to be nearly done while every lane waits for longer than any before."""
    meter = LaneMeter(0.0)
    meter.note(0.0, 0, 10)
    for n in range(6):
        meter.begin(n, 0.0)
    for n in range(3):
        meter.end(n, 1.0)
        meter.note(1.0, n + 1, 10)
    assert (meter.remaining_seconds(101.0) or 0.0) > 50.0


def test_steps_that_never_overlap_are_measured_as_before() -> None:
    """With one lane a meter of lanes says what any meter says."""
    meter, plain = LaneMeter(0.0), Meter(0.0)
    for n in range(20):
        for one in (meter, plain):
            one.note(2.0 * n, n, 20)
        meter.begin(n, 2.0 * n)
        assert meter.remaining_seconds(2.0 * n + 1) == plain.remaining_seconds(2.0 * n + 1)
        assert meter.per_second(2.0 * n + 1) == plain.per_second(2.0 * n + 1)
        meter.end(n, 2.0 * n + 1.5)

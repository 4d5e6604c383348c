"""A line of progress that fits: its text, and as many figures as there is room for, the ones that matter most first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from runner.core.progress import Progress
from runner.views.terminal.console import Channel
from runner.views.terminal.grid import width_of
from runner.views.terminal.remaining import Meter, about, pace, span

BAR: Final = 24
"""Cells of a bar, where there is room."""
LEAST_BAR: Final = 8
ROOM: Final = 40
"""So many cells of a text are kept before figures may take the room; on a narrow terminal, all but `FIGURE`."""
FIGURE: Final = 8
TIMES: Final = 28
"""Cells that the longest times take, with what stands around them."""
GAP: Final = "  "


@dataclass(slots=True, kw_only=True)
class Work:
    """What is going on: its `text`, `part` of it done from 0 to 1 where that is known, an end in time where it has one.

    `count` and `noun` are told as the pace where the meter's own unit is none that people count in.
    """

    kind: type[Progress]
    meter: Meter
    text: str = ""
    part: float | None = None
    until: float | None = None
    count: int | None = None
    noun: str = ""

    def at(self, now: float, done: float, total: float) -> None:
        """So much of the whole is done."""
        self.part = min(done / total, 1.0) if total else None
        self.meter.note(now, done, total)

    def unit(self, count: int, noun: str) -> None:
        """So many of what people count are done."""
        self.count, self.noun = count, noun


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """Something that ends after `seconds` at the latest; times are those of a monotonic clock."""

    text: str
    since: float
    seconds: float


def work_line(work: Work, now: float, width: int, channel: Channel) -> str:
    """`quoted 120 of 500  ━━━━━━━━──────  24%  48/min  50 s, about 3 min left`, in `width` cells."""
    elapsed = work.meter.elapsed_seconds(now)
    left = work.meter.remaining_seconds(now)
    speed = work.meter.per_second(now)
    if work.until is not None:
        rest, speed = f"at most {span(max(work.until - now, 0))} left", None
    else:
        rest = f"{about(left)} left" if left is not None else ""
    if work.count is not None and elapsed:
        speed = work.count / elapsed if speed is not None else None
    figures = {
        "part": f"{int(100 * work.part)}%" if work.part is not None else "",
        "pace": pace(speed).replace("/", f" {work.noun}/", 1) if speed and work.noun else pace(speed) if speed else "",
        "elapsed": span(elapsed),
        "left": rest,
    }
    return _fit(work.text, figures, width, channel, part=work.part)


def awaited_line(awaited: Awaited, now: float, width: int, channel: Channel, column: int = 0) -> str:
    """`  crawl/fr-prices in flight  12 s, 168 s left`, in `width` cells; its text takes `column` of them at least."""
    elapsed = now - awaited.since
    figures = {"elapsed": span(elapsed), "left": f"{max(awaited.seconds - elapsed, 0):.0f} s left"}
    padding = " " * (column - width_of(awaited.text))
    return _fit(f"  {awaited.text}{padding}", figures, width, channel)


def awaited_lines(awaited: Sequence[Awaited], now: float, width: int, rows: int, channel: Channel) -> Iterator[str]:
    """A line for each as far as `rows` go, the times below each other where they fit, and how many more there are."""
    kept = awaited if len(awaited) <= rows else awaited[: max(rows - 1, 0)]
    widest = max((width_of(one.text) for one in kept), default=0)
    column = widest if len(kept) > 1 and widest + TIMES <= width else 0
    yield from (awaited_line(one, now, width, channel, column) for one in kept)
    if len(kept) < len(awaited) and rows > 0:
        yield cut(f"  and {len(awaited) - len(kept)} more", width, _mark(channel))


def cut(text: str, width: int, mark: str) -> str:
    """`text` in at most `width` cells, with `mark` where something is missing."""
    if width_of(text) <= width:
        return text
    kept = ""
    for character in text:
        if width_of(kept + character + mark) > width:
            break
        kept += character
    return (kept + mark)[: max(width, 0)]


_ORDER: Final = ("left", "elapsed", "part", "pace")
"""Which figures matter most."""


def _fit(text: str, figures: dict[str, str], width: int, channel: Channel, part: float | None = None) -> str:
    room = width - min(width_of(text), ROOM, width - FIGURE)
    kept: dict[str, str] = {}
    for name in _ORDER:
        figure = figures.get(name, "")
        if figure and width_of(figure) + len(GAP) <= room:
            kept[name] = figure
            room -= width_of(figure) + len(GAP)
    room = width - width_of(text) - sum(len(GAP) + width_of(figure) for figure in kept.values()) - len(GAP)
    if part is not None and room >= LEAST_BAR:
        kept["bar"] = _bar(part, min(room, BAR), channel)
    tail = list(_join(kept))
    taken = sum(len(GAP) + width_of(figure) for _, figure in tail)
    return cut(text, width - taken, _mark(channel)) + "".join(
        GAP + channel.paint(style, figure) for style, figure in tail
    )


def _mark(channel: Channel) -> str:
    """What stands where something is cut off."""
    return "…" if channel.unicode else "..."


def _join(kept: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Figures in the order in which they are read, times as one."""
    for name, style in (("bar", "good"), ("part", "strong"), ("pace", "faint")):
        if name in kept:
            yield style, kept[name]
    times = ", ".join(kept[name] for name in ("elapsed", "left") if name in kept)
    if times:
        yield "faint", times


def _bar(part: float, cells: int, channel: Channel) -> str:
    full, empty = ("━", "─") if channel.unicode else ("#", "-")
    done = int(part * cells)
    return full * done + empty * (cells - done)

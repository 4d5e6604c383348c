"""A source line with a mark under the place a finding is about, cut to the width of the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from runner.core.errors import Span
from runner.views.terminal.console import Channel
from runner.views.terminal.grid import width_of
from runner.views.terminal.safe import pieces

CUT: Final = "…"
TAB: Final = "    "


def snippet(text: str, span: Span, style: str, channel: Channel) -> Iterator[str]:
    """Two lines: the source with its number, and the mark; at most `channel.width` cells each."""
    number = str(span.line)
    parts = [TAB if character == "\t" else piece for character, piece in zip(text, pieces(text), strict=True)]
    start = min(max(span.column - 1, 0), len(parts))
    end = span.end_column - 1 if span.end_line == span.line else len(parts)
    end = min(max(end, start), len(parts))
    room = max(channel.width - len(number) - 4, 8)
    first, last = _window(parts, start, room)
    before = (CUT if first else "") + "".join(parts[first:start])
    after = "".join(parts[end:last]) + (CUT if last < len(parts) else "")
    marked = "".join(parts[start : min(end, last)])
    yield f" {number} | {before}{channel.paint(style, marked)}{after}".rstrip()
    mark = "^" * max(width_of(marked), 1)
    yield f" {' ' * len(number)} | {' ' * width_of(before)}{channel.paint(style, mark)}"


def _window(parts: list[str], start: int, room: int) -> tuple[int, int]:
    """The part of a line to show: as much as `room` holds, the start of the mark in it with some text before it."""
    widths = [width_of(piece) for piece in parts]
    if sum(widths) <= room:
        return 0, len(parts)
    budget = room - 2 * width_of(CUT)
    first, before = start, 0
    while first > 0 and before + widths[first - 1] <= budget // 2:
        first -= 1
        before += widths[first]
    last, used = first, 0
    while last < len(parts) and used + widths[last] <= budget:
        used += widths[last]
        last += 1
    return first, last

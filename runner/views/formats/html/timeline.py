"""The time line of a run: every attempt to buy, as a span.

A few orders get a line each. Many are written like a score: time runs from left to right, line by line, so that
thousands of attempts are seen at once; where attempts overlap, a line has staves below each other. Places are
attributes of SVG, because the page allows no inline styles.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import Any, Final

from runner.views.formats.facts import Document, phrase
from runner.views.formats.html.pieces import clock, duration, link, moment, seconds, section, text
from runner.views.wording import plural

LINES: Final = 40
"""So many orders have a line each."""

SCORE: Final = 24
"""A score has no more staves than this, as long as each of its lines has one."""

LEAST_LINES: Final = 4
"""A score of very many staves may still have so many lines."""

ROUNDING: Final = 0.002
"""Seconds by which an attempt may seem to last into the next one: both ends are rounded to milliseconds."""

STEPS: Final = (
    *(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0),
    *(60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 21600.0, 43200.0, 86400.0),
)
"""Seconds that a line of a score may stand for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptSpan:
    """One attempt: the order's number in the report, its key, and from when to when, in seconds."""

    number: int
    key: str
    start: float
    end: float
    attempt: Mapping[str, Any]

    @property
    def label(self) -> str:
        took = self.attempt["duration_ms"]
        lasted = duration(took) if took is not None else "no answer yet when this was written"
        tries = f", attempt {self.attempt['n']}" if self.attempt["n"] != 1 else ""
        return text(
            f"{self.key}{tries}: {phrase(self.attempt['outcome'])}, {lasted}, from {clock(self.attempt['started_at'])}"
        )


def timeline(document: Document) -> str:
    """The section; it says so where nothing was tried."""
    spans = _spans(document)
    if not spans:
        run = document["run"]["mode"]
        note = "Nothing was sent." if run == "apply" else f"Nothing was sent: {text(run)} buys nothing."
        return section("timeline", "Time line", f'<p class="told">{note}</p>')
    start, end = min(span.start for span in spans), max(span.end for span in spans)
    end = max(end, start + 0.001)
    orders = len({span.number for span in spans})
    drawn = _lines(spans, start, end) if orders <= LINES else _score(spans, start, end)
    return section("timeline", "Time line", f"<p>{_in_words(spans, orders)}</p>{_legend(spans)}{drawn}")


def _spans(document: Document) -> list[AttemptSpan]:
    """Attempts without a duration last until the run ended, as far as the report knows."""
    tries = [
        (number, order["key"], seconds(attempt["started_at"]), attempt)
        for number, order in enumerate(document["orders"])
        for attempt in order["attempts"]
    ]
    last = max((start for _, _, start, _ in tries), default=0.0)
    finished = document["run"]["finished_at"]
    until = max(last, seconds(finished)) if finished else last + 1
    return [
        AttemptSpan(number=n, key=key, start=start, end=_end(start, attempt["duration_ms"], until), attempt=attempt)
        for n, key, start, attempt in tries
    ]


def _end(start: float, took: int | None, until: float) -> float:
    return until if took is None else start + took / 1000


def _in_words(spans: Sequence[AttemptSpan], orders: int) -> str:
    """The time line in words, for those who cannot see it."""
    first, last = min(spans, key=lambda span: span.start), max(spans, key=lambda span: span.end)
    longest = max(spans, key=lambda span: span.end - span.start)
    every = [1000 * (span.end - span.start) for span in spans]
    words = f"{plural(len(spans), 'attempt')} for {plural(orders, 'order')}, from {moment(first.attempt['started_at'])}"
    words += f" over {duration(1000 * (last.end - first.start))}."
    if len(spans) > 1:
        words += f" Half of them took {duration(median(every))} or less; the longest, {duration(max(every))}, was "
        words += f'<a class="key" href="#order-{link(longest.key)}">{text(longest.key)}</a>.'
    return words


def _legend(spans: Sequence[AttemptSpan]) -> str:
    counts = Counter(span.attempt["outcome"] for span in spans)
    keys = "".join(
        f'<li><span class="swatch f-{text(word)}"></span>{text(phrase(word))} {count:,}</li>'
        for word, count in counts.items()
    )
    return f'<ul class="legend">{keys}</ul>'


def _lines(spans: Sequence[AttemptSpan], start: float, end: float) -> str:
    """A line an order, with its name in front."""
    rows: dict[int, list[AttemptSpan]] = {}
    for span in spans:
        rows.setdefault(span.number, []).append(span)
    drawn = "".join(
        f'<li><a class="key" href="#order-{link(own[0].key)}">{text(own[0].key.partition("/")[2])}</a>'
        f"{_track(''.join(_pill(span, start, end) for span in own), own)}"
        f'<span class="took">{duration(1000 * sum(span.end - span.start for span in own))}</span></li>'
        for own in rows.values()
    )
    return f'<ol class="lines">{drawn}</ol>{_axis(start, end)}'


def _track(inside: str, spans: Sequence[AttemptSpan]) -> str:
    label = "; ".join(span.label for span in spans)
    return f'<svg class="track" width="100%" height="16" role="img" aria-label="{label}">{inside}</svg>'


def _pill(span: AttemptSpan, start: float, end: float) -> str:
    left, right = _percent(span.start, start, end), _percent(span.end, start, end)
    return (
        f'<line class="s-{text(span.attempt["outcome"])}" x1="{left}" x2="{right}" y1="8" y2="8">'
        f"<title>{span.label}</title></line>"
    )


def _percent(at: float, start: float, end: float) -> str:
    return f"{100 * (at - start) / (end - start):.2f}%"


def _axis(start: float, end: float) -> str:
    """When the first attempt began; the middle and the end, as times after it."""
    took = 1000 * (end - start)
    places = (
        ("0%", "start", f"{datetime.fromtimestamp(start, UTC):%H:%M:%S}"),
        ("50%", "middle", f"+{duration(took / 2)}"),
        ("100%", "end", f"+{duration(took)}"),
    )
    marks = "".join(f'<text x="{x}" y="12" text-anchor="{anchor}">{mark}</text>' for x, anchor, mark in places)
    return f'<svg class="axis" width="100%" height="16" aria-hidden="true">{marks}</svg>'


def _score(spans: Sequence[AttemptSpan], start: float, end: float) -> str:
    """Lines of time, one below the other; where nothing was sent for some lines, they are left out."""
    staves = _staves(spans)
    most = max(SCORE // (1 + max(staves)), LEAST_LINES)
    step = next((step for step in STEPS if (end - start) / step <= most), (end - start) / most)
    origin = start - start % step
    lines: dict[int, dict[int, list[str]]] = {}
    for stave, span in zip(staves, spans, strict=True):
        for line, drawn in _pieces(span, origin, step):
            lines.setdefault(line, {}).setdefault(stave, []).append(drawn)
    rows = "".join(
        f'<li><span class="at">{_label(origin + line * step, step)}</span>{_staff(drawn)}</li>'
        for line, drawn in sorted(lines.items())
    )
    note = f"Each line is {duration(1000 * step)}, in UTC. Choose a span to see its order."
    return f'<p class="told">{note}</p><ol class="scores">{rows}</ol>'


def _staves(spans: Sequence[AttemptSpan]) -> list[int]:
    """The stave of each span, counted from 0: the first that is free when it starts."""
    staves, ends = [0] * len(spans), list[float]()
    for index in sorted(range(len(spans)), key=lambda index: (spans[index].start, index)):
        start = spans[index].start + ROUNDING
        stave = next((stave for stave, end in enumerate(ends) if end <= start), len(ends))
        ends[stave : stave + 1] = [spans[index].end]
        staves[index] = stave
    return staves


def _staff(line: Mapping[int, Sequence[str]]) -> str:
    """The staves of a line, down to the last that has something on it."""
    staves = [
        '<svg class="score" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">'
        f"{''.join(line.get(stave, ()))}</svg>"
        for stave in range(1 + max(line))
    ]
    return staves[0] if len(staves) == 1 else f"<div>{''.join(staves)}</div>"


def _pieces(span: AttemptSpan, origin: float, step: float) -> Iterator[tuple[int, str]]:
    """The span on every line it touches; never thinner than can be seen."""
    first, last = int((span.start - origin) // step), int((span.end - origin) // step)
    for line in range(first, last + 1):
        left = max(0.0, (span.start - origin - line * step) / step)
        right = min(1.0, (span.end - origin - line * step) / step)
        width = max(1000 * (right - left), 2.0)
        place = f'x="{1000 * left:.1f}" y="0" width="{width:.1f}" height="10"'
        rect = f'<rect class="f-{text(span.attempt["outcome"])}" data-n="{span.number}" {place}>'
        yield line, f"{rect}<title>{span.label}</title></rect>"


def _label(at: float, step: float) -> str:
    moment_ = datetime.fromtimestamp(at, UTC)
    return f"{moment_:%H:%M:%S}" if step >= 1 else f"{moment_:%H:%M:%S}.{moment_.microsecond // 10_000:02}"

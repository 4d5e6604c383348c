"""Pieces of the HTML report: text that is inert, amounts, times, lists of facts.

Every value of a report goes through `text`, `lines` or `ticked` on its way into the page; each returns HTML in which
nothing of the value acts. Characters that cannot be seen or that turn the reading order are shown as their escapes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from html import escape
from typing import Any, Final

from runner.views.terminal.safe import visible

Document = Mapping[str, Any]
"""A part of a parsed report."""

NOTHING: Final = '<span class="none">&ndash;</span>'
"""What stands where a report has null."""

_plain: Final = re.compile(r"[ !$%()-;=?-~×]*").fullmatch
_GROUPS: Final = re.compile(r"(?<=[0-9])(?=(?:[0-9]{3})+$)")


def text(value: object) -> str:
    """A value on one line, for text and for quoted attributes alike."""
    said = str(value)
    if _plain(said):
        return said
    if not (said.isascii() and said.isprintable()):
        said = "".join(map(visible, said))
    return escape(said).replace("##", "#&#35;")  # `##` is a command to some CI logs, even in a page


def lines(value: object) -> str:
    """A value that may have several lines, for `<pre>`: line ends, as `\\n`, and tabs stay what they are."""
    found = re.sub(r"[^\n\t]+", lambda part: text(part[0]), str(value).replace("\r\n", "\n"))
    return re.sub(r"^(\s*):(?=:)", r"\1&#58;", found, flags=re.MULTILINE)  # a line that begins so is one to GitHub's


def ticked(value: object) -> str:
    """A sentence in which `…` marks what one types, as the hints have it."""
    parts = str(value).split("`")
    if len(parts) % 2 == 0:
        return text(value)
    return "".join(f"<code>{text(part)}</code>" if odd % 2 else text(part) for odd, part in enumerate(parts))


def amount(value: str | None) -> str:
    """`1,234.50`, or a dash for null."""
    if value is None:
        return NOTHING
    whole, point, cents = value.partition(".")
    return text(f"{_GROUPS.sub(',', whole) if len(whole) > 3 else whole}{point}{cents}")


def total(values: Iterable[str]) -> str:
    """The exact sum of amounts, with two decimals at least."""
    found = sum(map(Decimal, values), Decimal("0.00"))
    return amount(f"{found:f}")


def moment(value: str | None) -> str:
    """`2026-11-23 19:04:45.837 UTC` for a time of a report."""
    if value is None:
        return NOTHING
    shown = value.removesuffix("Z").replace("T", " ")
    return f'<time datetime="{text(value)}">{text(shown)} UTC</time>'


def clock(value: str) -> str:
    """`19:04:45` for a time of a report."""
    return text(value[11:19])


def instant(value: str) -> str:
    """`19:04:45.837`, the day left to those who look closer."""
    return f'<time datetime="{text(value)}" title="{text(value)}">{text(value[11:].removesuffix("Z"))}</time>'


def seconds(value: str) -> float:
    """A time of a report as seconds, to be compared with others."""
    return datetime.fromisoformat(value).timestamp()


def duration(milliseconds: float) -> str:
    """`3 ms`, `2.4 s`, `5 min`, `1 min 12 s`, `1 h 03 min`."""
    if milliseconds < 1000:
        return f"{round(milliseconds)} ms"
    if milliseconds < 59_950:
        return f"{milliseconds / 1000:.1f} s"
    minutes, rest = divmod(round(milliseconds / 1000), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02} min"
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def facts(rows: Iterable[tuple[str, str]], style: str = "facts") -> str:
    """A list of names and values; the values are HTML already."""
    inside = "".join([f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in rows])
    return f'<dl class="{style}">{inside}</dl>'


def section(name: str, heading: str, inside: str, style: str = "panel") -> str:
    """A part of the page with a heading, by which a screen reader finds it; both are HTML already."""
    return f'<section class="{style}" aria-labelledby="{name}"><h2 id="{name}">{heading}</h2>{inside}</section>'


def code(value: object) -> str:
    """A value as it is written elsewhere: an id, a path, a digest; a dash for null."""
    return NOTHING if value is None else f"<code>{text(value)}</code>"


def place(where: Document) -> str:
    """`file:line:column`, as much of it as is known; empty for none."""
    if where["file"] is None:
        return ""
    return text(":".join(str(where[part]) for part in ("file", "line", "column") if where[part] is not None))

"""Pieces of the HTML report: text that is inert, amounts, times, lists of facts and of findings.

Every value of a report goes through `text`, `lines` or `ticked` on its way into the page; each returns HTML in which
nothing of the value acts. Characters that cannot be seen or that turn the reading order are shown as their escapes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from html import escape
from typing import Any, Final

from runner.views.formats.facts import Finding, phrase, place
from runner.views.terminal.safe import visible
from runner.views.wording import plural

UNFOLDED: Final = 5
"""Findings about no order that are there at once; more are a click away."""

NOTHING: Final = '<span class="none">&ndash;</span>'
"""What stands where a report has null."""

_plain: Final = re.compile(r"[ !$%()-;=?-~×]*").fullmatch
_GROUPS: Final = re.compile(r"(?<=[0-9])(?=(?:[0-9]{3})+$)")


def text(value: object) -> str:
    """A value on one line, for text and for quoted attributes alike."""
    plain = str(value)
    if _plain(plain):
        return plain
    if not (plain.isascii() and plain.isprintable()):
        plain = "".join(map(visible, plain))
    return escape(plain).replace("##", "#&#35;")  # `##` is a command to some CI logs, even in a page


def lines(value: object) -> str:
    """A value that may have several lines, for `<pre>`: line ends, as `\\n`, and tabs stay what they are."""
    inert = re.sub(r"[^\n\t]+", lambda part: text(part[0]), str(value).replace("\r\n", "\n"))
    return re.sub(r"^(\s*):(?=:)", r"\1&#58;", inert, flags=re.MULTILINE)  # a line that begins so is one to GitHub's


def sentence(value: object) -> str:
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
    return amount(f"{sum(map(Decimal, values), Decimal('0.00')):f}")


def moment(value: str | None) -> str:
    """`2026-11-23 19:04:45.837 UTC` for a time of a report."""
    if value is None:
        return NOTHING
    spaced = value.removesuffix("Z").replace("T", " ")
    return f'<time datetime="{text(value)}">{text(spaced)} UTC</time>'


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


def pairs(rows: Iterable[tuple[str, str]], style: str = "facts") -> str:
    """A list of names and values; the values are HTML already."""
    inside = "".join([f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in rows])
    return f'<dl class="{style}">{inside}</dl>'


def section(name: str, heading: str, inside: str, style: str = "panel") -> str:
    """A part of the page with a heading, by which a screen reader finds it; both are HTML already."""
    return f'<section class="{style}" aria-labelledby="{name}"><h2 id="{name}">{heading}</h2>{inside}</section>'


def code(value: object) -> str:
    """A value as it is written elsewhere: an id, a path, a digest; a dash for null."""
    return NOTHING if value is None else f"<code>{text(value)}</code>"


def at(part: Mapping[str, Any]) -> str:
    """Where a finding or an order's source stands, as `file:line:column`; empty without a file."""
    return text(place(part))


def link(key: str) -> str:
    """An order's key in the fragment of an address: the one character of a key that would end it is `#`."""
    return text(key.replace("#", "%23"))


def finding_fold(findings: Sequence[Finding]) -> str:
    """Findings about no order, the worst first, as warnings can be many; those beyond `UNFOLDED` wait in a fold."""
    ranked = sorted(findings, key=lambda finding: finding["category"] == "warning")
    first, rest = ranked[:UNFOLDED], ranked[UNFOLDED:]
    if not rest:
        return finding_list(first)
    summary = f"<summary>{plural(len(rest), 'more finding')}</summary>"
    return f"{finding_list(first)}<details>{summary}{finding_list(rest)}</details>"


def finding_list(findings: Sequence[Finding]) -> str:
    """Findings as a list: what is wrong, where, the vendor's own words, and the way out; empty for none."""
    return f'<ul class="findings">{"".join(map(_finding, findings))}</ul>' if findings else ""


def _finding(finding: Finding) -> str:
    head = f'<span class="code">{text(finding["code"])}</span> '
    head += f'<span class="tag">{text(phrase(finding["category"]))}</span>'
    where = f' <span class="at">{at(finding)}</span>' if at(finding) else ""
    field = f" <span>field <code>{text(finding['field'])}</code></span>" if finding["field"] is not None else ""
    hint = f'<p class="hint"><b>What to do:</b> {sentence(finding["hint"])}</p>' if finding["hint"] is not None else ""
    return (
        f'<li class="finding c-{text(finding["category"])}"><p class="meta">{head}{where}{field}</p>'
        f"<p>{sentence(finding['message'])}</p>{_vendor(finding['vendor'])}{hint}</li>"
    )


def _vendor(vendor: Mapping[str, Any] | None) -> str:
    if vendor is None:
        return ""
    number = f" (code {text(vendor['code'])})" if vendor["code"] is not None else ""
    return f'<p class="vendor"><b>The vendor said{number}:</b> <q>{text(vendor["message"])}</q></p>'

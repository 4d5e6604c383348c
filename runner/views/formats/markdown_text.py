"""Markdown in which nothing foreign acts, and tables cut to the room there is.

Text of manifests and of the vendor stands in code spans only. In a code span nothing acts: no mark-up, HTML, link,
mention or reference. A pipe, which would end the cell of a table even there, stands outside as an entity.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from runner.views.terminal.safe import one_line


def code(text: str, most: int = 200) -> str:
    """`text` as data: in code spans, whatever is in it; cut after `most` characters."""
    plain = one_line(text)
    if len(plain) > most:
        plain = plain[:most] + "…"
    return "&#124;".join(_span(part) for part in plain.split("|"))


def enumeration(texts: Iterable[str]) -> str:
    """Texts as data, one after the other; `none` where there is none."""
    return ", ".join(map(code, texts)) or "none"


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]], room: int, enough: str) -> list[str]:
    """As many rows as there is room for; `enough` says how many are left."""
    if not rows:
        return []
    texts = [row(head), "|" + " --- |" * len(head)]
    used = size(texts) + len(enough) + 16
    for number, cells in enumerate(rows):
        line = row(cells)
        used += len(line.encode()) + 1
        if used > room:
            more = enough.format(f"{len(rows) - number:,}")
            return [*texts, "", more, ""] if number else [more, ""]
        texts.append(line)
    return [*texts, ""]


def row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def size(texts: Iterable[str]) -> int:
    """Bytes of lines with their ends."""
    return sum(len(text.encode()) + 1 for text in texts)


def _span(text: str) -> str:
    if not text:
        return ""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if longest or text.strip(" ") not in ("", text) else ""
    return f"{fence}{pad}{text}{pad}{fence}"

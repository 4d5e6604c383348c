"""Links of a page in the repository, and where they lead in the site."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import unquote

FENCED: Final = re.compile(r"^ *(?P<fence>```+|~~~+).*?^ *(?P=fence)$", re.MULTILINE | re.DOTALL)
CODE: Final = re.compile(FENCED.pattern + r"|(?P<tick>`+)(?:(?!(?P=tick)).)+?(?P=tick)(?!`)", FENCED.flags)
LINK: Final = re.compile(r"(?<!!)\[(?P<text>(?:[^\]\[]|\[[^\]]*\])*)\]\((?P<target>[^()\s]+)\)")
ELSEWHERE: Final = ("http://", "https://", "mailto:", "#")


def rewritten(text: str, *, page: str, staged: str, places: Mapping[str, str]) -> str:
    """The text of `page` (a path in the repository) for its place `staged` in the site, links and all.

    `places` maps paths of the repository to those of the site. What the site does not have is named, not linked:
    nobody knows where a reader of the site would find it.
    """
    code = [match.span() for match in CODE.finditer(text)]

    def moved(match: re.Match[str]) -> str:
        target = match["target"]
        if target.startswith(ELSEWHERE) or any(start <= match.start() < end for start, end in code):
            return match[0]
        path, mark, anchor = target.partition("#")
        there = posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(path)))
        if there not in places:
            return named(match["text"], there)
        text = "" if there.endswith(match["text"]) else match["text"]  # of a link without text MyST makes the title
        return f"[{text}]({relative(places[there], staged)}{mark}{anchor})"

    return LINK.sub(moved, text)


def named(text: str, path: str) -> str:
    """The link's text, and the path in the repository unless the text says it."""
    return text if PurePosixPath(path).name in text else f"{text} (`{path}` in the repository)"


def relative(target: str, page: str) -> str:
    """The way from one page of the site to another; a place may have an anchor of its own."""
    return posixpath.relpath(target, posixpath.dirname(page) or ".")


def plain(markdown: str) -> str:
    """One line of Markdown without its marks."""
    return re.sub(r"[*`]|\[([^\]]*)\]\([^)]*\)", r"\1", markdown).strip()


def headings(text: str) -> Iterator[str]:
    """The headings of a page that are not in code, without their marks."""
    for found in re.finditer(r"^#{1,6} +(.+?) *#*$", FENCED.sub("", text), re.MULTILINE):
        yield plain(found[1])


def summary(text: str, longest: int = 200) -> str:
    """The first paragraph of a page in one line, cut at a word. ValueError where a page has none."""
    blocks = re.split(r"\n{2,}", FENCED.sub("", text).strip())
    found = next((block for block in blocks if re.match(r"[\w`\[*]", block)), None)
    if found is None:
        raise ValueError(f"a page without a paragraph: {text[:40]!r}")
    line = " ".join(plain(found).split())
    return line if len(line) <= longest else line[:longest].rpartition(" ")[0] + "…"

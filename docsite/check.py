"""Reads the built site again, as a browser would: what its pages ask for has to be there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

LOADED: Final = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src", "object": "data"}
"""What a browser fetches by itself, and the attribute that says from where."""


@dataclass(slots=True)
class Page(HTMLParser):
    """What a page has and asks for."""

    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    title: str = ""
    description: str = ""
    in_title: bool = False

    def __post_init__(self) -> None:
        HTMLParser.__init__(self)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.ids.update(values[name] for name in ("id", "name") if name in values and tag != "meta")
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag in LOADED and LOADED[tag] in values:
            self.loads.append(values[LOADED[tag]])
        if tag == "meta" and values.get("name") == "description":
            self.description = values.get("content", "")
        self.in_title = self.in_title or (tag == "title" and not self.title)

    def handle_endtag(self, tag: str) -> None:
        self.in_title = self.in_title and tag != "title"

    def handle_data(self, data: str) -> None:
        if self.in_title:
            self.title += data


def read(site: Path) -> dict[Path, Page]:
    """Every page of the site."""
    pages = {}
    for path in sorted(site.rglob("*.html")):
        page = Page()
        page.feed(path.read_text(encoding="utf-8"))
        pages[path] = page
    return pages


def problems(site: Path) -> Iterator[str]:
    """One line for everything that is wrong."""
    pages = read(site.resolve())
    for path, page in pages.items():
        name = path.relative_to(site.resolve()).as_posix()
        if not page.title.strip():
            yield f"{name}: no title"
        if not page.description and path.stem not in ("search", "genindex"):
            yield f"{name}: no description"
        for target in page.loads:
            if urlsplit(target).netloc or urlsplit(target).scheme not in ("", "data"):
                yield f"{name}: asks another host for {target}"
        for target in {*page.links, *page.loads}:
            if broken(target, path, pages):
                yield f"{name}: {target} leads nowhere"


def broken(target: str, page: Path, pages: dict[Path, Page]) -> bool:
    """Whether a link within the site has no file, or its anchor no element."""
    parts = urlsplit(target)
    if parts.scheme or parts.netloc:
        return False
    there = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not there.is_file():
        return True
    return bool(parts.fragment) and there in pages and unquote(parts.fragment) not in pages[there].ids

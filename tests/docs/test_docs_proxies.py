"""docs/proxies.md has every format of delivered proxies, with the kinds that it takes, and examples as they are written.

`python tests/docs/test_docs_proxies.py` writes the examples anew.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Final

from runner.core.deliveries import PROXY_KINDS, Proxy
from runner.core.errors import RunnerError
from runner.views.proxies import FORMATS, PROGRAMS, TABLES, render
from runner.views.proxies.proxy_text import PLACEHOLDERS

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "proxies.md"
SAMPLE: Final = Proxy(
    key="crawl/uk",
    order_id="1000001",
    ip="203.0.113.5",
    port_http=50100,
    port_socks=50101,
    login="user",
    password="p@ss/1",
    protocol="http",
    country="GBR",
    ends=date(2026, 12, 31),
)
HEADING: Final = "## What they look like\n"
LANGUAGES: Final = {"playwright": "json", "clash": "yaml", "sing-box": "json"}


def rows(page: str, head: str) -> list[list[str]]:
    """The rows of the table that begins with `head`, without it."""
    table = page[page.index(f"\n{head}") + 1 :].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def is_carried(fmt: str, kind: str, proxy: Proxy) -> bool:
    try:
        return bool(render(fmt, [proxy], kind=kind))  # type: ignore[arg-type]
    except RunnerError:
        return False


def kinds(fmt: str) -> str:
    """What the table has to say of a format's kinds."""
    if fmt in TABLES:
        return "both ports"
    plain = replace(SAMPLE, password="plain")
    taken = [kind for kind in PROXY_KINDS if is_carried(fmt, kind, plain)]
    by_address = [
        kind
        for kind in PROXY_KINDS
        if is_carried(fmt, kind, replace(plain, login="", password="", auth_ip="198.51.100.7"))
    ]
    return ", ".join(taken) + "".join(f"; {kind} without a login" for kind in by_address if kind not in taken)


def examples() -> str:
    """A block for each program's format."""
    blocks = [
        f"`{fmt}`\n\n```{LANGUAGES.get(fmt, 'text')}\n{render(fmt, [SAMPLE], kind='http')}```\n" for fmt in PROGRAMS
    ]
    return "\n".join(blocks)


def test_the_table_has_every_format_and_its_kinds() -> None:
    """Each format that there is, in the order that the program names them, and what each really takes."""
    table = rows(PAGE.read_text(encoding="utf-8"), "| format |")
    assert [(row[0], row[2]) for row in table] == [(f"`{fmt}`", kinds(fmt)) for fmt in FORMATS]


def test_the_examples_are_what_is_written() -> None:
    """To the byte, for a login that has to be encoded."""
    assert PAGE.read_text(encoding="utf-8").partition(f"{HEADING}\n")[2].partition("\n\n")[2] == examples()


def test_the_templates_make_the_lines_beside_them() -> None:
    """Each line of the table is what its template makes, and the page names every placeholder."""
    page = PAGE.read_text(encoding="utf-8")
    table = rows(page, "| template |")
    assert len(table) == 4
    for template, line in table:
        made = render("txt", [replace(SAMPLE, password="p4ss")], kind="http", template=template.strip("`"))
        assert made == line.strip("`") + "\n"
    assert set(re.findall(r"%([a-z_]+)%", page)) == set(PLACEHOLDERS)


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    before, heading, after = text.partition(f"{HEADING}\n")
    PAGE.write_text(before + heading + after.partition("\n\n")[0] + "\n\n" + examples(), encoding="utf-8")

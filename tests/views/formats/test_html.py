"""The HTML report holds the whole report, loads nothing, and nothing a vendor or a manifest says can act in it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from runner.core import schemas
from runner.report.report import REPORT_VERSION
from runner.views.formats import parse
from runner.views.formats.facts import STATUSES
from runner.views.formats.html.page import asset, policy, render
from runner.views.formats.html.pieces import amount, duration, lines, sentence, text, total
from runner.views.formats.html.timeline import SCORE
from tests.htmlreports import every_status, finding, large, order, report

ROOT = Path(__file__).resolve().parents[3]
VOID = {"meta", "link", "input", "col", "wbr"}
HOSTILE = (
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)" x=\'',
    "'><svg/onload=alert(1)>",
    "</noscript></td></table><h1>owned",
    "</title></style><!-- --!> ]]>",
    "&lt;b&gt; &#60;i&#62; &amp;",
    "javascript:alert(1) {{7*7}} ${7*7}",
    "\u202egnp.exe\u2066 \u200b\u200f zero",
    "line\u2028separator\u2029 and \x00\x1b[31m\x7f\x85 controls",
    "w" * 5000,
    "\ud800 half a character",
)


@dataclass
class Page(HTMLParser):
    """A parsed page: its elements in order, their attributes, its text, and whether every tag is closed."""

    tags: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    attributes: list[tuple[str, str, str]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    raw: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        raise AssertionError(f"<{tag}/> is no HTML")

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("style", "script"):
            self.raw.setdefault(self.open[-1], []).append(data)
        else:
            self.texts.append(data)

    @property
    def words(self) -> str:
        """Everything one can read or hear."""
        heard = [value for _, name, value in self.attributes if name in ("title", "aria-label", "datetime")]
        return " ".join([*self.texts, *heard])


def parsed(document: dict[str, Any]) -> Page:
    page = Page()
    page.feed(render(document))
    page.close()
    assert page.open == []
    return page


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, f"{path}[]")
    else:
        yield path, value


def squeezed(words: str) -> str:
    """Without marks of layout: separators of thousands, underscores, backticks, and how blanks are written."""
    return re.sub(r"\s+", " ", re.sub(r"(?<=\d),(?=\d{3})|`", "", words).replace("_", " "))


def test_the_reports_of_these_tests_are_valid() -> None:
    """What is rendered here is a report by the published schema."""
    schema = Draft202012Validator(json.loads(schemas.text("report")))
    entries = [order(number) for number in range(3)]
    document = report(entries, new_keys=REPORT_VERSION != "1.0")
    assert [error.message for error in schema.iter_errors(document)] == []


def test_everything_in_a_report_can_be_read_in_the_page() -> None:
    """Every value of every field, of orders of each status, stands in the page as text."""
    document = every_status()
    text = squeezed(parsed(document).words)
    for path, value in leaves(document):
        if value is None or isinstance(value, bool):
            continue
        for part in str(value).splitlines():
            assert squeezed(part).strip() in text, path


def test_every_tag_is_closed_and_every_id_is_its_own() -> None:
    """The page is well formed with every status, with no order at all, and with thousands."""
    for document in (every_status(), report([]), large(200)):
        ids = [value for _, name, value in parsed(document).attributes if name == "id"]
        assert len(ids) == len(set(ids))


def test_a_report_of_an_earlier_minor_version_is_rendered() -> None:
    """Reports without the manifest's lines and words make a page, too."""
    old = report([order(1)], new_keys=False, report_version="1.0")
    page = parsed(dict(parse.read(json.dumps(old).encode(), "report.json")))
    assert "crawl/order-0001" in page.words
    assert "In the manifest" not in page.words


def test_a_page_loads_nothing_and_runs_only_its_own_script() -> None:
    """No address but fragments and the icon in itself; no inline style; the policy has the digests of style and script."""
    page = parsed(every_status())
    links = [
        value for _, name, value in page.attributes if name in ("href", "src", "action", "data", "poster", "srcset")
    ]
    assert all(link.startswith(("#", "data:image/svg+xml,")) for link in links)
    assert not [name for _, name, _ in page.attributes if name == "style" or name.startswith("on")]
    found = {kind: "".join(parts) for kind, parts in page.raw.items()}
    digests = {kind: base64.b64encode(hashlib.sha256(part.encode()).digest()).decode() for kind, part in found.items()}
    assert f"style-src 'sha256-{digests['style']}'" in policy()
    assert f"script-src 'sha256-{digests['script']}'" in policy()
    assert policy().startswith("default-src 'none';")
    assert next(value for tag, name, value in page.attributes if tag == "meta" and name == "content") == policy()
    assert "unsafe" not in policy()


def test_style_and_script_cannot_leave_their_elements() -> None:
    """Neither file has what would close its element, and neither names an address."""
    for name in ("report.css", "report.js"):
        content = asset(name).content
        assert not re.search(r"</(style|script)|<!--|https?:|//[a-z]+\.|@import|url\(", content, re.IGNORECASE)


def poisoned(poison: str) -> dict[str, Any]:
    """A report in which every text that comes from a vendor or a manifest is `poison`."""
    hostile = finding(
        "rejected", poison, hint=poison, field=poison, file=poison, vendor={"code": poison, "message": poison}
    )
    entries = [
        order(
            number,
            status,
            reason=poison,
            errors=[hostile],
            request={"countryId": 561, "customTargetName": poison, poison: poison},
            words={"country": poison, poison: poison},
            evidence={"body_head": poison, poison: [poison]},
            source={"file": poison, "line": 1, "column": 1, "snippet": poison},
        )
        for number, status in enumerate(("placed", "rejected", "unknown"))
    ]
    entries[0]["result"] |= {"order_id": poison, "base_order_numbers": [poison]}
    document = report(entries, errors=[hostile, {**hostile, "category": "unknown"}], not_checked=[poison])
    document["inputs"] |= {"ledger": poison, "lockfile": poison, "manifests": [{"path": poison, "sha256": "a" * 64}]}
    return document


@pytest.mark.parametrize("poison", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_inert(poison: str) -> None:
    """Whatever a vendor says, the page has the same elements and attributes as with a harmless word in its place."""
    page = parsed(poisoned(poison))
    assert page.tags == parsed(poisoned("harmless")).tags
    assert {unicodedata.category(character) for character in page.words} & {"Cf", "Zl", "Zp", "Cs"} == set()
    assert {character for character in page.words if unicodedata.category(character) == "Cc"} <= {"\n", "\t"}
    render(poisoned(poison)).encode("utf-8")


NASTY = st.text(st.one_of(st.characters(), st.sampled_from("<>&\"'`\n\r\t\u202e\u2028\x00")))


@given(NASTY)
def test_any_text_comes_out_as_text(value: str) -> None:
    """For every text there is: no element, no way out of an attribute, nothing that turns the reading order."""
    for made in (text(value), lines(value), sentence(value.replace("`", ""))):
        page = Page()
        page.feed(f'<p title="{made}">{made}</p>')
        page.close()
        assert page.tags == [("p", ("title",))]
        assert not [c for c in made if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cs") and c not in "\n\t"]


def test_what_may_have_been_charged_comes_with_its_commands() -> None:
    """An unknown order is named with its amount and the three commands that settle it, above all tables."""
    page = render(report([order(0), order(1, "unknown", key="crawl/lost#2")]))
    assert "1 order may have been charged" in page
    assert page.index("order-runner resolve crawl/lost#2 --absent --reason WHY") < page.index("<table")
    assert "order-runner reconcile crawl/lost#2" in page
    assert "order-runner resolve crawl/lost#2 --placed ORDER_ID" in page
    assert 'href="#order-crawl/lost%232"' in page
    assert 'id="order-crawl/lost#2"' in page


def test_an_open_order_of_other_manifests_is_told_once_and_loudly() -> None:
    """A possible charge that is in none of these manifests stands in the alarm, not among the other findings."""
    message = "other/lost may have been bought for 7.00 and is not settled: HTTP 500"
    page = parsed(report([order(0)], errors=[finding("unknown", message, code="PSR409")]))
    assert page.words.count(message) == 1
    assert "1 order may have been charged" in page.words
    assert "Findings about no order" not in page.words


def test_a_calm_run_has_no_alarm() -> None:
    """Where nothing is in doubt, nothing looks as if it were."""
    page = parsed(report([order(0)]))
    assert "may have been charged" not in page.words
    assert ("section", "class", "alarm") not in page.attributes


def test_a_run_that_goes_on_says_so() -> None:
    """A report of an unfinished run names no exit code, and says what it means if it stays like this."""
    document = report([order(0)])
    document["run"] |= {"complete": False, "finished_at": None, "exit": None}
    assert "order-runner status" in parsed(document).words
    assert "Not finished" in parsed(document).words


def test_a_plan_says_that_nothing_is_bought() -> None:
    """Plans and dry runs are called so, and their time line says that nothing was sent."""
    document = report([order(0, "planned")])
    document["run"]["mode"] = "plan"
    said = parsed(document).words
    assert "Nothing was sent: plan buys nothing." in said
    assert "Purchase report" not in said


@pytest.mark.parametrize(
    ("value", "text"),
    [("0", "0"), ("12.5", "12.5"), ("999.99", "999.99"), ("1234567.10", "1,234,567.10"), ("-1000", "-1,000")],
)
def test_amounts_are_shown_to_the_last_digit(value: str, text: str) -> None:
    """An amount keeps its digits and gets separators of thousands."""
    assert amount(value) == text


def test_sums_are_exact() -> None:
    """Money is added as decimal numbers."""
    assert total(["0.10"] * 3) == "0.30"
    assert total(["0.001", "99999999999999.99"]) == "99,999,999,999,999.991"
    assert total([]) == "0.00"


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0 ms"),
        (999, "999 ms"),
        (2400, "2.4 s"),
        (59_999, "1 min"),
        (72_000, "1 min 12 s"),
        (7_500_000, "2 h 05 min"),
    ],
)
def test_durations_are_short_and_have_a_unit(milliseconds: int, text: str) -> None:
    """A duration has the unit that fits it."""
    assert duration(milliseconds) == text


def test_a_long_run_has_a_time_line_one_can_see_at_once() -> None:
    """Two thousand attempts stand on a screen's worth of lines, each of them drawn and named."""
    page = render(large())
    drawn = re.findall(r'<rect class="f-[a-z]+" data-n="(\d+)"[^>]*><title>', page)
    assert set(map(int, drawn)) == set(range(2000))
    assert 10 <= page.count('<svg class="score"') <= SCORE + 1


def in_lanes(orders: int, lanes: int) -> dict[str, Any]:
    """A report of orders that were bought in lanes: each attempt takes ten seconds."""
    entries = []
    for n in range(orders):
        start = 10 * (n // lanes)
        at = f"2026-11-23T02:{start // 60:02}:{start % 60:02}.{n % lanes:03}Z"
        attempt = {"n": 1, "started_at": at, "duration_ms": 10_000, "http_status": 200, "outcome": "placed"}
        entries.append(order(n, attempts=[attempt]))
    return report(entries)


def bars(page: str) -> list[tuple[int, list[tuple[int, float, float]]]]:
    """For each stave of a score the line it is on, and its bars: the order's number, from where to where."""
    staves = []
    for line, row in enumerate(page.split('<span class="at">')[1:]):
        for stave in row.split('<svg class="score"')[1:]:
            drawn = re.findall(r'data-n="(\d+)" x="([\d.]+)" y="0" width="([\d.]+)"', stave.split("</svg>")[0])
            staves.append((line, [(int(n), float(x), float(x) + float(width)) for n, x, width in drawn]))
    return staves


@pytest.mark.parametrize("lanes", [1, 2, 8, 32])
def test_purchases_at_once_are_drawn_below_each_other(lanes: int) -> None:
    """No bar covers another one, each order is drawn, and a line has no more staves than there were lanes."""
    staves = bars(render(in_lanes(96, lanes)))
    for _, drawn in staves:
        ordered = sorted(drawn, key=lambda bar: bar[1])
        assert all(one[2] <= other[1] + 2.5 for one, other in pairwise(ordered))
    assert {n for _, drawn in staves for n, _, _ in drawn} == set(range(96))
    on_line = Counter(line for line, _ in staves)
    assert max(on_line.values()) == lanes
    assert len(staves) <= max(SCORE + lanes, 5 * lanes)


def test_a_short_run_has_a_line_for_each_order() -> None:
    """Retries stand on their order's line, one after the other, inside of it."""
    tries = [
        {
            "n": n,
            "started_at": f"2026-11-23T02:15:{n:02}.000Z",
            "duration_ms": 500,
            "http_status": None,
            "outcome": "not_sent",
        }
        for n in (1, 2)
    ]
    page = render(report([order(0, attempts=tries), order(1)]))
    assert page.count('<svg class="track"') == 2
    places = [float(x) for x in re.findall(r' x[12]="([\d.]+)%"', page)]
    assert len(places) == 6
    assert all(0 <= place <= 100 for place in places)
    assert places[:4] == sorted(places[:4])


def test_words_are_those_of_the_documentation() -> None:
    """Statuses and exit codes are explained by the sentences of docs/report.md and docs/exit-codes.md."""
    page = (ROOT / "docs" / "report.md").read_text(encoding="utf-8").split("| status | meaning |")[1].split("\n## ")[0]
    rows = {
        name: meaning.removesuffix(" Not given in this version.")
        for name, meaning in re.findall(r"^\| `(\w+)` \| (.*?) \|$", page, re.MULTILINE)
    }
    for status, meaning in STATUSES.items():
        assert rows.pop(status).startswith(meaning.removesuffix("."))
    assert rows == {}
    codes = (ROOT / "docs" / "exit-codes.md").read_text(encoding="utf-8").split("\n## ")[0]
    plain = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", codes)
    for code, name, when, todo in re.findall(r"^\| (\d+) \| `(\w+)` \| (.*?) \| (.*?) \|$", plain, re.MULTILINE):
        page = render(report([]) | {"run": report([])["run"] | {"exit": {"code": int(code), "name": name}}})
        assert sentence(when) in page, code
        assert code == "0" or sentence(todo) in page, code


def test_a_real_report_becomes_a_page(tmp_path: Path) -> None:
    """What `apply` wrote about a lost answer is rendered; the key is as hidden as in the report."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(tmp_path / "state")}
    command = ("apply", "--sandbox", "--yes", "--fault", "500-after@2", str(ROOT / "samples" / "ipv4.yaml"))
    done = subprocess.run(
        [sys.executable, "-m", "runner", *command],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 7, done.stderr
    page = parsed(json.loads((tmp_path / "report.json").read_text(encoding="utf-8")))
    assert "1 order may have been charged" in page.words
    assert "/personal/api/v1/***" in page.words

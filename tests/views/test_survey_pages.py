"""What the account has at the vendor as text: every fact in every format, and foreign text that acts in none."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from runner.core.errors import VendorUnavailable
from runner.core.states import State
from runner.core.vendor import ResidentPackage
from runner.evidence.rentals import FactKind, Moment, Rental, ShownOrder
from runner.settle.survey import Survey
from runner.views import survey_pages as view
from runner.views.terminal.console import Console
from tests import make

WHEN = Moment(at=make.AT, near=(make.AT + timedelta(days=7)).date())
HOSTILE = "x\x1b[31m\n::error::y|`z`<b>@team##[group]\u202e"
SHOWN = ShownOrder(
    type="ipv4",
    order_id="77",
    rows=2,
    countries=frozenset({"FRA"}),
    first_end=date(2026, 11, 26),
    last_end=date(2027, 1, 26),
    addresses=("203.0.113.7 8080 1080",),
)
RENTAL = Rental(
    key=make.order("fr").key,
    type="ipv4",
    state=State.PLACED,
    record=make.record(),
    quantity=3,
    listing=SHOWN,
    ends=date(2026, 11, 26),
    days_left=3,
    replacements=2,
)
TEXTS = {
    FactKind.UNKNOWN: "b/fr: it may have been charged, and that is not settled",
    FactKind.ENDED: "b/fr: ended 2 days ago, on 2026-11-21",
    FactKind.ENDS: "b/fr: ends in 3 days, on 2026-11-26",
    FactKind.SHORT: "b/fr: 2 of 3 delivered",
    FactKind.SURPLUS: "b/fr: 2 of 3 delivered: some may be another order's",
    FactKind.RENEWED_OUTSIDE: "b/fr: renewed outside: it ends on 2027-01-26, later than what this ledger bought",
    FactKind.ENDS_EARLY: "b/fr: ends on 2026-11-26, earlier than what was bought: ask the vendor",
    FactKind.REPLACED: "b/fr: 2 addresses replaced: whoever uses them needs the new ones",
    FactKind.AUTO_RENEWED: "b/fr: the vendor's own renewal is armed: it will charge the account by itself",
    FactKind.NOT_READ: "isp: not read, so nothing is said of its orders: it is down",
    FactKind.UNOWNED: "order 78 belongs to no order of this ledger: ipv4, 1 proxy in DEU, until 2026-12-01",
}


def survey(kind: FactKind) -> Survey:
    """One with that fact alone."""
    if kind is FactKind.NOT_READ:
        return Survey(when=WHEN, types=("isp",), failures={"isp": VendorUnavailable("it is down", hint="try again")})
    if kind is FactKind.UNOWNED:
        ends = date(2026, 12, 1)
        stranger = replace(SHOWN, order_id="78", rows=1, countries=frozenset({"DEU"}), first_end=ends)
        return Survey(when=WHEN, types=("ipv4",), strangers=(stranger,))
    changes: dict[str, Any] = {
        FactKind.UNKNOWN: {"state": State.UNKNOWN},
        FactKind.ENDED: {"ends": date(2026, 11, 21), "days_left": -2},
    }.get(kind, {})
    return Survey(when=WHEN, types=("ipv4",), rentals=(replace(RENTAL, facts=(kind,), **changes),))


@pytest.fixture
def page() -> Callable[..., str]:
    def render(of: Survey, fmt: str, flags: str = "") -> str:
        stream = io.StringIO()
        console = Console.detect(no_color=True, stdout=stream, stderr=io.StringIO(), environ={"COLUMNS": "200"})
        view.render(of, fmt=fmt, console=console, flags=flags)
        assert console.out.is_taken()
        return stream.getvalue()

    return render


@pytest.mark.parametrize("kind", FactKind)
def test_each_fact_in_each_format(kind: FactKind, page: Callable[..., str]) -> None:
    """In words everywhere: JSON and its lines name it, Markdown quotes it, GitHub marks what is wrong as an error."""
    one = survey(kind)
    document = json.loads(page(one, "json"))
    assert [(fact["fact"], fact["text"]) for fact in document["facts"]] == [(kind.value, TEXTS[kind])]
    lines = page(one, "ndjson").splitlines()
    assert [json.loads(line)["text"] for line in lines] == [TEXTS[kind]]
    assert f"`{TEXTS[kind]}`" in page(one, "markdown")
    level = "error" if kind in (FactKind.UNKNOWN, FactKind.NOT_READ) else "warning"
    command = page(one, "github").splitlines()[0]
    assert command.startswith(f"::{level} title={kind.value.replace('_', ' ')}::{TEXTS[kind]}")
    text = page(one, "text")
    words = {FactKind.ENDS: "3 days", FactKind.ENDED: "over", FactKind.REPLACED: "2 addresses replaced"}
    assert words.get(kind, view.LABELS.get(kind, TEXTS[kind])) in text
    assert "1 thing to act on" in text


@pytest.mark.parametrize(("days", "words"), [(0, "ends today"), (1, "ends in 1 day,"), (2, "ends in 2 days,")])
def test_days_are_counted_in_words(days: int, words: str) -> None:
    """Its last day is today."""
    assert words in view.fact_text(FactKind.ENDS, replace(RENTAL, days_left=days))


def test_every_text_is_there() -> None:
    """No kind of fact is without a word."""
    assert set(TEXTS) == set(FactKind)
    assert set(view.LABELS) == set(FactKind) - {FactKind.NOT_READ, FactKind.UNOWNED}


@pytest.mark.parametrize("fmt", ["text", "json", "ndjson", "markdown", "github"])
def test_foreign_text_does_not_act(fmt: str, page: Callable[..., str]) -> None:
    """A country or an error of the vendor's starts no command, no mark-up, no escape, and no line of its own."""
    stranger = replace(SHOWN, order_id="78", countries=frozenset({HOSTILE}))
    rental = replace(RENTAL, listing=replace(SHOWN, countries=frozenset({HOSTILE})), facts=(FactKind.ENDS,))
    failure = VendorUnavailable(HOSTILE, hint=HOSTILE)
    out = page(
        Survey(when=WHEN, types=("ipv4",), rentals=(rental,), strangers=(stranger,), failures={"isp": failure}), fmt
    )
    assert not {"\x1b", "\u202e", "\r"} & set(out)
    assert "##" not in out.replace("## ", "")
    commands = [line for line in out.splitlines() if line.lstrip().startswith("::")]
    assert len(commands) == (4 if fmt == "github" else 0)
    if fmt == "markdown":
        rows = [line for line in out.splitlines() if line.startswith("|")]
        assert {line.count("|") - line.count("\\|") for line in rows} == {4, 7}


@pytest.mark.parametrize("fmt", ["text", "json", "ndjson", "markdown", "github"])
def test_no_address_is_shown(fmt: str, page: Callable[..., str]) -> None:
    """What is compared by digests is in no output."""
    assert "203.0.113" not in page(survey(FactKind.ENDS), fmt)


def test_nothing_to_act_on(page: Callable[..., str]) -> None:
    """A quiet account says so; as lines of facts it says nothing."""
    quiet = Survey(when=WHEN, types=("ipv4",), rentals=(RENTAL,))
    assert page(quiet, "text").splitlines()[2:] == ["1 order, 0 of them end by 2026-11-30; nothing to act on"]
    assert page(quiet, "ndjson") == ""
    assert "nothing to act on" in page(quiet, "markdown")


def test_resident_traffic(page: Callable[..., str]) -> None:
    """In place of rows: what is left of the package, and until when."""
    package = ResidentPackage(limit=4 << 30, rest=(1 << 30) + (1 << 29), ends=date(2026, 12, 1), active=True)
    rental = replace(RENTAL, type="resident", listing=None, package=package, quantity=None)
    text = page(Survey(when=WHEN, types=("resident",), rentals=(rental,), package=package), "text")
    assert "1.50 of 4.00 GB left" in text
    assert "resident package" not in text
    alone = page(Survey(when=WHEN, types=("resident",), package=package), "text")
    assert "resident package: 1.50 of 4.00 GB left, until 2026-12-01" in alone


def test_commands_lead_to_the_same_ledger(page: Callable[..., str]) -> None:
    """The flags of the call stand behind what settles it."""
    assert "order-runner reconcile --ledger a.db" in page(survey(FactKind.UNKNOWN), "text", " --ledger a.db")


def test_a_summary_keeps_to_its_room() -> None:
    """Of a thousand orders as many are shown as fit, and the rest is counted."""
    many = Survey(when=WHEN, types=("ipv4",), rentals=(replace(RENTAL, facts=(FactKind.ENDS,)),) * 1000)
    text = view.summary(view.as_json(many), 10_000)
    assert len(text.encode()) <= 10_000
    assert "more: see the JSON" in text
    assert view.job_outputs(view.as_json(many)) == {"orders": "1000", "ending": "1000", "unowned": "0", "facts": "1000"}

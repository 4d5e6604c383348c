"""What `status`, `reference` and errors say."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from runner.core.errors import Busy, RunnerError
from runner.core.orders import OrderKey
from runner.core.records import OpenClaim
from runner.core.states import State
from runner.core.vendor import Choice
from runner.settle.status import Overview, StatusRow, overview_of
from runner.views import failure, reference, status
from runner.views.terminal.grid import MANY
from runner.views.terminal.safe import json_text
from tests.make import witness
from tests.views.conftest import Make, Plain, Terminal


@pytest.fixture
def rows(make: Make) -> list[StatusRow]:
    request = make.request()
    lost = make.record("lost", State.UNKNOWN, reason="no answer within 180 s")
    return [
        StatusRow(key=request.key, state=State.PLACED, wanted=True, record=make.record(), source=request.source),
        StatusRow(key=OrderKey("crawl", "new"), state=State.PLANNED, wanted=True),
        StatusRow(key=lost.key, state=State.UNKNOWN, wanted=False, record=lost),
    ]


def test_open_orders_come_first(rows: list[StatusRow], plain: Plain) -> None:
    """An order that may have been charged is on top, and what to do about it at the end."""
    status.render(overview_of(rows), fmt="text", console=plain.console)
    assert plain.out == (
        "ORDER            STATE    ORDER ID  TOTAL USD  SINCE                 REASON\n"
        "crawl/lost       unknown  -             12.50  2026-11-23 12:00:00Z  "
        "no answer within 180 s; not in these manifests\n"
        "crawl/fr-prices  placed   1000501       12.50  2026-11-23 12:00:00Z\n"
        "crawl/new        planned  -                 -  -\n"
        "1 unknown, 1 placed, 1 planned\n"
        "1 open order may have cost 12.50 USD; nothing is bought until that is settled:\n"
        "  - `order-runner reconcile` settles it by what the vendor shows, now or later\n"
        "  - or look at the vendor's dashboard, and record with `order-runner resolve` what you found\n"
        "  - do not buy it again by hand before that: it may have been bought already\n"
        "  - `order-runner status` lists every open order of the account, with the commands that settle it\n"
    )


def test_an_open_order_of_unknown_cost(make: Make, plain: Plain) -> None:
    """What nobody knows is not shown as nothing."""
    records = [
        make.record("a", State.UNKNOWN, quote_total=None),
        make.record("b", State.SUBMITTED),
    ]
    rows = [StatusRow(key=record.key, state=record.state, wanted=True, record=record) for record in records]
    status.render(overview_of(rows), fmt="text", console=plain.console)
    assert "2 open orders may have cost 12.50 USD and more;" in plain.out
    status.render(overview_of(rows[:1]), fmt="text", console=plain.console)
    assert "1 open order may have cost an unknown amount;" in plain.out


def test_every_open_order_is_named_with_its_commands(make: Make, plain: Plain) -> None:
    """As many as one run can leave in doubt: each has a row, what it may have cost, and the commands that settle it."""
    records = [make.record(f"lost-{n}", State.UNKNOWN) for n in range(32)]
    rows = [StatusRow(key=record.key, state=record.state, wanted=True, record=record) for record in records]
    claims = [
        OpenClaim(record=record, claimed_at=make.at, balance=Decimal(100), witness=witness()) for record in records
    ]
    status.render(overview_of(rows), fmt="text", console=plain.console, claims=claims)
    assert "32 open orders may have cost 400.00 USD;" in plain.out
    for record in records:
        assert f"order-runner reconcile {record.key}\n" in plain.out
        assert f"order-runner resolve {record.key} --absent --reason WHY\n" in plain.out


def test_an_empty_ledger(plain: Plain) -> None:
    """Nothing to tell is told."""
    status.render(overview_of([]), fmt="text", console=plain.console)
    assert plain.out == "the ledger has no orders\n"


def test_status_json(rows: list[StatusRow], plain: Plain) -> None:
    """`-f json` is one document, open orders first, amounts as decimal strings."""
    status.render(overview_of(rows), fmt="json", console=plain.console)
    document = json.loads(plain.out)
    assert document["summary"]["unknown"] == document["summary"]["placed"] == 1
    assert [order["key"] for order in document["orders"]] == ["crawl/lost", "crawl/fr-prices", "crawl/new"]
    lost, placed, new = document["orders"]
    assert (lost["open"], lost["wanted"], lost["total"], lost["quote_total"]) == (True, False, None, "12.50")
    assert placed["source"] == {"file": "orders.yaml", "line": 5, "column": 3}
    assert (placed["order_id"], placed["total"], placed["updated_at"]) == (
        "1000501",
        "12.50",
        "2026-11-23T12:00:00.000Z",
    )
    assert (new["order_id"], new["attempt"], new["updated_at"]) == (None, 0, None)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_status_on_a_terminal(rows: list[StatusRow], terminal: Callable[[int], Terminal], width: int) -> None:
    """Key, state and order id are whole at every width."""
    tty = terminal(width)
    status.render(overview_of(rows), fmt="text", console=tty.console())
    assert {"crawl/lost", "unknown", "1000501"} <= set(" ".join(tty.lines).split())


def test_what_is_left_out_is_told(rows: list[StatusRow], plain: Plain) -> None:
    """Orders that are counted but not listed are told, with the option that lists them."""
    overview = replace(overview_of(rows), counts={State.UNKNOWN: 1, State.PLACED: 1200}, more=1199)
    status.render(overview, fmt="text", console=plain.console)
    assert "1 unknown, 1,200 placed\nnot shown: 1,199 older orders; `order-runner status --all` lists" in plain.out


def test_many_rows_are_never_kept(make: Make, plain: Plain) -> None:
    """More rows than a table is drawn of come out as few ones do, though they are made anew for each look."""
    row = StatusRow(key=make.record().key, state=State.PLACED, wanted=True, record=make.record())
    count = MANY + 1
    overview = Overview(open=[], rest=lambda: (row for _ in range(count)), counts={State.PLACED: count})
    status.render(overview, fmt="text", console=plain.console)
    header, first, *_, last, counts = plain.out.splitlines()
    assert len(plain.out.splitlines()) == count + 2
    assert (first, counts) == (last, f"{count:,} placed")
    assert first.index("placed") == header.index("STATE")


@pytest.mark.parametrize("count", [0, 1, 2])
def test_json_is_written_order_by_order_as_it_would_be_at_once(make: Make, plain: Plain, count: int) -> None:
    """The bytes are those of the whole document, with no order, one, or several."""
    row = StatusRow(key=make.record().key, state=State.PLACED, wanted=True, record=make.record())
    status.render(overview_of([row] * count), fmt="json", console=plain.console)
    assert plain.out == json_text(json.loads(plain.out), indent=2) + "\n"


CHOICES = [
    Choice(type="ipv4", field="countryId", value=561, name="France", alpha3="FRA"),
    Choice(type="ipv4", field="countryId", value=1279, name="United States", alpha3="USA"),
    Choice(type="ipv4", field="periodId", value="1m", name="1 month"),
    Choice(type="mix", field="countryId", value=7, name="Europe", detail="100 addresses of 12 countries"),
]


def test_reference_by_type_and_field(plain: Plain) -> None:
    """Choices stand under their type and field, each with the id and the word to write."""
    reference.render(CHOICES, fmt="text", console=plain.console)
    assert plain.out == (
        "ipv4: countryId\n"
        "COUNTRYID  COUNTRY        ALPHA-3\n"
        "561        France         FRA\n"
        "1279       United States  USA\n"
        "\n"
        "ipv4: periodId\n"
        "PERIODID  PERIOD\n"
        "1m        1 month\n"
        "\n"
        "mix: countryId\n"
        "COUNTRYID  PACKAGE  DETAIL\n"
        "7          Europe   100 addresses of 12 countries\n"
    )


def test_reference_json(plain: Plain) -> None:
    """`-f json` keeps values as the manifest wants them: numbers as numbers, text as text."""
    reference.render(CHOICES, fmt="json", console=plain.console)
    choices = json.loads(plain.out)["choices"]
    assert choices[0] == {
        "type": "ipv4",
        "field": "countryId",
        "value": 561,
        "name": "France",
        "alpha3": "FRA",
        "detail": None,
        "word": "country",
        "within": {},
    }
    assert [choice["word"] for choice in choices] == ["country", "country", "period", "package"]
    assert choices[2]["value"] == "1m"


def test_an_empty_reference(plain: Plain) -> None:
    """Nothing to choose is said."""
    reference.render([], fmt="text", console=plain.console)
    assert plain.out == "the vendor lists nothing\n"


@pytest.mark.parametrize("width", [40, 80, 200])
def test_reference_on_a_terminal(terminal: Callable[[int], Terminal], width: int) -> None:
    """Ids and names are whole at every width."""
    tty = terminal(width)
    reference.render(CHOICES, fmt="text", console=tty.console())
    assert {"561", "France", "FRA", "1m"} <= set(" ".join(tty.lines).split())


def test_wide_names_are_aligned(plain: Plain) -> None:
    """Letters two cells wide are counted as two."""
    wide = [
        Choice(type="isp", field="countryId", value=1, name="中国", detail="x"),
        Choice(type="isp", field="countryId", value=2, name="Peru", detail="y"),
    ]
    reference.render(wide, fmt="text", console=plain.console)
    assert plain.out.splitlines()[2:] == ["1          中国     x", "2          Peru     y"]


def test_an_error_and_its_way_out(plain: Plain) -> None:
    """What stopped a run goes to stderr with the hint below it, and nothing to stdout."""
    failure.render(Busy("another run holds the account\n::error::x", hint="wait for it"), plain.console)
    assert (plain.out, plain.err) == (
        "",
        "error: another run holds the account\\n::error::x\nhint: wait for it\n",
    )


def test_an_error_without_words(plain: Plain) -> None:
    """Even the error nothing is named."""
    failure.render(RunnerError(""), plain.console)
    assert plain.err == "error: RunnerError\n"


def test_a_problem_as_an_error(make: Make, plain: Plain) -> None:
    """A finding is told with its place and as what it is."""
    failure.render(make.problem(severity="warning"), plain.console)
    failure.render(make.problem(path=None, hint=None), plain.console)
    assert plain.err == (
        "warning: orders.yaml:5:3: PSR012 unknown field `quantiti`\n"
        "hint: did you mean `quantity`?\n"
        "error: PSR012 unknown field `quantiti`\n"
    )


def test_an_error_in_colour(terminal: Callable[[int], Terminal]) -> None:
    """On a terminal the word stands out, the message does not."""
    tty = terminal(80)
    failure.render(Busy("taken", hint="wait"), tty.console())
    assert tty.text == "\x1b[1;31merror:\x1b[0m taken\r\n\x1b[36mhint:\x1b[0m wait\r\n"

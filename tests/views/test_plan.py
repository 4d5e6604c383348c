"""What `plan` and dry runs say."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from runner.core.errors import Problem
from runner.plan.plan import Plan, Step
from runner.views import plan as view
from tests.views.conftest import Make, Plain, Terminal


@pytest.fixture
def mixed(make: Make) -> Plan:
    mobile = make.request("phones", "mobile", {"countryId": 20, "periodId": "1m", "quantity": 1, "paymentId": 43})
    refused = make.request("us-prices", line=20)
    problem = refused.problem("PSR403", "the vendor refused to price it: no", hint="compare", field="countryId")
    steps = (
        Step(request=make.request(), status="planned", quote=make.quote(), ceiling=Decimal("13.125")),
        Step(request=mobile, status="planned", quote=make.quote("40", None), ceiling=Decimal(40)),
        Step(
            request=make.request("old"), status="already_placed", reason="bought as order 7", record=make.record("old")
        ),
        Step(request=refused, status="refused", reason=problem.message, problem=problem),
    )
    objection = Problem(code="PSR406", message="the orders cost 52.50, above --max-spend 50.00", hint="raise it")
    return Plan(steps=steps, balance=Decimal(100), objections=(objection,))


MIXED = """\
ORDER            STATUS          WHAT                        UNIT  TOTAL USD  AT MOST  REASON
crawl/fr-prices  planned         ipv4, 10 × country 561, 1m  1.25      12.50   13.125
crawl/phones     planned         mobile, 1 × country 20, 1m     -      40.00    40.00
crawl/old        already_placed  ipv4, 10 × country 561, 1m     -          -        -  bought as order 7
crawl/us-prices  refused         ipv4, 10 × country 561, 1m     -          -        -  the vendor refused to price it: no
orders.yaml:22:3: PSR403 the vendor refused to price it: no
  hint: compare
to buy         52.50 USD for 2 orders
  by card      40.00 USD
balance        100.00 USD
balance after  87.50 USD
policies       order-runner.yaml, ../order-runner.yaml
refused: the orders cost 52.50, above --max-spend 50.00
  hint: raise it
"""


def test_plain_text(mixed: Plan, plain: Plain) -> None:
    """Without a terminal: aligned lines, what is refused with its place, then the money, then what forbids it all."""
    view.render(mixed, fmt="text", console=plain.console, policies=("order-runner.yaml", "../order-runner.yaml"))
    assert plain.out == MIXED


def test_orders_in_words_are_shown_in_words(make: Make, plain: Plain) -> None:
    """Where a manifest says `country: FRA`, so does the plan; the JSON keeps the ids that are sent."""
    fields = {"countryId": 4401, "periodId": "1w", "quantity": 1, "operatorId": "31", "rotationId": 5}
    words = {"country": "FRA", "period": "1 week", "operator": "Operator A", "rotation": "5 minutes"}
    partly = replace(make.request(), words={"country": "France"})
    phone = replace(make.request("m", "mobile", fields | {"mobileServiceType": "shared"}), words=words)
    traffic = replace(make.request("t", "resident", {"tarifId": 6929}), words={"tariff": "1 GB"})
    plan = Plan(steps=tuple(Step(request=request, status="planned") for request in (partly, phone, traffic)))
    view.render(plan, fmt="text", console=plain.console)
    for line in (
        "ipv4, 10 × France, 1m",
        "mobile, 1 × FRA, shared, Operator A, 5 minutes, 1 week",
        "resident, 1 GB",
    ):
        assert line in plain.out
    view.render(plan, fmt="markdown", console=plain.console)
    assert "| `crawl/m` | `mobile` | `FRA, shared, Operator A, 5 minutes` | `1` | `1 week` |" in plain.out
    view.render(plan, fmt="json", console=plain.console)
    assert '"countryId": 4401' in plain.out


def test_an_objection_is_told_once(mixed: Plan, plain: Plain) -> None:
    """What forbids the batch is told at the end only, though it is among the findings, too."""
    view.render(mixed, fmt="text", console=plain.console, loaded_problems=mixed.objections)
    assert plain.out == MIXED.replace("order-runner.yaml, ../order-runner.yaml", "none")


def test_nothing_to_buy(make: Make, plain: Plain) -> None:
    """A plan that buys nothing says so."""
    step = Step(request=make.request(), status="already_placed", reason="bought as order 7")
    view.render(Plan(steps=(step,), balance=Decimal("3.1")), fmt="text", console=plain.console)
    assert plain.out.splitlines()[2:] == [
        "to buy         nothing",
        "balance        3.10 USD",
        "balance after  3.10 USD",
        "policies       none",
    ]


def test_an_empty_plan(plain: Plain) -> None:
    """No orders make no table."""
    view.render(Plan(steps=()), fmt="text", console=plain.console)
    assert plain.out == "to buy         nothing\npolicies       none\n"


def test_a_dry_run_shows_the_exact_bodies(make: Make, plain: Plain) -> None:
    """A dry run shows every body as compact JSON on one line, and what it did not check; warnings come first."""
    request = make.request()
    view.render(
        Plan(steps=(Step(request=request, status="planned"),)),
        fmt="text",
        console=plain.console,
        bodies={request.key: {"countryId": 561, "customTargetName": "prix ##[x] é"}},
        not_checked=("prices", "balance"),
        loaded_problems=(make.problem(severity="warning", hint=None),),
    )
    assert plain.out == (
        "orders.yaml:5:3: PSR012 warning: unknown field `quantiti`\n"
        "ORDER            STATUS   WHAT\n"
        "crawl/fr-prices  planned  ipv4, 10 × country 561, 1m\n"
        "what would be sent (1 request, POST order/make):\n"
        '  crawl/fr-prices {"countryId":561,"customTargetName":"prix #\\u0023[x] \\u00e9"}\n'
        "to buy         1 order, not priced\n"
        "policies       none\n"
        "not checked: prices\n"
        "not checked: balance\n"
    )


def test_json_is_one_document(mixed: Plan, plain: Plain) -> None:
    """`-f json` says the same as the table, amounts as decimal strings."""
    view.render(mixed, fmt="json", console=plain.console)
    document = json.loads(plain.out)
    assert document["mode"] == "plan"
    assert document["money"] == {
        "currency": "USD",
        "total": "52.50",
        "from_balance": "12.50",
        "balance": "100.00",
        "balance_after": "87.50",
    }
    first, _, old, refused = document["orders"]
    assert (first["key"], first["status"], first["ceiling"]) == ("crawl/fr-prices", "planned", "13.125")
    assert first["quote"] == {
        "total": "12.50",
        "unit_price": "1.25",
        "discount": None,
        "currency": "USD",
        "at": "2026-11-23T12:00:00.000Z",
    }
    assert first["source"] == {"file": "orders.yaml", "line": 5, "column": 3}
    assert (old["order_id"], old["quote"], old["request"]) == ("1000501", None, None)
    assert refused["problem"]["range"]["start"] == {"line": 22, "column": 3}
    assert [problem["code"] for problem in document["objections"]] == ["PSR406"]


def test_json_of_a_dry_run(make: Make, plain: Plain) -> None:
    """A dry run's document holds the exact bodies and what was not checked."""
    request = make.request()
    view.render(
        Plan(steps=(Step(request=request, status="planned"),)),
        fmt="json",
        console=plain.console,
        bodies={request.key: {"countryId": 561}},
        not_checked=("prices",),
    )
    document = json.loads(plain.out)
    assert (document["mode"], document["not_checked"]) == ("dry-run", ["prices"])
    assert document["orders"][0]["request"] == {"countryId": 561}
    assert document["money"]["balance"] is None


@pytest.mark.parametrize("width", [20, 40, 80, 88, 100, 200])
def test_a_plan_fits_its_terminal(mixed: Plan, terminal: Callable[[int], Terminal], width: int) -> None:
    """Keys and prices are whole at every width, and no table is wider than the terminal."""
    tty = terminal(width)
    view.render(mixed, fmt="text", console=tty.console())
    table = tty.lines[: tty.lines.index("orders.yaml:22:3: PSR403 the vendor refused to price it: no")]
    words = " ".join(table).split()
    assert {"crawl/fr-prices", "crawl/us-prices", "already_placed", "12.50", "13.125", "40.00"} <= set(words)
    drawn = any("──" in line for line in table)
    assert drawn == (width >= 88)
    assert not drawn or max(map(len, table)) <= width


def test_a_wide_table_is_drawn(mixed: Plan, terminal: Callable[[int], Terminal]) -> None:
    """A wide terminal gets a table with a rule under its header, and colours by status."""
    tty = terminal(200)
    view.render(mixed, fmt="text", console=tty.console())
    assert any(set(line.strip()) == {"─"} for line in tty.lines)
    assert next(line for line in tty.lines if line.startswith("crawl/fr-prices")).split()[-1] == "13.125"
    assert "\x1b[2mcrawl/old" in tty.text
    assert "balance after  87.50 USD" in tty.lines


def test_a_narrow_terminal_gets_one_value_a_line(mixed: Plan, terminal: Callable[[int], Terminal]) -> None:
    """Below the width of a table each order is a short list."""
    tty = terminal(40)
    view.render(mixed, fmt="text", console=tty.console())
    assert tty.lines[:6] == [
        "crawl/fr-prices",
        "  status     planned",
        "  what       ipv4, 10 × country 561, 1m",
        "  unit       1.25",
        "  total USD  12.50",
        "  at most    13.125",
    ]


def test_many_orders_are_not_drawn(make: Make, terminal: Callable[[int], Terminal]) -> None:
    """A batch of thousands gets plain lines on a terminal, too: drawing it would take longer than reading it."""
    tty = terminal(200)
    steps = tuple(Step(request=make.request(f"n{index}"), status="planned") for index in range(1001))
    view.render(Plan(steps=steps), fmt="text", console=tty.console())
    assert tty.lines[1000] == "crawl/n999   planned  ipv4, 10 × country 561, 1m"


@pytest.mark.parametrize(
    ("product", "fields", "text"),
    [
        ("mix", {"countryId": 7, "quantity": 1000, "periodId": "1m"}, "mix, 1000 × package 7, 1m"),
        (
            "mobile",
            {
                "countryId": 20,
                "quantity": 1,
                "periodId": "1m",
                "mobileServiceType": "shared",
                "operatorId": "31",
                "rotationId": "5",
            },
            "mobile, 1 × country 20, shared, operator 31, rotation 5, 1m",
        ),
        (
            "ipv6",
            {"countryId": 7, "quantity": 10, "periodId": "1m", "protocol": "SOCKS5"},
            "ipv6, 10 × country 7, SOCKS5, 1m",
        ),
        ("resident", {"tarifId": 3, "paymentId": 1}, "resident, tariff 3"),
        ("resident", {}, "resident"),
    ],
)
def test_what_is_bought(make: Make, plain: Plain, product: str, fields: dict[str, int | str], text: str) -> None:
    """An order is described in the words of its type."""
    request = make.request(product=product, fields=fields)  # type: ignore[arg-type]
    view.render(Plan(steps=(Step(request=request, status="planned"),)), fmt="text", console=plain.console)
    assert plain.out.splitlines()[1] == f"crawl/fr-prices  planned  {text}"

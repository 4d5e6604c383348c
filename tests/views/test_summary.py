"""What a person reads when a run is over."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from runner.core.errors import ExitCode, Problem
from runner.core.vendor import Placed, VendorError
from runner.report.report import Finding, Report
from runner.views import formats, summary
from tests.views.conftest import Make, Plain, Terminal


@pytest.fixture
def eventful(make: Make) -> Report:
    lost, no = make.request("lost"), make.request("us-prices", line=20)
    unknown = lost.problem("PSR504", "its outcome is unknown: read timeout", hint="look before you buy")
    rejected = no.problem("PSR501", "the vendor refused it", field="countryId")
    vendor = VendorError(message="Country not exists", code="404", field="countryId")
    elsewhere = Problem(code="PSR409", message="other/x may have been bought for 3.00", key="other/x")
    again = Problem(code="PSR409", message="crawl/lost may have been bought", key="crawl/lost")
    return make.report(
        make.entry("placed", quote=make.quote(), result=Placed(order_id="1000501", total=Decimal("12.5"))),
        make.entry("placed", "quoted-only", quote=make.quote("5"), result=Placed(order_id="1000502")),
        make.entry(
            "unknown", request=lost, quote=make.quote("7"), errors=(Finding(problem=unknown, category="unknown"),)
        ),
        make.entry("rejected", request=no, errors=(Finding(problem=rejected, category="rejected", vendor=vendor),)),
        make.entry("refused", "dear", reason="its price is 90.00"),
        make.entry("planned", "later", quote=make.quote("8")),
        make.entry("already_placed", "old"),
        make.entry("skipped", "off"),
        errors=[Finding(problem=problem, category="unknown") for problem in (elsewhere, again)],
        possible_elsewhere=Decimal(3),
        balance_before=Decimal(100),
        balance_after=Decimal("75.5"),
        finished_at=make.at,
        exit_code=ExitCode.OUTCOME_UNKNOWN,
    )


EVENTFUL = """\
spent        17.50 USD confirmed, 10.00 USD possible
balance      100.00 USD before, 75.50 USD after
unexplained  7.00 USD of the change in the balance is not explained by any confirmed purchase
unknown: 2 orders may have been charged; nothing more is bought until that is settled
  crawl/lost  may have cost 7.00 USD  ipv4, 10 × country 561, 1m
    orders.yaml:5:3: PSR504 its outcome is unknown: read timeout
      hint: look before you buy
  other/x may have been bought for 3.00
  what to do:
  - `order-runner reconcile` settles it by what the vendor shows, now or later
  - or look at the vendor's dashboard, and record with `order-runner resolve` what you found
  - do not buy it again by hand before that: it may have been bought already
  - `order-runner status` lists every open order of the account, with the commands that settle it
rejected by the vendor, not bought: 1 order
  crawl/us-prices  ipv4, 10 × country 561, 1m
    orders.yaml:22:3: PSR501 the vendor refused it
      vendor: Country not exists (code 404)
refused before any money moved: 1 order
  crawl/dear  ipv4, 10 × country 561, 1m
    orders.yaml:5: its price is 90.00
bought: 2 orders
  crawl/fr-prices  order 1000501  12.50 USD  ipv4, 10 × country 561, 1m
  crawl/quoted-only  order 1000502  5.00 USD (quoted)  ipv4, 10 × country 561, 1m
not bought yet: 1 order
  crawl/later  8.00 USD  ipv4, 10 × country 561, 1m
skipped: 1 order already bought, 1 order skipped
policies: none
exit 7 (outcome_unknown)
report: report.json
"""


def test_money_comes_first(make: Make, eventful: Report, plain: Plain) -> None:
    """Money, then what is unknown with what it may have cost and what to do, rejected, refused, bought, skipped."""
    summary.render(make.document(eventful), plain.console.out, report_path="report.json")
    assert plain.out == EVENTFUL


def test_a_quiet_run_is_short(make: Make, plain: Plain) -> None:
    """A run with nothing to do says what it left alone, and no word of doubt."""
    report = make.report(make.entry("already_placed"), balance_before=Decimal(5), exit_code=ExitCode.OK)
    summary.render(make.document(report), plain.console.out, report_path=None)
    assert plain.out == (
        "spent        0.00 USD confirmed, 0.00 USD possible\n"
        "balance      5.00 USD before\n"
        "skipped: 1 order already bought\n"
        "policies: none\n"
        "exit 0 (ok)\n"
    )


def test_a_warning_about_a_bought_order_is_told(make: Make, plain: Plain) -> None:
    """Bought orders are only counted, but what is said of one stands below the count."""
    finding = Finding(problem=make.problem(), category="warning")
    report = make.report(make.entry("already_placed", errors=(finding,)), exit_code=ExitCode.OK)
    summary.render(make.document(report), plain.console.out, report_path=None)
    lines = plain.out.splitlines()
    place = lines.index("skipped: 1 order already bought")
    assert "warning" in lines[place + 1]
    assert finding.problem.message in lines[place + 1]


def test_a_dry_run_says_that_nothing_is_bought(make: Make, plain: Plain) -> None:
    """A dry run tells what would be spent and what it did not check."""
    report = make.report(make.entry("planned", quote=make.quote()), mode="dry-run", not_checked=("the purchase",))
    summary.render(make.document(report), plain.console.out, report_path=None)
    assert plain.out.splitlines()[:2] == [
        "spent        0.00 USD (dry-run: nothing is bought)",
        "to spend     12.50 USD",
    ]
    assert plain.out.endswith("not checked: the purchase\n")


def test_an_open_order_of_an_earlier_run(make: Make, plain: Plain) -> None:
    """An order left open earlier is named with what it may have cost, known or not."""
    report = make.report(
        make.entry("unknown", "a", possible=Decimal("7.1"), reason="left behind"),
        make.entry("unknown", "b"),
    )
    summary.render(make.document(report), plain.console.out, report_path=None)
    assert "  crawl/a  may have cost 7.10 USD  " in plain.out
    assert "    orders.yaml:5: left behind\n" in plain.out
    assert "  crawl/b  may have cost an unknown amount  " in plain.out


def test_findings_of_the_run_itself(make: Make, plain: Plain) -> None:
    """What belongs to no order is told, too."""
    problem = Problem(code="PSR603", message="another run holds the account", hint="wait for it")
    report = make.report(errors=[Finding(problem=problem, category="busy")])
    summary.render(make.document(report), plain.console.out, report_path=None)
    assert plain.out.endswith("PSR603 another run holds the account\n  hint: wait for it\n")


def test_a_long_list_is_cut_but_never_the_unknown(make: Make, plain: Plain) -> None:
    """Of thousands bought the first are named; of the unknown all are."""
    bought = [make.entry("placed", f"b{n}", result=Placed(order_id=str(n))) for n in range(1250)]
    unknown = [make.entry("unknown", f"u{n}") for n in range(120)]
    summary.render(make.document(make.report(*bought, *unknown)), plain.console.out, report_path="report.json")
    assert plain.out.count("  crawl/b") == 50
    assert "  and 1,200 more, all in report.json\n" in plain.out
    assert plain.out.count("  crawl/u") == 120


def test_json_is_the_report(make: Make, eventful: Report) -> None:
    """`json` is the report, to the byte."""
    assert formats.render("json", make.document(eventful)) == eventful.render()


@pytest.mark.parametrize("width", [40, 80, 200])
def test_on_a_terminal(make: Make, eventful: Report, terminal: Callable[[int], Terminal], width: int) -> None:
    """On a terminal the same lines, what may have been charged in red."""
    tty = terminal(width)
    summary.render(make.document(eventful), tty.console().out, report_path="report.json")
    assert "\n".join(tty.lines) == EVENTFUL
    assert "confirmed, \x1b[1;31m10.00 USD possible\x1b[0m" in tty.text

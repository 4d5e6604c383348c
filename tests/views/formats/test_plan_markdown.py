"""A plan as a comment on a pull request: what a reviewer sees, and what foreign text cannot do there."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from runner.core.errors import Problem
from runner.core.orders import OrderKey
from runner.core.vendor import VendorError
from runner.plan.approval.document import Frame
from runner.plan.approval.terms import Terms, lines_of
from runner.plan.inputs import Inputs
from runner.plan.plan import Plan, Step
from runner.views import plan as view
from runner.views.formats.plan_markdown import MAX_BYTES, code
from runner.views.terminal.safe import one_line
from tests.views.conftest import AT, Make, Plain

HOSTILE = (
    "@octocat #1 please",
    "a|b||c",
    "|",
    "a\\|b\\",
    "`code` ``x`` ```",
    "`",
    "<script>alert(1)</script><img src=x onerror=y>",
    "<!-- hidden",
    "&lt;b&gt; &#64;here",
    "[x](http://evil) ![y](http://evil/p.png) www.evil.com",
    "**bold** _x_ ~~y~~ <http://evil>",
    "# head\n- item\n> quote\n\n---",
    "/close\n/approve",
    "  padded  ",
    "GH-1 owner/repo#2 1234567890123456789012345678901234567890",
    "\u202eUSD 5",
    "x" * 5000,
)


def frame(plan: Plan, command: str | None = "order-runner apply orders.yaml", account: str = "default") -> Frame:
    lines = lines_of(plan)
    terms = lines is not None and Terms(account=account, base_url=None, api_version="v1", limits={}, lines=lines)
    inputs = Inputs(manifests=(), ledger=None, base_url=None)
    return Frame(made_at=AT, account=account, inputs=inputs, terms=terms or None, command=command)


@pytest.fixture
def mixed(make: Make) -> Plan:
    mobile = make.request("phones", "mobile", {"countryId": 20, "periodId": "1m", "quantity": 1, "paymentId": 43})
    refused = make.request("us-prices", line=20)
    problem = refused.problem("PSR403", "the vendor refused to price it: no", hint="compare", field="countryId")
    steps = (
        Step(request=make.request(), status="planned", quote=make.quote(), ceiling=Decimal("13.125")),
        Step(request=mobile, status="planned", quote=make.quote("40", None), ceiling=Decimal(40)),
        Step(request=make.request("old"), status="already_placed", reason="bought as order 7"),
        Step(request=refused, status="refused", reason=problem.message, problem=problem),
    )
    objection = Problem(code="PSR406", message="the orders cost 52.50, above --max-spend 50.00", hint="raise it")
    return Plan(steps=steps, balance=Decimal(100), objections=(objection,))


MIXED = """\
**52.50 USD for 2 orders**, at most 53.125 USD

- by card: 40.00 USD
- balance: 100.00 USD, after it 87.50 USD
- account: `default`
- policies: none

- **refused** `PSR406` `the orders cost 52.50, above --max-spend 50.00` (`raise it`)
- **warning** `orders.yaml:5:3` `PSR211` `no purpose` (`name one`)

| order | type | what | quantity | period | unit | total USD | at most USD |
| --- | --- | --- | --- | --- | --- | --- | --- |
| `crawl/fr-prices` | `ipv4` | `country 561` | `10` | `1m` | 1.25 | 12.50 | 13.125 |
| `crawl/phones` | `mobile` | `country 20` | `1` | `1m` |  | 40.00 | 40.00 |

| order | status | why |
| --- | --- | --- |
| `crawl/old` | already placed | `bought as order 7` |
| `crawl/us-prices` | refused | `orders.yaml:22:3` `the vendor refused to price it: no` |

- not checked: `prices`

Digest: `DIGEST`

Approve and buy exactly this:

```sh
order-runner apply orders.yaml --approve DIGEST
```
"""


def test_money_first_then_orders_then_how_to_approve(mixed: Plan, make: Make, plain: Plain) -> None:
    """The whole comment, in the order a reviewer reads it."""
    warning = make.problem("no purpose", hint="name one", code="PSR211", severity="warning")
    kept = frame(mixed)
    view.render(
        mixed,
        fmt="markdown",
        console=plain.console,
        not_checked=("prices",),
        loaded_problems=(warning, *mixed.objections),
        frame=kept,
    )
    assert kept.digest is not None
    assert plain.out.replace(kept.digest, "DIGEST") == MIXED


def test_nothing_to_buy_has_no_digest(make: Make, plain: Plain) -> None:
    """Where nothing would be bought there is nothing to approve, and the comment says so."""
    plan = Plan(steps=(Step(request=make.request(), status="already_placed", reason="bought as order 7"),))
    view.render(plan, fmt="markdown", console=plain.console, frame=frame(plan))
    assert plain.out.startswith("**Nothing to buy**\n")
    assert "Digest" not in plain.out


def test_a_plan_without_prices_has_no_digest(make: Make, plain: Plain) -> None:
    """Where the vendor did not answer, the comment says that nothing is priced, and why."""
    plan = Plan(steps=(Step(request=make.request(), status="planned"),))
    problem = Problem(code="PSR506", message="the vendor does not answer")
    view.render(plan, fmt="markdown", console=plain.console, loaded_problems=(problem,), frame=frame(plan))
    assert plain.out.startswith("**1 order to buy, not priced**\n")
    assert "`PSR506` `the vendor does not answer`" in plain.out
    assert "Digest" not in plain.out


def rendered(text: str) -> str:
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text)


OURS = re.compile(r"</?(?:p|ul|li|strong|code|table|thead|tbody|tr|th|td|pre)>|<code class=\"language-sh\">|\n")


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_foreign_text_is_only_text(make: Make, plain: Plain, text: str) -> None:
    """A real parser finds our structure and nothing else; foreign words stand in code, where nothing is a mention."""
    request = replace(make.request(fields={"countryId": text, "periodId": text, "quantity": 1}, path=text))
    bought = Step(request=request, status="planned", quote=make.quote(), ceiling=Decimal(13))
    problem = make.problem(message=text, hint=text, path=text)
    left = Step(request=replace(request, key=OrderKey(text, text)), status="refused", reason=text, problem=problem)
    plan = Plan(steps=(bought, replace(left, vendor=VendorError(message=text))), objections=(problem,))
    kept = frame(plan, command=f"order-runner apply '{text}'", account=text)
    view.render(
        plan, fmt="markdown", console=plain.console, not_checked=(text,), loaded_problems=(problem,), frame=kept
    )
    page = rendered(plain.out)
    assert OURS.sub("", page).count("<") == 0
    rows = re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)
    assert [len(re.findall(r"<t[hd]>", row)) for row in rows] == [8, 8, 3, 3]
    outside = re.sub(r"<code[^>]*>.*?</code>", "", page, flags=re.DOTALL)

    assert not [word for word in ("evil", "octocat", "close", "hidden", "alert") if word in outside]
    assert "@" not in outside
    assert "#" not in outside


@given(st.text(alphabet=st.sampled_from("`|\\ a*<&@#[]()\n"), max_size=30))
@settings(max_examples=300, deadline=None)
def test_a_cell_shows_exactly_its_text(text: str) -> None:
    """Whatever a text is made of, a table's cell shows it whole, made visible, and is one cell."""
    page = rendered(f"| a | b |\n| --- | --- |\n| {code(text)} | end |\n")
    cells = re.findall(r"<td>(.*?)</td>", page, re.DOTALL)
    assert len(cells) == 2
    shown = html.unescape(re.sub(r"</?code>", "", cells[0]))
    assert shown.strip() == one_line(text).strip()


def test_a_large_plan_still_fits_a_comment(make: Make, plain: Plain) -> None:
    """Ten thousand orders, long names: below the limit, the total and the digest whole, and how many are not shown."""
    steps = tuple(
        Step(request=make.request(f"o{number}-{'x' * 40}"), status="planned", quote=make.quote(), ceiling=Decimal(13))
        for number in range(10_000)
    )
    left = tuple(Step(request=make.request(f"l{n}"), status="skipped", reason="é" * 150) for n in range(1_000))
    problems = tuple(make.problem(message=f"{n} " + "y" * 900) for n in range(500))
    plan = Plan(steps=steps + left, balance=Decimal(10))
    kept = frame(plan)
    view.render(plan, fmt="markdown", console=plain.console, loaded_problems=problems, frame=kept)
    assert len(plain.out.encode()) <= MAX_BYTES
    assert plain.out.startswith("**125000.00 USD for 10,000 orders**, at most 130000.00 USD\n")
    assert f"--approve {kept.digest}" in plain.out
    counted = [int(found.replace(",", "")) for found in re.findall(r"… and ([0-9,]+) more", plain.out)]
    assert counted[0] == 480
    assert counted[1] == 10_000 - plain.out.count("| `crawl/o")
    assert counted[2] == 1_000 - plain.out.count("| `crawl/l")

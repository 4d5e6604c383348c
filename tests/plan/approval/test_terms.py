"""What a digest covers, and what is named when something moved."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.errors import Problem
from runner.core.orders import OrderRequest, Source
from runner.core.records import Allowed
from runner.manifest.requests import Batch, Budget
from runner.plan.approval.differences import Now, differences
from runner.plan.approval.terms import (
    Approval,
    ApprovedOrder,
    PlanDocument,
    Terms,
    amount_text,
    bound,
    limits_of,
    lines_of,
)
from runner.plan.plan import Plan, Step
from tests import make

ROOT = Path(__file__).resolve().parents[3]
MADE = make.AT
URL = "https://proxy-seller.com/personal/api/v1/***"
GOLDEN = "sha256:d610315c9beba29c873b3088c4598c68022bcfa3cba5be879052f2fde8b8789e"
OTHER = "sha256:" + "0" * 64


def request(name: str = "a", **changes: Any) -> OrderRequest:
    return make.order(name, batch="crawl", **changes)


def to_buy(wanted: OrderRequest, price: str = "12.50", ceiling: str | None = None) -> Step:
    return make.step(wanted, price, ceiling=Decimal(ceiling or price))


def bought(wanted: OrderRequest) -> Step:
    return make.step(wanted, status="already_placed", reason="bought as order 77", record=make.record(wanted))


def terms(*steps: Step, batches: Mapping[str, Batch] | None = None, **changes: Any) -> Terms:
    plan = Plan(steps=steps)
    lines = lines_of(plan)
    assert lines is not None
    known = Terms(
        account="default", base_url=URL, api_version="v1", limits=limits_of(plan, batches or BATCHES), lines=lines
    )
    return replace(known, **changes)


BATCHES = {"crawl": Batch(name="crawl", path="m.yaml")}
LIMITED = {
    "crawl": Batch(
        name="crawl",
        path="m.yaml",
        budget=Budget(max_total=Decimal(100), price_tolerance=Decimal("0.025")),
        buy_by=MADE.date(),
    )
}


def example() -> Terms:
    """Two orders, one of the second generation, text that is not ASCII, a budget."""
    first = to_buy(request("a", fields={"customTargetName": "prix é"}), "12.5", "12.81")
    second = to_buy(request("b", generation=2, type="resident", fields={"tarifId": 6929}), "3.50")
    return terms(second, first, batches=LIMITED)


def test_the_digest_is_the_documented_one() -> None:
    """The digest of an example, and the exact text it is taken of: what another program has to build."""
    content = (
        '{"account":"default",'
        '"api":{"base_url":"https://proxy-seller.com/personal/api/v1/***","version":"v1"},'
        '"format":"order-runner/approval/1",'
        '"limits":{"crawl":{"buy_by":"2026-11-23","max_order":null,"max_total":"100.00","price_tolerance":"0.025"}},'
        '"orders":['
        '{"ceiling":"12.81","fields":{"countryId":561,"customTargetName":"prix \\u00e9","paymentId":1,"periodId":"1m",'
        '"quantity":10},"key":"crawl/a","type":"ipv4"},'
        '{"ceiling":"3.50","fields":{"countryId":561,"paymentId":1,"periodId":"1m","quantity":10,"tarifId":6929},'
        '"key":"crawl/b#2","type":"resident"}]}'
    )
    assert example().digest == "sha256:" + hashlib.sha256(content.encode("ascii")).hexdigest()
    assert example().digest == GOLDEN
    assert example().most == Decimal("16.31")


PLACES = [
    {"LC_ALL": "C", "TZ": "UTC", "PYTHONHASHSEED": "0"},
    {"LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "1"},
    {"LC_ALL": "de_DE.UTF-8", "TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "4294967295", "PYTHONUTF8": "0"},
    {"LC_ALL": "POSIX", "TZ": "America/St_Johns", "PYTHONHASHSEED": "random", "PYTHONIOENCODING": "latin-1"},
]


@pytest.mark.parametrize("environment", PLACES)
def test_the_digest_is_the_same_everywhere(environment: dict[str, str]) -> None:
    """Another locale, time zone, hash seed or encoding, in a process of its own, changes nothing."""
    script = (
        "import decimal; decimal.getcontext().prec = 3\n"
        "from tests.plan.approval.test_terms import example\nprint(example().digest)"
    )
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "VIRTUAL_ENV", "HOME")}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**kept, **environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.strip() == GOLDEN, done.stderr


def test_what_does_not_count_does_not_count() -> None:
    """Labels, limits of an order, places, prices, the order of orders and of fields, and what is bought already."""
    first, second = to_buy(request("a"), "10", "12"), to_buy(request("b"))
    plain = terms(first, second).digest
    elsewhere = Source(path="other.yaml", span=make.span(99))
    changed = request("a", labels={"team": "x"}, max_total=Decimal(50), source=elsewhere)
    assert terms(second, to_buy(changed, "11.99", "12.00"), bought(request("c"))).digest == plain
    shuffled = replace(first.request, fields=dict(reversed(first.request.fields.items())))
    assert terms(replace(first, request=shuffled), second).digest == plain


COUNTS = [
    lambda: terms(to_buy(request("b"))),
    lambda: terms(to_buy(request("a", generation=2))),
    lambda: terms(to_buy(request("a", fields={"quantity": 11}))),
    lambda: terms(to_buy(request("a", fields={"countryId": "561"}))),
    lambda: terms(to_buy(request("a", type="isp"))),
    lambda: terms(to_buy(request("a"), "12.50", "12.51")),
    lambda: terms(to_buy(request("a")), to_buy(request("b"))),
    lambda: terms(to_buy(request("a")), batches=LIMITED),
    lambda: terms(to_buy(request("a")), account="other"),
    lambda: terms(to_buy(request("a")), base_url="http://127.0.0.1:1/***"),
    lambda: terms(to_buy(request("a")), api_version="v2"),
    terms,
]


def test_what_counts_counts() -> None:
    """Key, generation, content, the kind of a value, type, ceiling, number of orders, limits, account and API."""
    digests = {terms(to_buy(request("a"))).digest, *(made().digest for made in COUNTS)}
    assert len(digests) == len(COUNTS) + 1


@given(st.decimals(min_value=0, max_value=10**12, places=6, allow_nan=False), st.integers(0, 8))
def test_an_amount_has_one_text(amount: Decimal, zeros: int) -> None:
    """However many zeros the vendor adds, the text is the same, loses nothing, and has at least two decimals."""
    padded = Decimal(f"{amount:f}{'.' if amount.as_tuple().exponent == 0 else ''}{'0' * zeros}")
    text = amount_text(amount)
    assert amount_text(padded) == text
    assert Decimal(text) == amount
    assert len(text.partition(".")[2]) >= 2
    assert text.partition(".")[2][2:3] == "" or text[-1] != "0"


@pytest.mark.parametrize(
    ("given_", "text"), [("1E+2", "100.00"), ("1.8", "1.80"), ("0", "0.00"), ("13.1250", "13.125")]
)
def test_amounts_as_they_come(given_: str, text: str) -> None:
    """Exponents, one decimal, none, and a fraction of a cent."""
    assert amount_text(Decimal(given_)) == text


# -- against an approval


def document(*steps: Step, batches: Mapping[str, Batch] | None = None, **changes: Any) -> PlanDocument:
    approved = terms(*steps, batches=batches)
    known = PlanDocument(
        terms=approved,
        digest=approved.digest,
        made_at=MADE,
        standing={str(step.request.key): (step.status, step.reason) for step in steps},
        prices={str(step.request.key): step.quote.total for step in steps if step.quote and step.to_buy},
        manifests={"m.yaml": "1" * 64},
    )
    return replace(known, **changes)


def now(*steps: Step, batches: Mapping[str, Batch] | None = None, **changes: Any) -> Now:
    known = Now(terms=terms(*steps, batches=batches), plan=Plan(steps=steps), at=MADE, manifests={"m.yaml": "2" * 64})
    return replace(known, **changes)


def problems_between(
    kept: PlanDocument, here: Now, batches: Mapping[str, Batch] | None = None, **changes: Any
) -> tuple[Problem, ...]:
    return differences(replace(Approval(digest=kept.digest, document=kept), **changes), here, batches or BATCHES)


A, B = request("a"), request("b")
TWELVE = request("a", fields={"quantity": 12, "coupon": "X"})

DIFFERENCES: list[tuple[PlanDocument, Now, list[str]]] = [
    (document(to_buy(A)), now(to_buy(A)), []),
    (document(to_buy(A)), now(to_buy(A, "9.99")), []),
    (document(to_buy(A, "12.50", "13")), now(to_buy(A, "13")), []),
    (document(to_buy(A), bought(B)), now(to_buy(A), bought(B)), []),
    (
        document(to_buy(A)),
        now(to_buy(A, "12.51")),
        ["price: crawl/a costs 12.51 now, was 12.50, above its approved ceiling 12.50"],
    ),
    (document(to_buy(A)), now(to_buy(A), to_buy(B)), ["manifest: crawl/b was added"]),
    (document(to_buy(A), to_buy(B)), now(to_buy(A)), ["manifest: crawl/b was removed"]),
    (
        document(to_buy(A)),
        now(to_buy(TWELVE)),
        ["manifest: crawl/a was changed: quantity 10 → 12, coupon added (X)"],
    ),
    (
        document(to_buy(A)),
        now(to_buy(request("a", type="isp"))),
        ["manifest: crawl/a was changed: type ipv4 → isp"],
    ),
    (
        document(to_buy(A), lockfile="1" * 64),
        now(to_buy(TWELVE), lockfile="3" * 64, manifests={"m.yaml": "1" * 64}),
        ["lockfile: crawl/a was changed: quantity 10 → 12, coupon added (X)"],
    ),
    (
        document(to_buy(A)),
        now(Step(request=A, status="skipped", reason="disabled in the manifest")),
        ["manifest: crawl/a is no longer included: disabled in the manifest"],
    ),
    (
        document(Step(request=A, status="skipped", reason="disabled in the manifest")),
        now(to_buy(A)),
        [
            "manifest: crawl/a was not among the orders to buy when this was approved (skipped: disabled in the manifest)"
        ],
    ),
    (
        document(Step(request=A, status="refused", reason="no price")),
        now(to_buy(A)),
        ["price: crawl/a was not among the orders to buy when this was approved (refused: no price)"],
    ),
    (
        document(to_buy(A)),
        now(bought(A)),
        ["ledger: crawl/a has since been bought as order 77, but not under this approval"],
    ),
    (
        document(bought(A), to_buy(B)),
        now(to_buy(A), to_buy(B)),
        ["ledger: crawl/a was bought as order 77 when this was approved, but this ledger does not know it"],
    ),
    (
        document(to_buy(A)),
        now(to_buy(A), terms=terms(to_buy(A), account="other")),
        ["account: the plan is for account default, not other"],
    ),
    (
        document(to_buy(A)),
        now(to_buy(A), terms=terms(to_buy(A), base_url="http://127.0.0.1:1/***", api_version="v2")),
        [
            f"account: the address of the API was {URL} and is now http://127.0.0.1:1/***",
            "account: the version of the API was v1 and is now v2",
        ],
    ),
    (
        document(to_buy(A)),
        now(to_buy(A), batches=LIMITED),
        [
            "manifest: budget.max_total of batch crawl was not set and is now 100.00",
            "manifest: budget.price_tolerance of batch crawl was not set and is now 0.025",
            "manifest: buy_by of batch crawl was not set and is now 2026-11-23",
        ],
    ),
    (
        document(to_buy(A), digest=OTHER),
        now(to_buy(A)),
        ["plan: the document was edited after it was written: its digest does not match its content"],
    ),
    (
        document(to_buy(A)),
        now(to_buy(A), at=MADE + timedelta(hours=24, seconds=1)),
        ["age: the plan was made at 2026-11-23T12:00:00.000Z, more than 24h ago"],
    ),
    (document(to_buy(A)), now(to_buy(A), at=MADE + timedelta(hours=24)), []),
    (document(to_buy(A)), now(to_buy(A), at=MADE - timedelta(minutes=5)), []),
    (
        document(to_buy(A)),
        now(to_buy(A), at=MADE - timedelta(minutes=6)),
        ["age: the plan was made at 2026-11-23T12:00:00.000Z, but it is only 2026-11-23T11:54:00.000Z here"],
    ),
]


@pytest.mark.parametrize(("kept", "here", "expected"), DIFFERENCES, ids=range(len(DIFFERENCES)))
def test_each_difference_is_named(kept: PlanDocument, here: Now, expected: list[str]) -> None:
    """What moved since a plan was written down is named, one sentence each, with its kind; what is cheaper is covered."""
    assert [problem.message for problem in problems_between(kept, here)] == expected


def test_all_differences_are_named_at_once() -> None:
    """One look shows everything that speaks against an approval."""
    kept = document(to_buy(A), to_buy(B))
    here = now(
        to_buy(TWELVE),
        to_buy(request("c")),
        terms=terms(to_buy(TWELVE), account="other"),
        at=MADE + timedelta(days=2),
    )
    kinds = [problem.message.partition(":")[0] for problem in problems_between(kept, here)]
    assert kinds == ["age", "account", "manifest", "manifest", "manifest"]


def test_a_changed_order_points_at_the_changed_field() -> None:
    """The finding stands at the line of the first field that changed, with the order's key."""
    (problem,) = problems_between(document(to_buy(A)), now(to_buy(TWELVE)))
    assert (problem.code, problem.field, problem.key) == ("PSR440", "quantity", "crawl/a")
    assert problem.span == make.span(8)


def test_another_digest_than_the_document_has_is_refused() -> None:
    """With both, the document has to be the one that was approved."""
    kept = document(to_buy(A))
    (problem,) = problems_between(kept, now(to_buy(A)), digest=OTHER)
    assert problem.message == f"plan: {OTHER} was approved, but the document has {kept.digest}"


@pytest.mark.parametrize("span_", [timedelta(0), timedelta(seconds=90), timedelta(minutes=15), timedelta(days=7)])
def test_the_age_that_is_allowed_is_told_as_it_was_given(span_: timedelta) -> None:
    """The limit in the message is `0s`, `90s`, `15m` or `168h`, whatever suits it."""
    (problem,) = problems_between(document(to_buy(A)), now(to_buy(A), at=MADE + timedelta(days=8)), max_age=span_)
    shown = {0: "0s", 90: "90s", 900: "15m", 604800: "168h"}[int(span_.total_seconds())]
    assert problem.message.endswith(f"more than {shown} ago")


def test_what_was_bought_under_an_approval_stays_covered() -> None:
    """After a partial run the same digest covers the rest: bought orders count with the ceiling of their claim."""
    approval = Approval(digest=terms(to_buy(A, "12.50", "13"), to_buy(B), batches=LIMITED).digest)
    under = {A.key: Allowed(ceiling=Decimal("13.0"), approval=approval.digest)}
    half = now(bought(A), to_buy(B), batches=LIMITED, allowances=under)
    assert differences(approval, half, LIMITED) == ()
    every = {**under, B.key: Allowed(ceiling=Decimal("12.5"), approval=approval.digest)}
    assert differences(approval, now(bought(A), bought(B), batches=LIMITED, allowances=every), LIMITED) == ()
    kept = document(to_buy(A, "12.50", "13"), to_buy(B), batches=LIMITED)
    assert problems_between(kept, half, LIMITED) == ()


@pytest.mark.parametrize(
    "claim", [None, Allowed(ceiling=Decimal("12.50")), Allowed(ceiling=Decimal("12.50"), approval=OTHER)]
)
def test_what_was_bought_otherwise_is_not_covered(claim: Allowed | None) -> None:
    """An order that somebody bought without this approval makes it another purchase than the one approved."""
    approval = Approval(digest=terms(to_buy(A), to_buy(B)).digest)
    here = now(bought(A), to_buy(B), allowances={A.key: claim} if claim else {})
    (problem,) = differences(approval, here, BATCHES)
    assert problem.code == "PSR440"


def test_a_digest_alone_says_what_it_can() -> None:
    """Without a document the new digest, the number of orders and the most they cost are told, and the way out."""
    here = now(to_buy(A), to_buy(B, "1", "2"))
    (problem,) = differences(Approval(digest=OTHER), here, BATCHES)
    assert problem.message == (
        f"this is not what was approved: the digest of 2 orders for at most 14.50 on account default is {here.terms.digest}"
    )
    assert problem.hint is not None
    assert "plan --out FILE" in problem.hint


def test_a_price_that_fell_needs_the_document() -> None:
    """A lower ceiling is another digest, and within what a document approves."""
    kept = document(to_buy(A))
    assert problems_between(kept, now(to_buy(A, "12.00"))) == ()
    assert len(differences(Approval(digest=kept.digest), now(to_buy(A, "12.00")), BATCHES)) == 1


def test_the_approved_ceiling_is_the_ceiling_of_the_purchase() -> None:
    """It holds where the price fell; an order's own limit, where that is lower by now, holds more."""
    approval = Approval(digest=OTHER, document=document(to_buy(A, "12.50", "13")))
    (step,) = bound(Plan(steps=(to_buy(A, "11"),)), approval).steps
    assert step.ceiling == Decimal(13)
    tightened = replace(A, max_total=Decimal("11.50"))
    (step,) = bound(Plan(steps=(to_buy(tightened, "11"),)), approval).steps
    assert step.ceiling == Decimal("11.50")
    assert bound(Plan(steps=(to_buy(A, "11"),)), Approval(digest=OTHER)).steps[0].ceiling == Decimal(11)


def test_no_digest_without_every_price() -> None:
    """A plan with an order that has no price covers nothing that could be approved."""
    assert lines_of(Plan(steps=(to_buy(A), Step(request=B, status="planned")))) is None
    assert lines_of(Plan(steps=())) == {}


def test_the_order_of_lines_in_memory_does_not_count() -> None:
    """Whatever order the lines were put together in, the digest is one."""
    lines = [(f"crawl/{n}", ApprovedOrder(type="ipv4", fields={"quantity": n}, ceiling=Decimal(n))) for n in range(20)]
    digests = set()
    for seed in range(5):
        random.Random(seed).shuffle(lines)
        digests.add(replace(example(), lines=dict(lines)).digest)
    assert len(digests) == 1
    assert json.dumps(sorted(dict(lines))) == json.dumps(sorted(f"crawl/{n}" for n in range(20)))

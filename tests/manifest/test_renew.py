"""`renew` in a manifest: what it says of an order, and a finding with a way out for whatever is wrong with it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from runner import manifest
from runner.core.orders import OrderRequest
from runner.core.renewals import RenewalRule
from runner.core.vendor import Choice
from runner.manifest.lock import NAME, Lockfile
from runner.manifest.lock.changes import lock
from runner.manifest.lock.lookup import resolve_all
from tests.manifest.test_lock import AT, lockfile

FRENCH = "name: a, type: ipv4, countryId: 561, periodId: 1m, quantity: 1, customTargetName: x"
WHOLE = 'until: "2027-06-30", periodId: 1m'


def load(tmp_path: Path, *orders: str, head: str = "") -> manifest.Loaded:
    entries = "".join(f"  - {{{order}}}\n" for order in orders)
    (tmp_path / "m.yaml").write_text(f"apiVersion: orders/v1\nbatch: b\n{head}orders:\n{entries}", encoding="utf-8")
    return manifest.load([str(tmp_path / "m.yaml")])


def only(loaded: manifest.Loaded) -> OrderRequest:
    assert loaded.problems == ()
    (order,) = loaded.orders
    return order


def test_a_rule_is_read_with_its_days_and_money(tmp_path: Path) -> None:
    """Dates are days, amounts exact, and a window that is not written is of three days."""
    order = only(load(tmp_path, f'{FRENCH}, renew: {{{WHOLE}, within: 14d, max_total: "20.10"}}'))
    assert order.renew == RenewalRule(
        until=date(2027, 6, 30), period_id="1m", within=14, max_total=Decimal("20.10"), period=None
    )
    order = only(load(tmp_path, f"{FRENCH}, renew: {{{WHOLE}}}"))
    assert order.renew is not None
    assert (order.renew.within, order.renew.max_total) == (3, None)


def test_a_renewal_is_no_part_of_what_is_bought(tmp_path: Path) -> None:
    """With it, without it and with another one, an order has the same fingerprint and the same fields."""
    plain = only(load(tmp_path, FRENCH))
    for window in ("3d", "4d"):
        renewed = only(load(tmp_path, f"{FRENCH}, renew: {{{WHOLE}, within: {window}}}"))
        assert (renewed.fingerprint, renewed.fields) == (plain.fingerprint, plain.fields)


def test_orders_inherit_it_and_replace_it_as_a_whole(tmp_path: Path) -> None:
    """A default renews every order that has none of its own, but resident ones, which it passes by."""
    loaded = load(
        tmp_path,
        FRENCH,
        FRENCH.replace("name: a", "name: b") + ', copies: meant, renew: {until: "2028-01-01", periodId: 2m}',
        "name: r, type: resident, tarifId: 1",
        head=f'defaults: {{renew: {{{WHOLE}, max_total: "5.00"}}, copies: meant}}\n',
    )
    first, second, resident = loaded.orders
    assert loaded.problems == ()
    assert first.renew == RenewalRule(until=date(2027, 6, 30), period_id="1m", within=3, max_total=Decimal(5))
    assert second.renew == RenewalRule(until=date(2028, 1, 1), period_id="2m", within=3)
    assert resident.renew is None


WRONG = [
    ("periodId: 1m", "PSR204", "`until` is missing: it says up to which day", 'a quoted date, such as "2027-06-30"'),
    ('until: "2027-06-30"', "PSR204", "`renew.periodId` is missing: it says for how long", "in words as `period`"),
    (f"{WHOLE}, period: 1 month", "PSR213", "`period` and `periodId` mean the same thing", "keep one"),
    ("until: 2027-06-30, periodId: 1m", "PSR023", "is a date in YAML", 'quote it: "2027-06-30"'),
    ('until: "2027-02-30", periodId: 1m', "PSR208", "no day of the calendar: `2027-02-30`", "write a quoted date"),
    ('until: "30.6.2027", periodId: 1m', "PSR208", "`renew.until` is not in the right form", "write a quoted date"),
    ('until: "2027-06-30", periodId: soon', "PSR208", "`renew.periodId`", "such as `1m` or `2w`"),
    (f"{WHOLE}, within: 0d", "PSR208", "`renew.within` is not in the right form: `0d`", "from `1d` to `90d`"),
    (f"{WHOLE}, within: 400d", "PSR208", "`renew.within` is not in the right form: `400d`", "from `1d` to `90d`"),
    (f"{WHOLE}, within: 3", "PSR205", "`renew.within` must be text, not a number", "such as `3d`"),
    (f'{WHOLE}, within: "3"', "PSR208", "`renew.within` is not in the right form: `3`", "such as `3d`"),
    (
        f"{WHOLE}, within: 30d",
        "PSR207",
        "the window of a renewal, 30d, must be shorter than its period, 1m",
        "a shorter `within`",
    ),
    (
        'until: "2027-06-30", periodId: 3d',
        "PSR207",
        "the window of a renewal, 3d, must be shorter than its period, 3d",
        "such as 1d",
    ),
    (f"{WHOLE}, max_total: 20.00", "PSR022", "floating point", 'quote it: "20.00"'),
    (f'{WHOLE}, max_total: "20,00"', "PSR208", "`renew.max_total` is not in the right form", "an amount in USD"),
    (f"{WHOLE}, untill: x", "PSR203", "unknown field `untill` in `renew`", "remove it"),
    ('until: "${UNTIL}", periodId: 1m', "PSR214", "`renew.until` has a template", "have it filled in before"),
    ('until: "2027-06-30", period: "{{ period }}"', "PSR214", "`renew.period` has a template", "have it filled in"),
]


@pytest.mark.parametrize(("renew", "code", "message", "hint"), WRONG)
@pytest.mark.parametrize("where", ["order", "defaults"])
def test_what_is_wrong_is_one_finding_with_a_way_out(
    tmp_path: Path, renew: str, code: str, message: str, hint: str, where: str
) -> None:
    """In an order and in the defaults, at the line where it stands, and said once however many orders inherit it."""
    value = f"renew: {{{renew}}}"
    if where == "order":
        loaded = load(tmp_path, f"{FRENCH}, {value}")
    else:
        others = FRENCH.replace("name: a", "name: b") + ", copies: meant"
        loaded = load(tmp_path, f"{FRENCH}, copies: meant", others, head=f"defaults: {{{value}}}\n")
    problems = [problem for problem in loaded.problems if problem.severity == "error"]
    (problem,) = problems
    assert problem.code in (code, code.replace("PSR2", "PSR1"))
    assert problem.span is not None
    assert problem.span.line == (4 if where == "order" else 3)
    assert (message if where == "order" else message.replace("`renew", "`defaults.renew")) in problem.message
    assert hint in (problem.hint or "")


def test_a_renew_that_is_no_mapping_is_one_finding(tmp_path: Path) -> None:
    """Nothing is said of fields that it does not have."""
    (problem,) = load(tmp_path, f"{FRENCH}, renew: monthly").problems
    assert (problem.code, problem.message) == ("PSR205", "`renew` must be a mapping of fields, not text")


def test_a_resident_order_says_how_traffic_is_bought(tmp_path: Path) -> None:
    """It is not renewed: the finding names the way."""
    (problem,) = load(tmp_path, f"name: r, type: resident, tarifId: 1, renew: {{{WHOLE}}}").problems
    assert problem.code == "PSR210"
    assert problem.hint is not None
    assert "traffic is bought by a new order, or by this one with a higher `generation`" in problem.hint


WORDED = FRENCH + ', renew: {until: "2027-06-30", period: 2 months}'


def test_a_word_for_the_period_is_locked(tmp_path: Path) -> None:
    """It becomes the id that the lockfile has, and the purchase's own period stays what it is."""
    resolved = resolve_all(load(tmp_path, WORDED), lockfile(("ipv4", "period", "2 months", (), "2m")), "lock", NAME)
    order = only(resolved)
    assert order.renew is not None
    assert (order.renew.period_id, order.renew.period, order.fields["periodId"]) == ("2m", "2 months", "1m")


def test_the_same_word_may_be_the_orders_and_the_renewals(tmp_path: Path) -> None:
    """One entry of the lockfile serves both."""
    both = WORDED.replace("periodId: 1m", "period: 2 months")
    order = only(resolve_all(load(tmp_path, both), lockfile(("ipv4", "period", "2 months", (), "2m")), "lock", NAME))
    assert order.renew is not None
    assert (order.renew.period_id, order.fields["periodId"]) == ("2m", "2m")


def test_a_word_that_is_not_locked_is_a_finding_at_the_renewal(tmp_path: Path) -> None:
    """With the command that locks it."""
    (problem,) = resolve_all(load(tmp_path, WORDED), None, "order-runner lock", NAME).problems
    assert (problem.code, problem.field) == ("PSR304", "renew")
    assert problem.hint is not None
    assert "order-runner lock" in problem.hint


def test_lock_looks_the_word_up_once(tmp_path: Path) -> None:
    """`lock` enters the vendor's id for it; a word that the vendor does not have is a finding at the renewal."""
    choices = (Choice(type="ipv4", field="periodId", value="2m", name="2 months"),)
    orders = load(tmp_path, WORDED, WORDED.replace("name: a", "name: b")).orders
    locking = lock(orders, None, (), lambda _: choices, AT)
    assert [(str(entry.address), entry.id) for entry in locking.additions] == [("period: 2 months", "2m")]
    unknown = lock(orders, Lockfile(path=NAME, sha256="", entries={}), (), lambda _: (), AT)
    assert [(problem.code, problem.field) for problem in unknown.problems.values()] == [("PSR307", "renew")]

"""Policies: every folder in tests/limits/policies is a case; which files hold; what they do not allow."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from runner.core import codes, schemas
from runner.core.errors import Problem, UsageError
from runner.core.orders import OrderRequest
from runner.limits.limits import Limits
from runner.limits.policy import Policies, Policy, breaches, load, object_to_renewals, read_policy, receipts_of
from tests import make

CASES = Path(__file__).resolve().with_name("policies")
INVALID = sorted(path for path in CASES.glob("invalid/*"))
SCHEMA = json.loads(schemas.text("policy"))


def as_case(problem: Problem) -> dict[str, Any]:
    return {
        "code": problem.code,
        "line": problem.span.line if problem.span else None,
        "column": problem.span.column if problem.span else None,
        "message": problem.message,
        "hint": problem.hint,
    }


@pytest.mark.parametrize("folder", INVALID, ids=lambda folder: folder.name)
def test_an_invalid_policy_gives_exactly_its_findings(folder: Path) -> None:
    """Every finding of a case, with place, words and way out, and no policy comes of it."""
    found, problems = read_policy(str(folder / "order-runner.yaml"))
    assert found is None
    assert problems
    assert {problem.path for problem in problems} == {str(folder / "order-runner.yaml")}
    assert [as_case(problem) for problem in problems] == json.loads((folder / "expected.json").read_text("utf-8"))


def test_every_finding_of_policies_has_a_case() -> None:
    """No code of a policy's own fields is without a case."""
    seen = {found["code"] for folder in INVALID for found in json.loads((folder / "expected.json").read_text("utf-8"))}
    wanted = {code for code in codes.IN_RUNS if code.startswith("PSR70")}
    assert wanted == {code for code in seen if code.startswith("PSR7")}


def test_a_policy_is_read_as_it_is_written() -> None:
    """Every field becomes what it says, each with its place."""
    policy, problems = read_policy(str(CASES / "valid/everything/order-runner.yaml"))
    assert problems == ()
    assert policy is not None
    assert [(cap.name, cap.amount, cap.span and cap.span.line) for cap in policy.caps] == [
        ("budgets.day", Decimal("50.00"), 4),
        ("budgets.week", Decimal(200), 5),
        ("budgets.month", Decimal("500.50"), 6),
    ]
    assert (policy.types, policy.countries, policy.periods) == (("ipv4", "isp", "mobile"), (561, 4480), ("1w", "1m"))
    assert (policy.payments, policy.max_quantity) == (("balance",), {"any": 10, "mobile": 1})
    assert (policy.labels, policy.require_labels, policy.exclusive) == ({"env": ("prod", "test")}, ("team",), True)
    assert (policy.share_quotes, policy.rate) == (False, "auto")
    assert policy.place_of("allow.max_quantity.mobile").endswith("order-runner.yaml:12:35)")


def test_a_policy_may_say_nothing() -> None:
    """A policy without limits allows everything, and says nothing about the account."""
    policy, problems = read_policy(str(CASES / "valid/least/order-runner.yaml"))
    assert problems == ()
    assert policy is not None
    assert (policy.caps, policy.types, policy.exclusive) == ((), None, None)
    assert breaches([policy], order(periodId="3y", quantity=10**9)) == []


@pytest.mark.parametrize("path", sorted(CASES.glob("valid/*/order-runner.yaml")), ids=lambda path: path.parent.name)
def test_valid_policies_keep_the_published_schema(path: Path) -> None:
    """What the runner takes, an editor with the schema takes as well."""
    import yaml

    assert not list(Draft202012Validator(SCHEMA).iter_errors(yaml.safe_load(path.read_text("utf-8"))))


# -- which files hold


def write(path: Path, text: str = "apiVersion: policy/v1\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_naming_a_found_policy_reads_it_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same file by two ways is one policy, under the name that was given."""
    path = write(tmp_path / "order-runner.yaml")
    monkeypatch.chdir(tmp_path)
    assert [found.path for found in load(str(path), [Path(), tmp_path]).policies] == [str(path)]


@pytest.mark.parametrize("kind", ["missing", "folder", "dangling"])
def test_a_policy_that_cannot_be_read_stops_the_call(tmp_path: Path, kind: str) -> None:
    """A policy that is named or found and not readable is an error, never no policy."""
    path = tmp_path / "order-runner.yaml"
    if kind == "folder":
        path.mkdir()
    elif kind == "dangling":
        path.symlink_to(tmp_path / "gone.yaml")
    with pytest.raises(UsageError, match=r"order-runner\.yaml"):
        load(str(path) if kind == "missing" else None, [tmp_path])


def test_a_wrong_policy_does_not_hide_the_right_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Findings of one file and the limits of another come together."""
    (tmp_path / ".git").mkdir()
    write(tmp_path / "order-runner.yaml", "apiVersion: policy/v1\nexclusive: 1\n")
    write(tmp_path / "a/order-runner.yaml", "apiVersion: policy/v1\nexclusive: true\n")
    monkeypatch.chdir(tmp_path / "a")
    policies = load(None, [Path()])
    assert [problem.code for problem in policies.problems] == ["PSR705"]
    assert len(policies.policies) == 1


@pytest.mark.parametrize(
    ("values", "exclusive"),
    [
        ((), False),
        ((None,), False),
        ((True,), True),
        ((True, True), True),
        ((None, True), False),
        ((True, False), False),
        ((False,), False),
    ],
)
def test_an_account_is_exclusive_where_every_policy_says_so(values: tuple[bool | None, ...], exclusive: bool) -> None:
    """A second policy can take that away, by its silence too, and never give it."""
    found = tuple(Policy(path="p", sha256="", exclusive=one) for one in values)
    assert Policies(policies=found).exclusive is exclusive


@pytest.mark.parametrize(
    ("values", "shares"),
    [((), True), ((None,), True), ((True,), True), ((True, False), False), ((None, False), False)],
)
def test_quotes_are_shared_unless_one_policy_says_no(values: tuple[bool | None, ...], shares: bool) -> None:
    """The assumption about the vendor is off where any of them does not make it; no other file turns it on again."""
    found = tuple(Policy(path="p", sha256="", share_quotes=one) for one in values)
    assert Limits(policies=found).shares_quotes is shares


@pytest.mark.parametrize(
    ("values", "climbs"),
    [((), False), ((None,), False), (("auto",), True), (("auto", "auto"), True), (("auto", None), False)],
)
def test_the_rate_climbs_where_every_policy_says_so(values: tuple[str | None, ...], climbs: bool) -> None:
    """A second policy can take that away, by its silence too, and never give it."""
    found = tuple(Policy(path="p", sha256="", rate=one) for one in values)
    assert Limits(policies=found).rate_climbs is climbs


# -- what they do not allow

SPAN = make.span(3)


def order(product: str = "ipv4", labels: dict[str, str] | None = None, **fields: Any) -> OrderRequest:
    return make.order(line=3, type=product, labels=labels or {}, fields={"quantity": 5} | fields)


def rules(**changes: Any) -> Policy:
    names = ("allow.types", "allow.countries", "allow.periods", "allow.payments", "require_labels", "allow.labels.env")
    places = dict.fromkeys([*names, "allow.max_quantity.any", "allow.max_quantity.isp"], SPAN)
    return replace(Policy(path="order-runner.yaml", sha256=""), places=places, **changes)


@pytest.mark.parametrize(
    ("allowed", "good", "bad", "field", "words"),
    [
        ({"types": ("ipv4",)}, order(), order("isp"), "type", ("type isp", "allow.types", "has ipv4")),
        ({"countries": (561, 7)}, order(), order(countryId=8), "countryId", ("8", "allow.countries", "has 561, 7")),
        ({"periods": ("1m",)}, order(), order(periodId="1y"), "periodId", ("period 1y", "allow.periods", "has 1m")),
        ({"payments": ("balance",)}, order(), order(paymentId=43), "paymentId", ("payment card", "allow.payments")),
        ({"payments": ("card",)}, order(paymentId=43), order(), "paymentId", ("payment balance", "has card")),
        (
            {"max_quantity": {"any": 5}},
            order(),
            order(quantity=6),
            "quantity",
            ("quantity 6", "allow.max_quantity.any", "5"),
        ),
        ({"max_quantity": {"isp": 5}}, order(quantity=6), order("isp", quantity=6), "quantity", ("max_quantity.isp",)),
        (
            {"max_quantity": {"any": 1, "isp": 9}},
            order("isp", quantity=9),
            order("isp", quantity=10),
            "quantity",
            ("9",),
        ),
        ({"require_labels": ("team",)}, order(labels={"team": "x"}), order(), "labels", ("team", "require_labels")),
        ({"require_labels": ("team",)}, order(labels={"team": "x"}), order(labels={"team": ""}), "labels", ("team",)),
        (
            {"labels": {"env": ("prod",)}},
            order(),
            order(labels={"env": "dev"}),
            "labels",
            ("env: dev", "allow.labels.env", "prod"),
        ),
    ],
)
def test_what_is_not_allowed_is_named(
    allowed: dict[str, Any], good: OrderRequest, bad: OrderRequest, field: str, words: tuple[str, ...]
) -> None:
    """Each rule lets the one order pass and refuses the other, at its field, naming value, rule, place and what is allowed."""
    held = rules(**allowed)
    assert breaches([held], good) == []
    (breach,) = breaches([held], bad)
    assert breach.field == field
    for word in (*words, "order-runner.yaml:3:3"):
        assert word in breach.message


RENEWALS: list[tuple[str, str, str]] = [
    ("renewals: true", "PSR705", "`renewals` must be a mapping of fields, not true or false"),
    ("renewals: {allowed: maybe}", "PSR705", "`renewals.allowed` must be true or false, not text"),
    ("renewals: {max_total: 5}", "PSR705", "`renewals.max_total` must be text, not a number"),
    ('renewals: {max_total: "5,00"}', "PSR708", "`renewals.max_total` is not in the right form: `5,00`"),
    ("renewals: {maximum: 5}", "PSR703", "unknown field `maximum` in `renewals`"),
]


@pytest.mark.parametrize(("line", "code", "message"), RENEWALS)
def test_what_is_wrong_with_renewals_is_one_finding(tmp_path: Path, line: str, code: str, message: str) -> None:
    """At its line, and with a way out."""
    path = tmp_path / "order-runner.yaml"
    path.write_text(f"apiVersion: policy/v1\n{line}\n", encoding="utf-8")
    policy, (problem,) = read_policy(str(path))
    assert policy is None
    assert (problem.code, problem.span and problem.span.line) == (code, 2)
    assert problem.message.startswith(message)
    assert problem.hint or "must be" in problem.message


@pytest.mark.parametrize(
    ("values", "refuses"),
    [((), False), ((None,), False), ((True,), False), ((False,), True), ((True, False), True), ((None, True), False)],
)
def test_renewals_are_allowed_unless_one_policy_says_no(values: tuple[bool | None, ...], refuses: bool) -> None:
    """Without a word they are under the rules of every order; a further file can forbid them, and never allow them."""
    place = {"renewals.allowed": make.span(7)}
    policies = [Policy(path="p.yaml", sha256="", renewals=value, places=place) for value in values]
    objection = object_to_renewals(policies)
    assert (objection is not None) == refuses
    if objection is not None:
        assert (objection.code, "renewals.allowed (p.yaml:7:3) is false" in objection.message) == ("PSR710", True)


def test_the_limit_of_renewals_is_one_of_the_run(tmp_path: Path) -> None:
    """Each file that has one has a limit of its own, so that the strictest counts."""
    path = tmp_path / "order-runner.yaml"
    path.write_text('apiVersion: policy/v1\nrenewals: {allowed: true, max_total: "12.50"}\n', encoding="utf-8")
    policy, problems = read_policy(str(path))
    assert (policy is not None, problems) == (True, ())
    assert policy is not None
    assert policy.renewals is True
    (cap,) = policy.caps
    assert (cap.name, cap.amount, cap.renewals, cap.covers) == (
        "renewals.max_total",
        Decimal("12.50"),
        True,
        "renewals",
    )


def test_a_field_the_type_does_not_have_breaks_no_rule() -> None:
    """A resident order has no country, period and quantity; lists of them do not speak of it."""
    held = rules(countries=(1,), periods=("1y",), max_quantity={"any": 1})
    resident = replace(order("resident"), fields={"tarifId": 6929, "paymentId": 1})
    assert breaches([held], resident) == []


def test_of_several_policies_all_hold() -> None:
    """An order has to keep every one of them, so that a second file can only tighten."""
    wide, narrow = rules(countries=(561, 8)), rules(countries=(8,))
    assert len(breaches([wide, narrow], order())) == 1
    assert breaches([narrow, wide], order(countryId=8)) == []
    assert len(breaches([narrow, wide], order(countryId=9))) == 2


def test_long_lists_are_shortened() -> None:
    """A list of a hundred countries does not fill the screen."""
    (breach,) = breaches([rules(countries=tuple(range(1, 101)))], order())
    assert "1, 2, 3, 4, 5, 6, 7, 8 and 92 more" in breach.message


def test_names_of_policies_are_no_manifests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder or a glob of manifests may hold a policy; it is passed over."""
    from runner.manifest.discover import POLICY_NAMES, discover

    monkeypatch.chdir(tmp_path)
    for name in (*POLICY_NAMES, "Order-Runner.YAML"):
        write(tmp_path / name)
    write(tmp_path / "orders.yaml")
    assert discover(["."]).paths == discover(["*.y*ml"]).paths == ("orders.yaml",)


@pytest.mark.parametrize(
    ("countries", "words", "allowed"),
    [
        (("FRA",), {"country": "FRA"}, True),
        (("fra",), {"country": "FRA"}, True),
        (("Europe mix", 7), {"package": "europe MIX"}, True),
        (("DEU",), {"country": "FRA"}, False),
        (("FRA",), {}, False),
        ((561,), {"country": "FRA"}, True),
    ],
)
def test_a_country_is_allowed_by_its_word_or_its_id(
    countries: tuple[int | str, ...], words: dict[str, str], allowed: bool
) -> None:
    """A word covers orders that have the same word, in whatever case; an id covers that id however it was written."""
    assert (breaches([rules(countries=countries)], replace(order(countryId=561), words=words)) == []) is allowed


def test_a_word_is_held_against_a_policy_before_it_is_locked() -> None:
    """An order whose word stands for no id yet is judged by its word."""
    open_order = replace(order(countryId=None), words={"country": "USA"})
    (breach,) = breaches([rules(countries=("FRA",))], open_order)
    assert "USA" in breach.message


def test_a_pipe_that_is_called_like_a_policy_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "order-runner.yaml")
    with pytest.raises(UsageError, match=r"order-runner\.yaml is called like a policy and is no file"):
        load(None, [tmp_path])


@pytest.mark.parametrize(
    ("values", "style"),
    [
        ((), None),
        ((None,), None),
        ((True,), "full"),
        ((True, None), "full"),
        ((True, "id-only"), "id-only"),
        (("id-only",), "id-only"),
        ((True, "id-only", False), None),
        ((False,), None),
    ],
)
def test_receipts_say_the_least_that_a_policy_allows(values: tuple[bool | str | None, ...], style: str | None) -> None:
    """One that says no, or only ids, is enough; without a word of any there are none."""
    assert receipts_of(Policy(path="p", sha256="", receipts=one) for one in values) == style

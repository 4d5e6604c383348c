"""Policies: what may be bought at all, from `order-runner.yaml`. Read, and held against single orders.

Every policy that is found holds: of their limits the strictest counts, so that no option and no second file can loosen
one. See docs/policy.md.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal

from runner.core import schemas
from runner.core.errors import Problem, Span, UsageError
from runner.core.orders import OrderRequest, Scalar
from runner.core.yamldoc import read
from runner.core.yamldoc.nodes import Begin, Break, Field
from runner.core.yamldoc.source import Flaw, TextSource
from runner.limits.budgets import PERIODS, Cap
from runner.limits.search import search
from runner.manifest.fitting import refit
from runner.manifest.head import DocumentHead
from runner.manifest.phrases import display
from runner.manifest.rules import TEMPLATE, SchemaSubject, violations, way_out

FORMAT: Final = "policy/v1"
_PAYMENTS: Final[Mapping[Scalar, str]] = {1: "balance", 43: "card"}
_CODES: Final = {
    "03": "PSR703",
    "04": "PSR704",
    "05": "PSR705",
    "06": "PSR706",
    "07": "PSR707",
    "08": "PSR708",
    "09": "PSR709",
}
_LISTED: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One policy file. None, or an empty collection: nothing said. `places`: where `allow.types` and so on stand."""

    path: str
    sha256: str
    caps: tuple[Cap, ...] = ()
    types: tuple[str, ...] | None = None
    countries: tuple[int | str, ...] | None = None
    periods: tuple[str, ...] | None = None
    payments: tuple[str, ...] | None = None
    max_quantity: Mapping[str, int] = field(default_factory=dict)
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    require_labels: tuple[str, ...] = ()
    exclusive: bool | None = None
    share_quotes: bool | None = None
    receipts: bool | str | None = None
    rate: str | None = None
    jobs: int | None = None
    renewals: bool | None = None
    places: Mapping[str, Span] = field(default_factory=dict)

    def place_of(self, name: str) -> str:
        """A rule by its name and its place."""
        span = self.places[name]
        return f"{name} ({self.path}:{span.line}:{span.column})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """The policies of one call, and everything that is wrong with their files."""

    policies: tuple[Policy, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def exclusive(self) -> bool:
        """Whether every policy calls the account exclusive: a further file takes that away, and never gives it."""
        return bool(self.policies) and all(policy.exclusive for policy in self.policies)


def receipts_of(policies: Iterable[Policy]) -> Literal["full", "id-only"] | None:
    """What receipts may say under all of these: the least that one allows, and nothing where none speaks of them."""
    spoken = {policy.receipts for policy in policies if policy.receipts is not None}
    if not spoken or False in spoken:
        return None
    return "id-only" if "id-only" in spoken else "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """What speaks against one order, and the field of it that does."""

    code: str
    message: str
    hint: str
    field: str | None = None


class _Subject(SchemaSubject):
    """A policy as the manifests' rules see it, with codes of its own."""

    @property
    def is_order(self) -> bool:
        return False

    def problem(self, number: str, message: str, place: Span, at: tuple[str | int, ...], hint: str | None) -> Problem:
        if number == "03" and at[0] != "allow" and hint is not None:
            hint = "remove it, or see `order-runner schema policy` for the fields there are"
        number = "08" if number == TEMPLATE else number
        if number == "08" and at[:2] == ("allow", "countries") and len(at) > 2:
            hint = "write a word like FRA, or a countryId without quotes"
        return Problem(code=_CODES[number], message=message, hint=hint, path=self.path, span=place)


def load(named: str | None, folders: Iterable[Path]) -> Policies:
    """The policy of that path, and those that hold in these folders. UsageError for one that cannot be read."""
    paths = [named] if named is not None else []
    seen = {os.path.realpath(path) for path in paths}
    for path in search(folders):
        _refuse_other_than_file(path)
        if (real := os.path.realpath(path)) not in seen:
            seen.add(real)
            paths.append(os.path.relpath(path))
    readings = [read_policy(path) for path in paths]
    return Policies(
        policies=tuple(policy for policy, _ in readings if policy is not None),
        problems=tuple(problem for _, problems in readings for problem in problems),
    )


def _refuse_other_than_file(path: Path) -> None:
    """UsageError for a named pipe or a device that is called like a policy: reading it would wait for ever.

    One that is named by an option may be a pipe: `--policy <(make-policy)`.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise UsageError(f"{path} is called like a policy and is no file", hint="remove or rename it")


def over(named: str | None, paths: Sequence[str] = ()) -> Policies:
    """The policies that hold for manifests at these paths, wherever the call is made from. As `load`."""
    files = [Path(path) for path in paths if path != "-"]
    folders = [Path.cwd(), *(spelling.parent for file in files for spelling in (file, file.resolve()))]
    return load(named, dict.fromkeys(folders))


def read_policy(path: str) -> tuple[Policy | None, tuple[Problem, ...]]:
    """A policy, or everything that is wrong with its file. UsageError where it cannot be read."""
    fields: dict[str, Field] = {}
    begins: list[Span] = []
    problems: list[Problem] = []
    try:
        with TextSource.open(path) as source:
            for item in read(source, split=""):
                if isinstance(item, Begin):
                    begins.append(item.span)
                elif isinstance(item, Field) and len(begins) == 1:
                    fields[item.key] = item
                    problems += _refit(item)
                elif isinstance(item, Break):
                    problems.append(item.problem)
                elif isinstance(item, Problem):
                    problems.append(item)
            sha256 = source.sha256
    except Flaw as flaw:
        return None, (_ours(flaw.problem),)
    problems = [_ours(problem) for problem in problems]
    if begins and not any(problem.code.startswith("PSR0") for problem in problems):
        problems += _wrong(path, fields, begins)
    if problems:
        return None, tuple(sorted(problems, key=lambda problem: problem.order))
    return _policy(path, sha256, fields), ()


def _refit(field: Field) -> list[Problem]:
    """What YAML would change in a field, with a way out that the field takes."""
    rule = schemas.load("policy")
    return refit(field.problems, rule, {field.key: field.value}, lambda at: field.value_span(*at[1:]), way_out)


def _ours(problem: Problem) -> Problem:
    """A finding of the YAML reader, in words for a policy."""
    if problem.code == "PSR101":
        hint = f"begin with `apiVersion: {FORMAT}`"
        return replace(problem, code="PSR701", message="a policy is a mapping of fields", hint=hint)
    return replace(problem, hint=problem.hint and problem.hint.replace("manifest", "policy"))


def _wrong(path: str, fields: dict[str, Field], begins: Sequence[Span]) -> Iterator[Problem]:
    if len(begins) > 1:
        message, hint = "a policy is a single document", "keep one of the documents"
        yield Problem(code="PSR701", message=message, hint=hint, path=path, span=begins[1])
    written, hint = fields.get("apiVersion"), f"write `apiVersion: {FORMAT}`"
    if written is None:
        yield Problem(
            code="PSR704", message="`apiVersion` is missing: every policy has one", hint=hint, path=path, span=begins[0]
        )
    elif written.value != FORMAT:
        message = f"`apiVersion` is `{display(written.value)}`: this is not a {FORMAT} policy"
        yield Problem(code="PSR702", message=message, hint=hint, path=path, span=written.value_span())
    places = DocumentHead(path=path, fields=fields, begin=begins[0], split=None, orders=0, kinds=())
    values = {name: found.value for name, found in fields.items()} | {"apiVersion": FORMAT}
    if not schemas.gate("policy")(values):
        yield from violations(_Subject(schema="policy", places=places, path=path), values)


def _policy(path: str, sha256: str, fields: Mapping[str, Field]) -> Policy:
    values = {name: found.value for name, found in fields.items()}
    allow, budgets = values.get("allow", {}), values.get("budgets", {})
    places = {name: found.value_span() for name, found in fields.items()}
    places |= {f"allow.{name}": fields["allow"].value_span(name) for name in allow}
    renewals = values.get("renewals", {})
    places |= {f"renewals.{name}": fields["renewals"].value_span(name) for name in renewals}
    for group in ("max_quantity", "labels"):
        places |= {f"allow.{group}.{name}": fields["allow"].value_span(group, name) for name in allow.get(group, {})}
    caps = [
        Cap(
            name=f"budgets.{period}",
            amount=Decimal(budgets[period]),
            period=period,
            path=path,
            span=fields["budgets"].value_span(period),
        )
        for period in PERIODS
        if period in budgets
    ]
    if "max_total" in renewals:
        name, span = "renewals.max_total", places["renewals.max_total"]
        caps.append(Cap(name=name, amount=Decimal(renewals["max_total"]), renewals=True, path=path, span=span))
    return Policy(
        path=path,
        sha256=sha256,
        caps=tuple(caps),
        **{name: tuple(allow[name]) for name in ("types", "countries", "periods", "payments") if name in allow},
        max_quantity=allow.get("max_quantity", {}),
        labels={name: tuple(given) for name, given in allow.get("labels", {}).items()},
        require_labels=tuple(values.get("require_labels", ())),
        exclusive=values.get("exclusive"),
        share_quotes=values.get("share_quotes"),
        receipts=values.get("receipts"),
        rate=values.get("rate"),
        jobs=values.get("jobs"),
        renewals=renewals.get("allowed"),
        places=places,
    )


def missing() -> Problem:
    """What speaks against a call that has to be under a policy, and is under none."""
    return Problem(
        code="PSR712",
        message="a policy is required and none was found: no order-runner.yaml in the folders of the call and the "
        "manifests, or above them",
        hint="check out the policy beside the manifests, or name it with --policy or ORDER_RUNNER_POLICY",
    )


def breaches(policies: Iterable[Policy], request: OrderRequest) -> list[Objection]:
    """Everything about one order that these policies do not allow; needs no network and no ledger."""
    return [breach for policy in policies for breach in _breaches(policy, request)]


def object_to_renewals(policies: Iterable[Policy]) -> Objection | None:
    """What is said of every renewal where a policy has none of them; without a word they are allowed."""
    for policy in policies:
        if policy.renewals is False:
            message = f"renewals are not allowed: {policy.place_of('renewals.allowed')} is false"
            return Objection(code="PSR710", message=message, hint="remove `renew`, or ask the policy's owner")
    return None


def _breaches(policy: Policy, request: OrderRequest) -> Iterator[Objection]:
    fields = request.fields
    pays = _PAYMENTS.get(fields.get("paymentId", 1))
    chosen: tuple[tuple[str, str, Any, Sequence[Any] | None, str], ...] = (
        ("type", "types", request.type, policy.types, "type"),
        ("period", "periods", fields.get("periodId"), policy.periods, "periodId"),
        ("payment", "payments", pays, policy.payments, "paymentId"),
    )
    for what, name, value, allowed, at in chosen:
        if allowed is not None and value is not None and value not in allowed:
            yield _not_allowed(f"{what} {value}", policy.place_of(f"allow.{name}"), allowed, at)
    yield from _country(policy, request)
    yield from _quantity(policy, request)
    for label, given in policy.labels.items():
        if label in request.labels and request.labels[label] not in given:
            place = policy.place_of(f"allow.labels.{label}")
            yield _not_allowed(f"label {label}: {display(request.labels[label])}", place, given, "labels")
    for label in policy.require_labels:
        if not request.labels.get(label):
            message = f"label {label} is missing: {policy.place_of('require_labels')} requires it on every order"
            yield Objection(code="PSR711", message=message, hint=f"add `labels: {{{label}: …}}`", field="labels")


def _country(policy: Policy, request: OrderRequest) -> Iterator[Objection]:
    """A country or package by its word, as both sides spell it, or by its id. A word says nothing of an id."""
    identity, word = request.fields.get("countryId"), request.words.get("country", request.words.get("package"))
    if policy.countries is None or (identity is None and word is None):
        return
    words = {one.casefold() for one in policy.countries if isinstance(one, str)}
    if identity not in policy.countries and (word is None or word.casefold() not in words):
        what = f"country or package {identity if word is None else display(word)}"
        yield _not_allowed(what, policy.place_of("allow.countries"), policy.countries, "countryId")


def _not_allowed(what: str, rule: str, allowed: Sequence[Any], at: str) -> Objection:
    names = ", ".join(display(one) for one in allowed[:_LISTED])
    more = f" and {len(allowed) - _LISTED:,} more" if len(allowed) > _LISTED else ""
    message = f"{what} is not allowed: {rule} has {names}{more}"
    return Objection(code="PSR710", message=message, hint=_HINT, field=at)


def _quantity(policy: Policy, request: OrderRequest) -> Iterator[Objection]:
    quantity = request.fields.get("quantity")
    name = request.type if request.type in policy.max_quantity else "any"
    most = policy.max_quantity.get(name)
    if most is not None and isinstance(quantity, int) and quantity > most:
        message = f"quantity {quantity} is above {policy.place_of(f'allow.max_quantity.{name}')}, {most}"
        yield Objection(code="PSR710", message=message, hint=_HINT, field="quantity")


_HINT: Final = "change the order, or ask the policy's owner to change it"

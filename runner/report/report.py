"""What happened, as data, and as the JSON document of schemas/report.schema.json."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal

from runner._version import __version__
from runner.core.clock import rfc3339
from runner.core.errors import ExitCode, Problem
from runner.core.files import relative
from runner.core.orders import CURRENCY, ENDS, Body, OrderKey, OrderRequest, Quote, decimal_text
from runner.core.provenance import Provenance
from runner.core.renewals import new_end_of
from runner.core.vendor import Encoder, Placed, VendorError
from runner.plan.inputs import Inputs

REPORT_VERSION: Final = "1.3"
STATUSES: Final = (
    "planned",
    "placed",
    "already_placed",
    "rejected",
    "unknown",
    "absent",
    "refused",
    "skipped",
    "invalid",
)
Category = Literal[
    "invalid",
    "usage",
    "refused",
    "busy",
    "rejected",
    "access",
    "not_sent",
    "unknown",
    "cancelled",
    "internal",
    "warning",
]
Mode = Literal["apply", "dry-run", "plan"]
Json = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A problem, what kind it is, and the vendor's own words where they caused it."""

    problem: Problem
    category: Category
    vendor: VendorError | None = None

    def as_json(self) -> Json:
        problem, span = self.problem, self.problem.span
        return {
            "code": problem.code,
            "category": self.category,
            "message": problem.message,
            "hint": problem.hint,
            "field": problem.field,
            "file": relative(problem.path),
            "line": span.line if span else None,
            "column": span.column if span else None,
            "key": problem.key,
            "vendor": {"code": self.vendor.code, "message": self.vendor.message} if self.vendor else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEntry:
    """One try of this run. `outcome` is `submitted` while the answer is awaited."""

    n: int
    started_at: datetime
    outcome: str
    duration_ms: int | None = None
    http_status: int | None = None

    def as_json(self) -> Json:
        return {
            "n": self.n,
            "started_at": rfc3339(self.started_at),
            "duration_ms": self.duration_ms,
            "http_status": self.http_status,
            "outcome": self.outcome,
        }


@dataclass(slots=True, kw_only=True)
class OrderEntry:
    """One order of the report. Change it only through `update`, so that its text is made again.

    `result` is what the vendor gave for the money, `possible` what an earlier, unsettled attempt may have cost;
    `renamed_from` is the key that its purchase moves from in this run.
    """

    request: OrderRequest
    status: str
    reason: str | None = None
    body: Body | None = None
    quote: Quote | None = None
    result: Placed | None = None
    possible: Decimal | None = None
    renamed_from: OrderKey | None = None
    attempts: tuple[AttemptEntry, ...] = ()
    evidence: Json | None = None
    errors: tuple[Finding, ...] = ()
    _text: str | None = None

    def update(self, **changes: object) -> None:
        for name, value in changes.items():
            setattr(self, name, value)
        self._text = None

    @property
    def text(self) -> str:
        """Its JSON, indented for its place in the report; made once a change, so that a large batch stays linear."""
        if self._text is None:
            self._text = _encode(self._as_json()).replace("\n", "\n    ")
        return self._text

    def _as_json(self) -> Json:
        request, quote = self.request, self.quote
        span = request.source.span
        return {
            "key": str(request.key),
            "name": request.key.name,
            "type": request.type,
            "source": {
                "file": relative(request.source.path),
                "line": span.line,
                "column": span.column,
                "snippet": request.source.snippet,
            },
            "words": dict(request.words),
            "labels": dict(request.labels),
            "status": self.status,
            "renamed_from": None if self.renamed_from is None else str(self.renamed_from),
            "renews": _term_json(request),
            "reason": self.reason,
            "fingerprint": request.fingerprint,
            "request": dict(self.body) if self.body is not None else None,
            "quote": quote
            and {"total": decimal_text(quote.total), "currency": quote.currency, "at": rfc3339(quote.at)},
            "possible": _money(self.possible) if self.status == "unknown" else None,
            "result": self.result and _result_json(self.result),
            "attempts": [attempt.as_json() for attempt in self.attempts],
            "evidence": self.evidence,
            "errors": [finding.as_json() for finding in self.errors],
        }


@dataclass(slots=True, kw_only=True)
class Report:
    """One run, as it stands. Amounts are in `CURRENCY`; `possible_elsewhere` are open charges of other manifests.

    `encoder` tells what would be sent for an order that is found while the plan is made. `by` is who made it, and why.
    """

    run_id: str
    mode: Mode
    started_at: datetime
    inputs: Inputs
    by: Provenance | None = None
    orders: list[OrderEntry] = field(default_factory=list)
    errors: list[Finding] = field(default_factory=list)
    not_checked: tuple[str, ...] = ()
    balance_before: Decimal | None = None
    balance_after: Decimal | None = None
    possible_elsewhere: Decimal = Decimal(0)
    finished_at: datetime | None = None
    encoder: Encoder | None = field(default=None, repr=False)
    exit_code: ExitCode | None = None

    @property
    def spent_confirmed(self) -> Decimal:
        """What this run's purchases cost: the vendor's figure, or the quote where it gave none."""
        return _sum(entry for entry in self.orders if entry.status == "placed")

    @property
    def spent_possible(self) -> Decimal:
        """What may have been charged beside that and is not settled, whenever it was tried."""
        return self.possible_elsewhere + _sum(entry for entry in self.orders if entry.status == "unknown")

    @property
    def unexplained_change(self) -> Decimal | None:
        """The part of the balance's change that no confirmed purchase of this run explains."""
        if self.balance_before is None or self.balance_after is None:
            return None
        by_balance = _sum(e for e in self.orders if e.status == "placed" and not e.request.pays_by_card)
        return self.balance_before - self.balance_after - by_balance

    @property
    def has_sent(self) -> bool:
        """Whether an order of this run was claimed, so that it may have cost money."""
        return any(entry.attempts for entry in self.orders)

    @property
    def summary(self) -> dict[str, int]:
        counts = Counter(entry.status for entry in self.orders)
        return {"total": len(self.orders)} | {status: counts[status] for status in STATUSES}

    def finish(self, at: datetime, exit_code: ExitCode) -> None:
        """The run is over, and this is how it ended."""
        self.finished_at, self.exit_code = at, exit_code

    def render(self) -> str:
        """The report as one JSON document that ends in a newline."""
        head = _encode(self.head())
        body = ",\n    ".join(entry.text for entry in self.orders)
        orders = f"[\n    {body}\n  ]" if self.orders else "[]"
        return f'{head[:-2]},\n  "orders": {orders},\n  "errors": {self._errors_text()}\n}}\n'

    def _errors_text(self) -> str:
        return _encode([finding.as_json() for finding in self.errors]).replace("\n", "\n  ")

    def head(self) -> Json:
        """Everything before the orders."""
        code = self.exit_code
        return {
            "report_version": REPORT_VERSION,
            "tool": {"name": "order-runner", "version": __version__},
            "run": {
                "id": self.run_id,
                "mode": self.mode,
                "complete": self.finished_at is not None,
                "started_at": rfc3339(self.started_at),
                "finished_at": rfc3339(self.finished_at) if self.finished_at else None,
                "exit": None if code is None else {"code": int(code), "name": code.name.lower()},
                **self._who(),
            },
            "inputs": self.inputs.as_json(),
            "money": self._money(),
            "summary": self.summary,
            "not_checked": list(self.not_checked),
        }

    def _who(self) -> Json:
        known = self.by.as_json() if self.by else {}
        return {name: known.get(name) for name in ("actor", "commit", "ref", "job")}

    def _money(self) -> Json:
        quoted = [entry.quote.total for entry in self.orders if entry.quote and entry.status != "already_placed"]
        return {
            "currency": CURRENCY,
            "quoted_total": decimal_text(sum(quoted, Decimal(0))),
            "spent_confirmed": decimal_text(self.spent_confirmed),
            "spent_possible": decimal_text(self.spent_possible),
            "balance_before": _money(self.balance_before),
            "balance_after": _money(self.balance_after),
            "unexplained": _money(self.unexplained_change),
        }


def _sum(entries: Iterable[OrderEntry]) -> Decimal:
    return sum((_cost(entry) for entry in entries), Decimal(0))


def _cost(entry: OrderEntry) -> Decimal:
    if entry.result is not None and entry.result.total is not None:
        return entry.result.total
    return entry.quote.total if entry.quote else entry.possible or Decimal(0)


def _term_json(request: OrderRequest) -> Json | None:
    """Of a renewal, the order that it renews, the day before its term and its last day, as far as that is known."""
    if request.renews is None:
        return None
    ends = str(request.fields[ENDS])
    new_end = new_end_of(ends, request.fields.get("periodId", ""))
    return {"order_id": request.renews, "ends": ends, "new_end": new_end}


def _result_json(result: Placed) -> Json:
    return {
        "order_id": result.order_id,
        "base_order_numbers": list(result.base_order_numbers),
        "total": _money(result.total),
        "balance": _money(result.balance),
    }


def _money(amount: Decimal | None) -> str | None:
    return None if amount is None else decimal_text(amount)


def _encode(value: object) -> str:
    """ASCII only, and never `##`, which some CI logs take for a command (the vendor's text is data)."""
    return json.dumps(value, indent=2, ensure_ascii=True).replace("##", "#\\u0023")

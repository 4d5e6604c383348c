"""A plan → table, aligned lines or JSON: what would be bought, at what price, and what speaks against it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from runner.core.clock import rfc3339
from runner.core.errors import Problem
from runner.core.files import relative
from runner.core.orders import CURRENCY, Body, OrderKey, decimal_text
from runner.plan.approval.document import Frame
from runner.plan.plan import Plan, Step
from runner.views.findings import as_json as diagnostic
from runner.views.findings import finding_lines
from runner.views.terminal.console import Channel, Console
from runner.views.terminal.grid import Column, Grid, Row, show
from runner.views.terminal.safe import json_text, one_line
from runner.views.wording import STATUS_STYLES, amount, money, plural, what

Bodies = Mapping[OrderKey, Body]
COLUMNS: Final = (
    Column(name="order"),
    Column(name="status"),
    Column(name="what", folds=True),
    Column(name="unit", right=True),
    Column(name=f"total {CURRENCY}", right=True),
    Column(name="at most", right=True),
    Column(name="reason", folds=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPage:
    """A plan and what goes with it: the `policies` that held, by path, and in a dry run the `bodies`, its requests."""

    plan: Plan
    bodies: Bodies | None
    not_checked: Sequence[str]
    problems: Sequence[Problem]
    policies: Sequence[str]
    frame: Frame | None = None

    @property
    def digest(self) -> str | None:
        """What to approve; None where there is nothing, or not every price."""
        return self.frame.digest if self.frame and self.plan.to_buy else None


def render(
    plan: Plan,
    *,
    fmt: str,
    console: Console,
    policies: Sequence[str] = (),
    bodies: Bodies | None = None,
    not_checked: Sequence[str] = (),
    loaded_problems: Sequence[Problem] = (),
    frame: Frame | None = None,
) -> None:
    """Write the plan in one of `FORMATS` to stdout.

    `loaded_problems` are findings that belong to no order, manifest warnings first of all; objections of the plan
    among them are told once. `frame` makes it a document that can be approved.
    """
    problems = [problem for problem in loaded_problems if problem not in plan.objections]
    page = PlanPage(
        plan=plan, bodies=bodies, not_checked=not_checked, problems=problems, policies=policies, frame=frame
    )
    FORMATS[fmt](page, console.out)


def _text(page: PlanPage, channel: Channel) -> None:
    plan = page.plan
    for problem in page.problems:
        channel.lines(finding_lines(problem, channel))
    show(Grid(columns=COLUMNS, rows=tuple(map(_row, plan.steps))), channel)
    channel.lines(_details(page, channel))


def _row(step: Step) -> Row:
    quote = step.quote
    cells = (
        str(step.request.key),
        step.status,
        what(step.request.type, step.request.fields, step.request.words),
        amount(quote.unit_price if quote else None),
        amount(quote.total if quote else None),
        amount(step.ceiling),
        step.reason or "",
    )
    return Row(cells=cells, style=STATUS_STYLES.get(step.status))


def _details(page: PlanPage, channel: Channel) -> Iterator[str]:
    for step in page.plan.steps:
        for problem in (step.warning, step.problem):
            if problem is not None:
                yield from finding_lines(problem, channel)
    yield from _body_lines(page)
    yield from _money_lines(page.plan)
    yield one_line(f"policies       {', '.join(page.policies) or 'none'}")
    for objection in page.plan.objections:
        yield f"{channel.paint('error', 'refused:')} {one_line(objection.message)}"
        if objection.hint:
            yield one_line(f"  hint: {objection.hint}")
    for text in page.not_checked:
        yield one_line(f"not checked: {text}")
    if page.digest:
        yield f"digest         {page.digest}"


def _body_lines(page: PlanPage) -> Iterator[str]:
    if not page.bodies:
        return
    calls = "POST order/make" + (", for a renewal prolong/make" if any(key.term for key in page.bodies) else "")
    yield f"what would be sent ({plural(len(page.bodies), 'request')}, {calls}):"
    for key, body in page.bodies.items():
        yield f"  {one_line(str(key))} {json_text(dict(body))}"


def _money_lines(plan: Plan) -> Iterator[str]:
    unpriced = sum(step.quote is None for step in plan.to_buy)
    orders = plural(len(plan.to_buy), "order")
    if not plan.to_buy:
        yield "to buy         nothing"
    elif unpriced == len(plan.to_buy):
        yield f"to buy         {orders}, not priced"
    else:
        yield f"to buy         {money(plan.total)} for {orders}"
    if plan.total != plan.from_balance:
        yield f"  by card      {money(plan.total - plan.from_balance)}"
    if plan.balance is not None:
        yield f"balance        {money(plan.balance)}"
        yield f"balance after  {money(plan.balance_after)}"


def _json(page: PlanPage, channel: Channel) -> None:
    channel.lines([json_text(as_json(page), indent=2)])


def as_json(page: PlanPage) -> Mapping[str, object]:
    """The plan as one document; money as decimal strings, null for what is not known."""
    plan, frame = page.plan, page.frame
    head = frame.as_json() if frame else {}
    bodies = frame.bodies if frame else page.bodies
    renames = frame.terms.renames if frame and frame.terms else {}
    return {
        **head,
        "mode": "plan" if page.bodies is None else "dry-run",
        "money": {
            "currency": CURRENCY,
            "total": decimal_text(plan.total),
            "from_balance": decimal_text(plan.from_balance),
            "balance": None if plan.balance is None else decimal_text(plan.balance),
            "balance_after": None if plan.balance_after is None else decimal_text(plan.balance_after),
        },
        "orders": [_step_json(step, bodies) | _moved_json(step, renames) for step in plan.steps],
        "objections": [_finding(problem) for problem in plan.objections],
        "findings": [_finding(problem) for problem in page.problems],
        "not_checked": list(page.not_checked),
    }


def _finding(problem: Problem) -> Mapping[str, object]:
    """One finding; its path is from the working folder, so that no machine's layout gets into a document."""
    return {**diagnostic(problem), "file": relative(problem.path)}


def _step_json(step: Step, bodies: Bodies | None) -> dict[str, object]:
    request, quote = step.request, step.quote
    body = bodies.get(request.key) if bodies else None
    return {
        "key": str(request.key),
        "name": request.key.name,
        "type": request.type,
        "source": {
            "file": relative(request.source.path),
            "line": request.source.span.line,
            "column": request.source.span.column,
        },
        "status": step.status,
        "reason": step.reason,
        "fingerprint": request.fingerprint,
        "fields": dict(request.fields),
        "request": dict(body) if body is not None else None,
        "quote": quote
        and {
            "total": decimal_text(quote.total),
            "unit_price": None if quote.unit_price is None else decimal_text(quote.unit_price),
            "discount": None if quote.discount is None else decimal_text(quote.discount),
            "currency": quote.currency,
            "at": rfc3339(quote.at),
        },
        "ceiling": None if step.ceiling is None else decimal_text(step.ceiling),
        "order_id": step.record.order_id if step.record else None,
        "problem": diagnostic(step.problem) if step.problem else None,
        "warning": diagnostic(step.warning) if step.warning else None,
        "vendor": step.vendor and {"code": step.vendor.code, "message": step.vendor.message},
    }


def _moved_json(step: Step, renames: Mapping[str, str]) -> dict[str, object]:
    """The key by which it was bought, where that is another one: part of what is approved."""
    before = renames.get(str(step.request.key))
    return {"renamed_from": before} if before else {}


def _markdown(page: PlanPage, channel: Channel) -> None:
    from runner.views.formats.plan_markdown import lines

    channel.lines(lines(page.plan, problems=page.problems, not_checked=page.not_checked, frame=page.frame))


FORMATS: Final[Mapping[str, Callable[[PlanPage, Channel], None]]] = {
    "text": _text,
    "json": _json,
    "markdown": _markdown,
}

"""A plan as Markdown for a pull request: money first, then every order, what is left out and why, and how to approve.

What keeps foreign text from acting in it is in `runner.views.formats.markdown_text`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from runner.core.errors import Problem
from runner.core.orders import CURRENCY
from runner.plan.approval.document import Frame
from runner.plan.plan import Plan, Step
from runner.views.formats.markdown_text import code, enumeration, size, table
from runner.views.terminal.safe import one_line
from runner.views.wording import amount, money, plural, what

MAX_BYTES: Final = 60_000
"""A comment on GitHub takes 65,536 characters; some are left for what somebody may put around it."""

LISTED: Final = 20
"""Findings that are told in full."""

ENOUGH: Final = "… and {} more: see the document of `-f json` or `--out`"
HEADS: Final = {
    "to_buy": ("order", "type", "what", "quantity", "period", "unit", f"total {CURRENCY}", f"at most {CURRENCY}"),
    "left": ("order", "status", "why"),
}


def lines(plan: Plan, *, problems: Sequence[Problem], not_checked: Sequence[str], frame: Frame | None) -> Iterator[str]:
    """The whole comment, below `MAX_BYTES`: where orders are too many for it, the first of them and how many more.

    `problems` are findings beside the plan's own objections; `frame` is what can be approved, None where nothing can.
    """
    head = [*_money(plan), *_account(plan, frame), *_problems([*plan.objections, *problems])]
    end = list(_end(plan, not_checked, frame))
    yield from head
    room = MAX_BYTES - size(head) - size(end)
    left = [step for step in plan.steps if not step.to_buy]
    tables = [
        (HEADS["to_buy"], [_bought_row(step) for step in plan.to_buy]),
        (HEADS["left"], [_left_row(s) for s in left]),
    ]
    for names, rows in tables:
        cut = table(names, rows, room, ENOUGH)
        room -= size(cut)
        yield from cut
    yield from end


def _money(plan: Plan) -> Iterator[str]:
    if not plan.to_buy:
        yield "**Nothing to buy**"
    elif any(step.quote is None for step in plan.to_buy):
        yield f"**{plural(len(plan.to_buy), 'order')} to buy, not priced**"
    else:
        most = sum((step.ceiling for step in plan.to_buy if step.ceiling is not None), plan.total * 0)
        bound = "" if most == plan.total else f", at most {money(most)}"
        yield f"**{money(plan.total)} for {plural(len(plan.to_buy), 'order')}**{bound}"
    yield ""


def _account(plan: Plan, frame: Frame | None) -> Iterator[str]:
    card = plan.total - plan.from_balance
    if card:
        yield f"- by card: {money(card)}"
    if plan.balance is not None:
        yield f"- balance: {money(plan.balance)}, after it {money(plan.balance_after)}"
    if frame is not None:
        yield f"- account: {code(frame.account)}"
        yield f"- policies: {enumeration(path for path, _ in frame.inputs.policies)}"
    if card or plan.balance is not None or frame is not None:
        yield ""


def _problems(problems: Sequence[Problem]) -> Iterator[str]:
    for problem in problems[:LISTED]:
        yield f"- {_problem(problem)}"
    if len(problems) > LISTED:
        yield f"- {ENOUGH.format(len(problems) - LISTED)}"
    if problems:
        yield ""


def _problem(problem: Problem) -> str:
    label = "warning" if problem.severity == "warning" else "refused"
    place = f"{code(problem.place)} " if problem.path else ""
    hint = f" ({code(problem.hint)})" if problem.hint else ""
    return f"**{label}** {place}{code(problem.code)} {code(problem.message, 400)}{hint}"


def _bought_row(step: Step) -> tuple[str, ...]:
    quote, product, words = step.quote, step.request.type, step.request.words
    fields = dict(step.request.fields)
    term = step.request.term
    quantity = fields.pop("quantity", "") if term is None else term.rows
    period = fields.pop("periodId", "") if step.request.renews is None else fields["periodId"]
    return (
        code(str(step.request.key)),
        code(product),
        code(what(product, fields, words).removeprefix(product).removeprefix(", ")),
        code(str(quantity)),
        code(words.get("period") or str(period)),
        amount(quote.unit_price if quote else None),
        amount(quote.total if quote else None),
        amount(step.ceiling),
    )


def _left_row(step: Step) -> tuple[str, ...]:
    place = f"{code(step.problem.place)} " if step.problem else ""
    return code(str(step.request.key)), step.status.replace("_", " "), place + code(step.reason or "")


def _end(plan: Plan, not_checked: Sequence[str], frame: Frame | None) -> Iterator[str]:
    yield from (f"- not checked: {code(text)}" for text in not_checked)
    if frame is None or frame.digest is None or not plan.to_buy:
        return
    yield ""
    yield f"Digest: `{frame.digest}`"
    yield ""
    yield "Approve and buy exactly this:"
    yield ""
    command = one_line(f"{frame.command or 'order-runner apply PATH...'} --approve {frame.digest}")
    longest = max((len(run) for run in re.findall("`+", command)), default=0)
    fence = "`" * max(3, longest + 1)
    yield from (f"{fence}sh", command, fence)

"""`order-runner resolve KEY --placed ORDER_ID | --absent --reason TEXT`"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from runner.cli.options import ended, holder, ledger_options, option, quiet_options, settings_of
from runner.cli.settling import existing_ledger, key_of
from runner.errors import Cancelled, ExitCode, UsageError

if TYPE_CHECKING:
    from runner.ledger.interface import OpenClaim
    from runner.resolve import Ruling
    from runner.views.console import Console


@click.command("resolve")
@click.argument("key", metavar="KEY")
@option("--placed", metavar="ORDER_ID", help="It was bought: the vendor's id of the order.")
@option("--absent", is_flag=True, help="It was not bought; the next run may buy it.")
@option("--reason", metavar="TEXT", help="Why; needed with --absent.")
@option(
    "--accept-possible-second-purchase",
    is_flag=True,
    help="Call it absent although the waiting time is not over.",
)
@option("--yes", is_flag=True, help="Do not ask.")
@option("--lock-timeout", type=click.FloatRange(min=0), default=0.0, help="Seconds to wait for another run to end. [0]")
@option("--sandbox", is_flag=True, help="Settle an order of the sandbox's ledger.")
@ledger_options
@quiet_options
@click.pass_context
def command(ctx: click.Context, /, key: str, placed: str | None, *, absent: bool, **values: Any) -> int:
    """Settle one order in doubt by your own word, which is kept with your name and reason. No network, no key.

    Look at the vendor's dashboard first. Asks on a terminal; elsewhere it needs --yes.
    """
    from runner import resolve
    from runner.clock import SystemClock
    from runner.views.console import Console

    if (placed is None) != absent:
        raise UsageError("say what became of it: either --placed ORDER_ID or --absent")
    reason = (values["reason"] or ("" if absent else "seen at the vendor")).strip()
    if not reason:
        raise UsageError("--absent needs a reason: it allows the order to be bought again", hint="like --reason TEXT")
    console = Console.detect(no_color=values["no_color"])
    asks = console.interactive and sys.stdin.isatty()
    if not (values["yes"] or asks):
        raise UsageError("nobody is there to confirm this", hint="look at the vendor's dashboard, then say --yes")
    now = SystemClock().now()
    ruling = resolve.Ruling(
        key=key_of(key),
        order_id=placed,
        reason=reason,
        person=resolve.person_of(os.environ),
        at=now,
        accepts_second=values["accept_possible_second_purchase"],
    )
    with existing_ledger(settings_of(ctx, **values)) as ledger:
        claim = resolve.check(ruling, ledger)
        if not values["yes"]:
            _confirm(ruling, claim, console)
        who = holder(now)
        with ledger.hold(who, timeout=values["lock_timeout"]) as hold:
            resolve.resolve(ruling, ledger, hold, who.run_id)
        code = ExitCode.OUTCOME_UNKNOWN if ledger.open_records() else ExitCode.OK
    _say(ruling, console)
    return ended(code, console)


def _confirm(ruling: Ruling, claim: OpenClaim, console: Console) -> None:
    from runner.views.safe import one_line
    from runner.views.settling import open_lines

    console.err.lines(list(open_lines(claim, ""))[:3])
    outcome = f"it was bought as order {ruling.order_id}" if ruling.order_id else "it was not bought"
    question = one_line(f"{ruling.person} says that {outcome}: {ruling.reason}. Put that on record?")
    try:
        agreed = click.confirm(question, default=False, err=True)
    except click.Abort:
        agreed = False
    if not agreed:
        raise Cancelled("not confirmed; nothing was recorded")


def _say(ruling: Ruling, console: Console) -> None:
    from runner.views.safe import one_line

    became = f"placed as order {ruling.order_id}" if ruling.order_id else "absent"
    console.out.lines([one_line(f"{ruling.key} is {became}, says {ruling.person}: {ruling.reason}")])

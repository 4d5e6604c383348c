"""`order-runner resolve KEY --placed ORDER_ID | --absent --reason TEXT`, and `resolve --not-mine ORDER_ID`"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import click

from runner.cli.complete import values as completers
from runner.cli.options.common import ended, ledger_options, option, quiet_options, settings_of
from runner.cli.options.types import key_of
from runner.core.errors import Cancelled, ExitCode, UsageError
from runner.run.wiring import existing_ledger, holder

if TYPE_CHECKING:
    from runner.core.ledger import OpenClaim
    from runner.core.records import Want
    from runner.run.wiring import Settings
    from runner.settle.resolve import Disowning, Ruling
    from runner.views.terminal.console import Console


@click.command("resolve")
@click.argument("key", metavar="[KEY]", required=False, shell_complete=completers.keys)
@option("--placed", metavar="ORDER_ID", help="It was bought: the vendor's id of the order.")
@option("--absent", is_flag=True, help="It was not bought; the next run may buy it.")
@option(
    "--not-mine",
    metavar="ORDER_ID",
    multiple=True,
    help="This order at the vendor is somebody else's: no run asks about it again. May be repeated; takes no KEY.",
)
@option("--reason", metavar="TEXT", help="Why; needed with --absent and --not-mine.")
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
def command(ctx: click.Context, /, key: str | None, not_mine: tuple[str, ...], **values: Any) -> int:
    """Settle one order by your own word, which is kept with your name and reason. No network, no key.

    Look at the vendor's dashboard first. --placed gives its id to an order in doubt, or to one that the ledger has
    forgotten. Asks on a terminal; elsewhere it needs --yes.
    """
    from runner.core.clock import SystemClock
    from runner.settle import resolve
    from runner.views.terminal.console import Console

    _check_call(key, not_mine, values)
    console = Console.detect(no_color=values["no_color"])
    asks = console.interactive and sys.stdin.isatty()
    if not (values["yes"] or asks):
        raise UsageError("nobody is there to confirm this", hint="look at the vendor's dashboard, then say --yes")
    reason = (values["reason"] or "seen at the vendor").strip()
    person, now = resolve.person_of(os.environ), SystemClock().now()
    settings = settings_of(ctx, **values)
    if key is None:
        disowning = resolve.Disowning(order_ids=tuple(dict.fromkeys(not_mine)), reason=reason, person=person, at=now)
        return ended(_disown(disowning, settings, console, values), console)
    ruling = resolve.Ruling(
        key=key_of(key),
        order_id=values["placed"],
        reason=reason,
        person=person,
        at=now,
        accepts_second=values["accept_possible_second_purchase"],
    )
    return ended(_resolve(ruling, settings, console, values), console)


def _check_call(key: str | None, not_mine: tuple[str, ...], values: Mapping[str, Any]) -> None:
    """UsageError for words that do not go together."""
    placed, absent, reason = values["placed"], values["absent"], values["reason"]
    if not_mine and (key or placed or absent):
        raise UsageError("--not-mine is about orders at the vendor: it takes no KEY, no --placed and no --absent")
    if not not_mine and not key:
        raise UsageError("name the order: KEY is missing", hint="`order-runner status` lists the keys")
    if not not_mine and (placed is None) != absent:
        raise UsageError("say what became of it: either --placed ORDER_ID or --absent")
    if (absent or not_mine) and not (reason or "").strip():
        which, why = ("--absent", "it allows the order to be bought again") if absent else ("--not-mine", _WHY)
        raise UsageError(f"{which} needs a reason: {why}", hint="like --reason TEXT")


_WHY: Final = "no run asks about the order again"


def _resolve(ruling: Ruling, settings: Settings, console: Console, values: Mapping[str, Any]) -> ExitCode:
    from runner.settle import resolve

    with existing_ledger(settings) as ledger:
        found = resolve.check(ruling, ledger)
        if not values["yes"]:
            outcome = f"it was bought as order {ruling.order_id}" if ruling.order_id else "it was not bought"
            _confirm(f"{ruling.person} says that {outcome}: {ruling.reason}", _known(found), console)
        who = holder(ruling.at)
        with ledger.hold(who, timeout=values["lock_timeout"]) as hold:
            resolve.resolve(ruling, ledger, hold, who.run_id)
        code = ExitCode.OUTCOME_UNKNOWN if ledger.open_records() else ExitCode.OK
    became = f"placed as order {ruling.order_id}" if ruling.order_id else "absent"
    _say(f"{ruling.key} is {became}, says {ruling.person}: {ruling.reason}", console)
    return code


def _disown(disowning: Disowning, settings: Settings, console: Console, values: Mapping[str, Any]) -> ExitCode:
    from runner.settle import resolve

    ids = ", ".join(disowning.order_ids)
    told = f"order {ids} is somebody else's" if len(disowning.order_ids) == 1 else f"orders {ids} are somebody else's"
    with existing_ledger(settings) as ledger:
        resolve.check_disowning(disowning, ledger)
        if not values["yes"]:
            _confirm(f"{disowning.person} says that {told}: {disowning.reason}", [], console)
        with ledger.hold(holder(disowning.at), timeout=values["lock_timeout"]) as hold:
            resolve.disown(disowning, ledger, hold)
        code = ExitCode.OUTCOME_UNKNOWN if ledger.open_records() else ExitCode.OK
    _say(f"{told}, says {disowning.person}: {disowning.reason}", console)
    return code


def _known(found: OpenClaim | Want) -> list[str]:
    """What the ledger knows of the order, for who is asked."""
    from runner.core.records import Want
    from runner.views.reconcile import open_lines
    from runner.views.wording import what

    if isinstance(found, Want):
        return [f"{found.key}: {what(found.type, found.fields)}; not bought, as far as the ledger knows"]
    return list(open_lines(found, ""))[:3]


def _confirm(told: str, known: list[str], console: Console) -> None:
    from runner.views.terminal.safe import one_line

    console.err.lines(map(one_line, known))
    try:
        agreed = click.confirm(one_line(f"{told}. Put that on record?"), default=False, err=True)
    except click.Abort:
        agreed = False
    if not agreed:
        raise Cancelled("not confirmed; nothing was recorded")


def _say(text: str, console: Console) -> None:
    from runner.views.terminal.safe import one_line

    console.out.lines([one_line(text)])

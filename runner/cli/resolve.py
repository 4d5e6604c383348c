"""`order-runner resolve KEY --placed ORDER_ID | --absent --reason TEXT`, and `resolve --not-mine ORDER_ID`"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from runner.cli import decision
from runner.cli.complete import values as completers
from runner.cli.options import common
from runner.cli.options.command import CommandOptions, argument, define, group, option, option_class
from runner.cli.options.types import key_of
from runner.cli.outputs import show_warning
from runner.core.clock import SystemClock
from runner.core.errors import ExitCode, UsageError
from runner.core.orders import NO_ORDER_ID
from runner.run.settings import Settings, holder
from runner.run.wiring import existing_ledger

if TYPE_CHECKING:
    from runner.core.ledger import Ledger
    from runner.core.records import OpenClaim, Want
    from runner.settle.resolve import Disowning, Ruling
    from runner.views.terminal.console import Console


@option_class
class ResolveOptions(CommandOptions):
    key: str | None = argument(metavar="[KEY]", required=False, shell_complete=completers.keys)
    placed: str | None = option(
        "--placed",
        metavar="[ORDER_ID]",
        is_flag=False,
        flag_value=NO_ORDER_ID,
        help="It was bought: the vendor's id of the order, none for a renewal.",
    )
    absent: bool = option("--absent", is_flag=True, help="It was not bought; the next run may buy it.")
    not_mine: tuple[str, ...] = option(
        "--not-mine",
        metavar="ORDER_ID",
        multiple=True,
        help="This order at the vendor is somebody else's: no run asks about it again. May be repeated; takes no KEY.",
    )
    reason: str | None = option("--reason", metavar="TEXT", help="The reason; needed with --absent and --not-mine.")
    accept_possible_second_purchase: bool = option(
        "--accept-possible-second-purchase",
        is_flag=True,
        help="Declare it absent before the waiting time has passed.",
    )
    yes: bool = option("--yes", is_flag=True, help="Do not ask.")
    lock_timeout: float = common.lock_timeout_option()
    actor: str | None = common.actor_option()
    sandbox: bool = option("--sandbox", is_flag=True, help="Settle an order of the sandbox's ledger.")
    ledger: common.LedgerOptions = group(common.LedgerOptions)
    screen: common.ScreenOptions = group(common.ScreenOptions)


@define("resolve", ResolveOptions)
def command(options: ResolveOptions) -> int:
    """Settle one order by your own decision, recorded with your name and reason. No network, no key.

    Look at the vendor's dashboard first. --placed gives its id to an order in doubt, or to one that the ledger has
    forgotten. Asks on a terminal; elsewhere it needs --yes.
    """
    from runner.settle import resolve

    _refuse_contradiction(options)
    console = options.screen.console()
    decision.refuse_unasked(console, yes=options.yes, hint="check the vendor's dashboard, then pass --yes")
    reason = (options.reason or "seen at the vendor").strip()
    person, now = resolve.person_of(os.environ, options.actor), SystemClock().now()
    settings = common.ledger_settings(options.ledger, options.origins, sandbox=options.sandbox)
    if options.key is None:
        order_ids = tuple(dict.fromkeys(options.not_mine))
        disowning = resolve.Disowning(order_ids=order_ids, reason=reason, person=person, at=now)
        return common.exit_code(_disown(disowning, settings, console, options), console)
    ruling = resolve.Ruling(
        key=key_of(options.key),
        order_id=options.placed,
        reason=reason,
        person=person,
        at=now,
        accepts_second=options.accept_possible_second_purchase,
    )
    return common.exit_code(_resolve(ruling, settings, console, options), console)


def _refuse_contradiction(options: ResolveOptions) -> None:
    """UsageError for options that do not go together."""
    key, placed, absent, not_mine = options.key, options.placed, options.absent, options.not_mine
    if not_mine and (key or placed or absent):
        raise UsageError("--not-mine names orders at the vendor: it takes no KEY, no --placed and no --absent")
    if not not_mine and not key:
        raise UsageError("name the order: KEY is missing", hint="`order-runner status` lists the keys")
    if not not_mine and (placed is None) != absent:
        raise UsageError("say what happened to it: either --placed ORDER_ID or --absent")
    if (absent or not_mine) and not (options.reason or "").strip():
        which, why = ("--absent", "it allows the order to be bought again") if absent else ("--not-mine", _WHY)
        raise UsageError(f"{which} needs a reason: {why}", hint="like --reason TEXT")


_WHY: Final = "no run asks about the order again"


def _resolve(ruling: Ruling, settings: Settings, console: Console, options: ResolveOptions) -> ExitCode:
    from runner.settle import resolve

    with existing_ledger(settings) as ledger:
        _warn_of_another_key(ledger, settings, console, options)
        doubt, who = resolve.check(ruling, ledger), holder(ruling.at, options.actor)
        if not options.yes:
            outcome = f"it was {_words(ruling)}" if ruling.order_id else "it was not bought"
            decision.confirm(f"{ruling.person} decides that {outcome}: {ruling.reason}", _lines_of(doubt), console)
        with ledger.hold(who, timeout=options.lock_timeout) as hold:
            resolve.resolve(ruling, ledger, hold, who.run_id)
        code = ExitCode.OUTCOME_UNKNOWN if ledger.open_records() else ExitCode.OK
    became = _words(ruling).replace("bought", "placed") if ruling.order_id else "absent"
    decision.say(f"{ruling.key} is now {became}, recorded for {ruling.person}: {ruling.reason}", console)
    return code


def _words(ruling: Ruling) -> str:
    return "bought" if ruling.names_no_order or ruling.key.term else f"bought as order {ruling.order_id}"


def _disown(disowning: Disowning, settings: Settings, console: Console, options: ResolveOptions) -> ExitCode:
    from runner.settle import resolve

    ids = ", ".join(disowning.order_ids)
    claim = f"order {ids} is somebody else's" if len(disowning.order_ids) == 1 else f"orders {ids} are somebody else's"
    with existing_ledger(settings) as ledger:
        _warn_of_another_key(ledger, settings, console, options)
        resolve.check_disowning(disowning, ledger)
        if not options.yes:
            decision.confirm(f"{disowning.person} decides that {claim}: {disowning.reason}", [], console)
        with ledger.hold(holder(disowning.at, options.actor), timeout=options.lock_timeout) as hold:
            resolve.disown(disowning, ledger, hold)
        code = ExitCode.OUTCOME_UNKNOWN if ledger.open_records() else ExitCode.OK
    decision.say(f"{claim}, recorded for {disowning.person}: {disowning.reason}", console)
    return code


def _warn_of_another_key(ledger: Ledger, settings: Settings, console: Console, options: ResolveOptions) -> None:
    """Say that the key at hand is not the account's; it is not used here. Raises AccountUnknown for an unknown name."""
    from runner.run.keyring import objection

    if error := objection(ledger, settings, common.flags_of(options.origins, settings)):
        show_warning(error, console)


def _lines_of(doubt: OpenClaim | Want) -> list[str]:
    """What the ledger knows of the order, for who is asked."""
    from runner.core.records import Want
    from runner.views.reconcile import open_lines
    from runner.views.wording import what

    if isinstance(doubt, Want):
        return [f"{doubt.key}: {what(doubt.type, doubt.fields)}; not bought, as far as the ledger knows"]
    return list(open_lines(doubt, ""))[:3]

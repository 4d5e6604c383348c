"""One call for what was delivered: the ledger is read, the vendor is only read, nothing is bought or recorded."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime

from runner.core.clock import SystemClock
from runner.core.errors import ExitCode, RunnerError, worst
from runner.core.leading import leading_there
from runner.core.orders import OrderKey
from runner.core.progress import Watch, harmless
from runner.deliver import choosing, collecting
from runner.deliver.collecting import Deliveries, DeliveryTask, Keep
from runner.deliver.joining import DeliveryState, OrderDelivery
from runner.run import wiring
from runner.run.settings import Settings, holder, locate


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryCall:
    """Which orders: the `manifest_keys`, and those that `names` mean, keys or patterns; `every` for all.

    `wait` is in seconds, 0 for one look. `flags` lead another command to the same ledger. `keep` is handed what each
    look shows before anything is said of it.
    """

    manifest_keys: Sequence[OrderKey] = ()
    names: Sequence[str] = ()
    every: bool = False
    wait: float = 0.0
    flags: str = ""
    keep: Keep = field(default=lambda _: None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What a call came to: whose it was, when, and the deliveries. `base_url` has the key as `***`."""

    run_id: str
    account: str
    base_url: str | None
    started_at: datetime
    finished_at: datetime
    deliveries: Deliveries
    every: bool = False

    @property
    def orders(self) -> tuple[OrderDelivery, ...]:
        """What came of each order, in the order in which they were asked for."""
        return self.deliveries.deliveries

    @property
    def failures(self) -> tuple[RunnerError, ...]:
        """What could not be read at the last look."""
        return self.deliveries.failures

    @property
    def code(self) -> ExitCode:
        """The worst of what happened: 7 for an order in doubt, 5 where something could not be read, 11 for the rest."""
        codes = [failure.exit_code for failure in self.failures]
        codes += [ExitCode.OUTCOME_UNKNOWN for order in self.orders if order.state is DeliveryState.UNKNOWN]
        codes += [ExitCode.NOT_DELIVERED for order in self.orders if order.missing]
        return worst(*codes)


def deliver(settings: Settings, call: DeliveryCall, watch: Watch) -> Delivered:
    """What has been delivered of these orders. Raises as `collecting.collect` and `choosing.choose` do.

    Also LedgerMissing where there is no ledger, because nothing can have been bought by one.
    """
    clock, watch = SystemClock(), harmless(watch)
    place = locate(settings)
    wiring.require_made(place, hint="name the one that `apply` used with --ledger")
    who = holder(clock.now())
    with closing(wiring.open_ledger(place, read_only=True)) as ledger, leading_there(call.flags):
        orders = choosing.everything(ledger) if call.every else choosing.choose(ledger, call.manifest_keys, call.names)
        with wiring.reader(settings, clock, watch) as reader:
            task = DeliveryTask(
                ledger=ledger,
                reader=reader,
                clock=clock,
                watch=watch,
                orders=orders,
                wait=call.wait,
                keep=call.keep,
            )
            deliveries = collecting.collect(task)
            base_url = reader.base_url
    return Delivered(
        run_id=who.run_id,
        account=place.account,
        base_url=base_url,
        started_at=who.since,
        finished_at=clock.now(),
        deliveries=deliveries,
        every=call.every,
    )

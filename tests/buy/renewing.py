"""Renewals on real parts: what a plan hands to the purchase protocol, made here from the vendor's lists and the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from runner.buy.protocol import Desk, Till, no_crash, place_all
from runner.core.clock import SystemClock
from runner.core.errors import LedgerUnusable
from runner.core.orders import ENDS, RENEWS, OrderKey, OrderRequest, Quote, Source
from runner.core.readings import Readings
from runner.core.records import Holder, OpenClaim, Record
from runner.core.renewals import Term
from runner.core.secrets import ApiKey
from runner.core.stop import Stop
from runner.evidence.judge import Rules
from runner.ledger.hold import SqlHold
from runner.ledger.sqlite import open_sqlite
from runner.plan.plan import Step
from runner.report.report import Report
from runner.settle.reconcile import Reconciliation, Settlements, reconcile
from runner.vendors.transport import Timing, Transport
from runner.vendors.v1.adapter import V1Buyer
from tests import make
from tests.buy.desk import KEY, MANIFEST, World, world

KEYS = tuple(OrderKey("b", name) for name in ("one", "two", "three"))
Change = Callable[[list[Step]], list[Step]]


@dataclass(slots=True)
class Renewer:
    """A world in which orders were bought, and calls that renew them; each opens everything anew, as a new process would."""

    world: World
    keys: Sequence[OrderKey] = KEYS
    clock: Any = field(default_factory=SystemClock)
    ends: dict[OrderKey, date] = field(default_factory=dict)

    @property
    def box(self) -> Any:
        return self.world.box

    @contextmanager
    def _open(self) -> Iterator[tuple[Any, V1Buyer]]:
        ledger = open_sqlite(self.world.ledger_path, "default")
        timing = Timing(read=5, money=self.world.money_timeout, connect=5, pauses=(0.01, 0.01))
        try:
            with Transport(self.world.base_url, ApiKey(KEY), clock=self.clock, rate=0, timing=timing) as transport:
                yield ledger, V1Buyer(transport, self.clock)
        finally:
            ledger.close()

    def renew(
        self,
        *keys: OrderKey,
        crash_point: Callable[[str], None] = no_crash,
        between: Callable[[], None] = lambda: None,
        plan: Change = lambda steps: steps,
        product: str = "ipv4",
        fields: dict[str, Any] | None = None,
        also: Sequence[Step] = (),
        **changes: Any,
    ) -> Report:
        """Plan the terms of these orders, and buy them; `between` is what happens in the meantime."""
        self.world.runs += 1
        with self._open() as (ledger, buyer):
            holder = Holder(host="here", pid=1, since=datetime.now(UTC), run_id=f"renewals-{self.world.runs}")
            with ledger.hold(holder, timeout=0) as hold:
                hold.abandon_submitted(self.clock.now())
                assert not ledger.open_records(), "an order in doubt blocks the account"
                readings = Readings(buyer, self.clock, count_events=lambda: hold.events)
                records = ledger.records(keys or self.keys)
                ids = [str(record.order_id) for record in records.values()]
                terms = readings.terms(product, ids)
                requests = [
                    self._request(key, records[key], terms[str(records[key].order_id)], fields or {})
                    for key in (keys or self.keys)
                ]
                steps = plan([*also, *[_step(request, readings) for request in requests]])
                report = make.report(
                    *[make.entry(request=step.request) for step in steps],
                    run_id=holder.run_id,
                )
                between()
                till = Till(
                    **(
                        {
                            "confirm": lambda _: None,
                            "stop": Stop(),
                            "money_timeout": self.world.money_timeout,
                            "pauses": (0.01, 0.01),
                            "crash_point": crash_point,
                        }
                        | changes
                    )
                )
                desk = Desk(
                    till=till,
                    hold=hold,
                    buyer=buyer,
                    readings=readings,
                    report=report,
                    clock=self.clock,
                    watch=self.world.events.append,
                )
                planned = [step for step in steps if step.to_buy]
                place_all(planned, {entry.request.key: entry for entry in report.orders}, desk)
                return report

    def _request(self, key: OrderKey, record: Record, term: Term, fields: dict[str, Any]) -> OrderRequest:
        end = self.ends.get(key) or term.end
        assert end is not None
        wanted = {
            RENEWS: str(record.order_id),
            ENDS: end.isoformat(),
            "periodId": record.fields["periodId"],
            "paymentId": 1,
        }
        source = Source(path="m.yaml", span=make.span())
        return OrderRequest(key=key.renewal(end), type=record.type, fields=wanted | fields, source=source, term=term)

    def reconcile(self, *, minutes: float = 0, exclusive: bool = False) -> Settlements:
        """One look, so many minutes from now."""
        later = Later(timedelta(minutes=minutes))
        with self._open() as (ledger, buyer):
            holder = Holder(host="here", pid=1, since=datetime.now(UTC), run_id="reconcile")
            task = Reconciliation(
                ledger=ledger,
                reader=buyer,
                holder=holder,
                clock=later,
                stop=Stop(),
                watch=self.world.events.append,
                rules=Rules(exclusive=exclusive),
            )
            return reconcile(task)

    def records(self) -> dict[str, Record]:
        with self._open() as (ledger, _):
            return {str(record.key): record for record in ledger.every_record()}

    @contextmanager
    def failing_settlement(self) -> Iterator[None]:
        """No settlement reaches the ledger meanwhile."""
        settle = SqlHold.settle

        def fail(*_: object) -> Record:
            raise LedgerUnusable("disk full")

        SqlHold.settle = fail  # type: ignore[method-assign]
        try:
            yield
        finally:
            SqlHold.settle = settle  # type: ignore[method-assign]

    def records_of(self, key: OrderKey) -> bool:
        """Whether that renewal is bought, as far as the ledger knows."""
        record = self.records().get(str(key))
        return record is not None and record.order_id is not None

    def by_hand(self, name: str, **how: Any) -> None:
        """Somebody renews that order in the dashboard."""
        self.box.dashboard.renew(self.order_id(name), **how)

    def order_id(self, name: str) -> int:
        return int(str(self.records()[f"b/{name}"].order_id))

    def claims(self) -> list[OpenClaim]:
        with self._open() as (ledger, _):
            return list(ledger.open_claims())

    def terms(self) -> dict[str, list[tuple[int, float, float]]]:
        """What was renewed at the vendor by us, by order id: every term with the end before and after it."""
        by_order: dict[str, list[tuple[int, float, float]]] = {}
        for extension in self.box.renewals:
            for term in extension.terms:
                by_order.setdefault(str(term[0]), []).append(term)
        return by_order


class Fast(SystemClock):
    """The system's clock, but for seconds that are waited."""

    def __init__(self) -> None:
        super().__init__()
        self._seconds = 0.0

    def wait(self, seconds: float) -> None:
        self._seconds += seconds

    def monotonic(self) -> float:
        return super().monotonic() + self._seconds


class Later(SystemClock):
    """The system's clock, so much later."""

    def __init__(self, by: timedelta) -> None:
        super().__init__()
        self._by = by

    def now(self) -> datetime:
        return super().now() + self._by


def _step(request: OrderRequest, readings: Readings) -> Step:
    quote = readings.quote(request)
    assert isinstance(quote, Quote), quote
    return make.step(request, quote=quote, ceiling=quote.total)


@contextmanager
def renewer(folder: Path, faults: Sequence[str] = (), manifest: str = MANIFEST, **switches: Any) -> Iterator[Renewer]:
    """A world in which the three orders of the manifest are bought."""
    with world(folder, faults, **switches) as w:
        bought = w.apply(manifest)
        assert {entry.status for entry in bought.report.orders} == {"placed"}
        yield Renewer(w)


def statuses(report: Report) -> list[str]:
    return [entry.status for entry in report.orders]


def spent(renewer_: Renewer) -> Decimal:
    return sum((extension.total for extension in renewer_.box.renewals), Decimal(0))

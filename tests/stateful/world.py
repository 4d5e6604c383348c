"""What outlives every run: a served vendor whose books do not lie, a manifest that grows, a ledger, and the time."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from runner import manifest
from runner.buy.protocol import Till
from runner.cli import run as command
from runner.core.errors import Refused
from runner.core.ledger import Ledger
from runner.core.orders import OrderKey
from runner.core.progress import Progress
from runner.core.records import Holder, Record
from runner.core.secrets import ApiKey
from runner.core.states import State
from runner.evidence.judge import Rules
from runner.ledger.sqlite import open_sqlite
from runner.limits.limits import Limits
from runner.plan.task import Task
from runner.run import batch
from runner.sandbox.box import Sandbox
from runner.sandbox.options import Options
from runner.settle import reconcile, resolve
from runner.vendors.transport import Timing, Transport
from runner.vendors.v1.adapter import V1Buyer
from tests.chaos.judge import Broken
from tests.chaos.world import ACCOUNT, KEY, PLENTY, World, _canonical
from tests.stateful.child import AHEAD
from tests.stateful.life import Died, Life, MortalFile, MortalLedger, PatientStop, on_the_wire

MONEY_TIMEOUT: Final = 0.4
"""Seconds of the real clock: the vendor answers here in milliseconds."""
SOMEBODY: Final = "somebody else"
LONG: Final = 5 * 3600.0
"""Seconds after which nothing of what the vendor was asked is still to come."""


@dataclass(slots=True)
class WorldTime:
    """Time that also passes on request. `ahead` is the world's, in seconds from the machine's; `skew` is our clock's."""

    ahead: float = 0.0
    skew: float = 0.0

    def vendors(self) -> float:
        return time.time() + self.ahead

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.vendors() + self.skew, UTC)

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

    def sleep(self, seconds: float) -> None:
        self.ahead += max(seconds, 0.0)


@dataclass(slots=True)
class Scene(World):
    """The world of `tests.chaos`, in a time of its own, with others who use the account, and runs in this process.

    `exclusive`: nobody else buys on the account. `disturbed`: something has moved the balance, the prices or the list
    that evidence cannot see through, while an order was in doubt.
    """

    time: WorldTime = field(default_factory=WorldTime)
    exclusive: bool = False
    disturbed: bool = False
    runs: int = 0
    events: list[Progress] = field(default_factory=list)

    @property
    def env(self) -> dict[str, str]:
        return {**World.env.fget(self), AHEAD: str(self.time.ahead + self.time.skew)}  # type: ignore[attr-defined]

    @property
    def balance(self) -> Decimal:
        return self.box.balances[KEY]

    def want(self, orders: Any) -> None:
        known = self.bodies
        World.want(self, orders)
        self.bodies = known | self.bodies

    def strangers(self) -> list[str]:
        """Order ids at the vendor that are none of ours."""
        return self.bought().get(None, [])

    def ours(self) -> dict[OrderKey, list[str]]:
        """The vendor's order ids by our key."""
        return {key: ids for key, ids in self.bought().items() if key is not None}

    def coming(self) -> set[OrderKey]:
        """Orders that the vendor has received and not made yet."""
        with self.box._turn():  # makes those that are due
            late = [self.bodies.get(_canonical(order.body)) for order in self.box._vendor.later.values()]
        return {key for key in late if key is not None}

    def quiet(self) -> None:
        """Returns when the vendor has taken up all that was sent to it."""
        address = urlsplit(self.server.base_url)
        with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=10) as last:
            last.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            while last.recv(1 << 12):
                pass
        deadline = time.monotonic() + 20
        while self.server._open:
            assert time.monotonic() < deadline, "the vendor does not come to rest"
            time.sleep(0.001)

    # Runs in this process

    def apply(self, life: Life | None = None, path: str = "orders.yaml", jobs: int = 1) -> batch.Ended | None:
        """One `apply`, as far as it gets; None where it died, which a thread of its own cannot be made to: jobs 1."""
        life = life or Life()
        task = Task(
            contents=manifest.load([str(self.folder / path)]),
            limits=Limits(large=PLENTY),
            holder=self._holder(),
            clock=self.time,
            watch=self.events.append,
            ledger_name="ledger",
        )
        assert not task.contents.errors, task.contents.problems
        try:
            with self._ledger() as ledger, self._transport() as way, on_the_wire(life):
                mortal: Any = MortalLedger(ledger, life)  # the rest is handed through
                till = Till(
                    file=MortalFile(self.folder / "report-inside.json", life),
                    confirm=lambda plan: None,
                    stop=PatientStop(self.time.sleep),
                    money_timeout=MONEY_TIMEOUT,
                    crash_point=life.reach,
                    jobs=jobs,
                )
                return batch.apply(task, till, mortal, V1Buyer(way, self.time))
        except Died:
            return None
        finally:
            self.quiet()

    def reconcile(self, *, exclusive: bool) -> reconcile.Settlements:
        """One look; `exclusive` counts only where nobody else buys here."""
        with self._ledger() as ledger, self._transport() as way:
            task = reconcile.Reconciliation(
                ledger=ledger,
                reader=V1Buyer(way, self.time),
                holder=self._holder(),
                clock=self.time,
                stop=PatientStop(self.time.sleep),
                watch=self.events.append,
                rules=Rules(exclusive=exclusive and self.exclusive),
            )
            return reconcile.reconcile(task)

    def person(self, wrong: str | None = None) -> list[str]:
        """Somebody who reads the vendor's books settles what is in doubt; what they said, in one word each.

        `wrong` is an order id that is somebody's already: saying that must be refused. What is still to come has to
        be waited for.
        """
        words = []
        with self._ledger() as ledger, ledger.hold(self._holder(), timeout=0) as hold:
            hold.abandon_submitted(self.time.now())
            for record in ledger.open_records():
                if record.key in self.coming():
                    continue
                if wrong is not None:
                    words.append(self._mistake(record.key, wrong, ledger, hold))
                ids = self.ours().get(record.key, [])
                ruling = self._ruling(record.key, ids[0] if ids else None)
                resolve.resolve(ruling, ledger, hold, "person")
                words.append("placed" if ids else "absent")
        return words

    def _mistake(self, key: OrderKey, wrong: str, ledger: Ledger, hold: Any) -> str:
        try:
            resolve.resolve(self._ruling(key, wrong), ledger, hold, "person")
        except Refused:
            return "refused"
        raise Broken("shared", f"a person gave order {wrong}, which has an owner, to {key}")

    def _ruling(self, key: OrderKey, order_id: str | None) -> resolve.Ruling:
        return resolve.Ruling(
            key=key,
            order_id=order_id,
            reason="seen in the dashboard",
            person=resolve.Person(name="alice", source="USER"),
            at=self.time.now(),
            accepts_second=order_id is None,
        )

    def while_held(self) -> batch.Ended | None:
        """An `apply` while another run has the account."""
        with self._ledger() as ledger, ledger.hold(self._holder(), timeout=0):
            return self.apply()

    def cli(self, *arguments: str) -> int:
        """The command line, in this process; what it says goes to a file."""
        before = signal.getsignal(signal.SIGTERM)
        with (
            (self.folder / "out-inside").open("a") as out,
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(out),
        ):
            try:
                return command([*arguments, "--ledger", str(self.ledger_path)])
            finally:
                signal.signal(signal.SIGTERM, before)

    def note(self) -> None:
        """What the runs in this process have told goes to a file, where the key is looked for."""
        with (self.folder / "told").open("a") as out:
            out.writelines(f"{event!r}\n" for event in self.events)
        self.events.clear()

    # Others

    def stranger(self, offer: Mapping[str, Any]) -> bool:
        """Somebody else buys on the account; whether they could."""
        mark = "coupon" if offer["type"] == "resident" else "customTargetName"
        body = {name: value for name, value in offer.items() if name != "type"} | {mark: SOMEBODY}
        before = len(self.strangers())
        self.box.respond("POST", f"/personal/api/v1/{KEY}/order/make", json.dumps({"paymentId": 1, **body}).encode())
        return len(self.strangers()) > before

    def renew(self, which: int, *, new_id: bool, charge: bool) -> bool:
        """An order of anybody's is renewed by the vendor; whether there was one."""
        orders = [purchase.order_id for purchase in self.box.purchases if purchase.type != "resident"]
        if not orders:
            return False
        try:
            self.box.renew(orders[which % len(orders)], new_id=new_id, charge=charge)
        except ValueError:
            return False
        return True

    def _holder(self) -> Holder:
        self.runs += 1
        return Holder(host="here", pid=1, since=self.time.now(), run_id=f"run-{self.runs}")

    @contextmanager
    def _ledger(self) -> Iterator[Ledger]:
        with closing(open_sqlite(self.ledger_path, ACCOUNT)) as ledger:
            yield ledger

    def _transport(self) -> Transport:
        timing = Timing(read=5, money=MONEY_TIMEOUT, connect=5)
        return Transport(
            self.server.base_url, ApiKey(KEY), clock=self.time, rate=0, timing=timing, watch=self.events.append
        )


@contextmanager
def scene(folder: Path, *, exclusive: bool, delay: float) -> Iterator[Scene]:
    """A new world; `delay` is how long the vendor's list lags behind, in seconds."""
    passing = WorldTime()
    box = Sandbox(options=Options(accounts={KEY: PLENTY}, provisioning_delay=delay), clock=passing.vendors)
    with box.serve() as server:
        yield Scene(folder=folder, box=box, server=server, time=passing, exclusive=exclusive)


def is_placed(records: Mapping[OrderKey, Record], key: OrderKey) -> bool:
    """Whether the ledger knows the order as bought."""
    return key in records and records[key].state is State.PLACED

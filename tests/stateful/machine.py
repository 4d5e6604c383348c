"""Orders, faults, deaths, reruns, strangers, reconciles and the passing of time, in any order Hypothesis can think of."""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from runner.batch import Outcome
from runner.ledger.interface import Record
from runner.orders import PAY_BY_CARD, OrderKey
from tests.chaos.judge import Broken, End
from tests.chaos.play import Player
from tests.chaos.points import LATE, Plan
from tests.chaos.points import POINTS as REAL_POINTS
from tests.chaos.schedule import ARGUMENTS, MAKE_FAULTS, OFFERS, READ_FAULTS
from tests.chaos.world import KEY
from tests.stateful import checks
from tests.stateful.child import ShiftedNursery
from tests.stateful.life import POINTS, Life
from tests.stateful.tally import Tally
from tests.stateful.world import MONEY_TIMEOUT, Scene, is_placed, scene

SHAPES: Final = {
    **{f"{offer['type']} {offer.get('countryId', offer.get('tarifId'))}": dict(offer) for offer in OFFERS},
    "ipv4 561 by card": {**OFFERS[0], "paymentId": PAY_BY_CARD},
}
"""What can be wanted, by a name that reads well in a list of steps."""
SIZES: Final = {**ARGUMENTS, "silent-later": "300", "slow": "0.1", "calc-slow": "0.05"}
"""Arguments of faults: seconds of the vendor's clock for what is made later, of the machine's for what is slow."""
DISTURBING: Final = frozenset({"price-up", "price-up-quote", "overcharge", "no-funds"})
JUMPS: Final = (-86_400.0, -3_600.0, -100.0, -1.0, 1.0, 100.0)
"""Our clock, in seconds: forwards only as far as the waiting time has room for, backwards as far as it likes."""
DAYS_40: Final = 40 * 86_400.0

MEMORY: Final = Path("/dev/shm")
"""Syncs cost nothing here, and what they are for is the business of `tests.powercuts`."""

shapes = st.sampled_from(sorted(SHAPES))
more = st.lists(shapes, min_size=1, max_size=3)
places = st.integers(1, 2)
step_faults = st.sampled_from(MAKE_FAULTS)


def step(**drawn: Any) -> Callable[[Callable[..., None]], Any]:
    """A rule that is counted, and judged once it is over."""

    def make(body: Callable[..., None]) -> Any:
        @rule(**drawn)
        @functools.wraps(body)
        def taken(self: Machine, **given: Any) -> None:
            self.tally.add(f"rule {body.__name__}")
            self.sound = False
            self.ends = []
            body(self, **given)
            self.after()

        return taken

    return make


class Machine(RuleBasedStateMachine):
    """One account, from its first order to the calm at its end."""

    tally: ClassVar[Tally] = Tally()
    nursery: ClassVar[ShiftedNursery | None] = None

    def __init__(self) -> None:
        super().__init__()
        self.sound = False
        self.undo = ExitStack()
        self.ends: list[End] = []
        self.records: dict[OrderKey, Record] = {}
        self.scene: Scene

    @initialize(
        exclusive=st.booleans(), list_lags=st.sampled_from((0, 400)), wanted=st.lists(shapes, min_size=1, max_size=2)
    )
    def begin(self, *, exclusive: bool, list_lags: int, wanted: list[str]) -> None:
        """An account, and a manifest."""
        self.tally.add("games")
        folder = Path(
            self.undo.enter_context(
                tempfile.TemporaryDirectory(prefix="stateful-", dir=MEMORY if MEMORY.is_dir() else None)
            )
        )
        self.scene = self.undo.enter_context(scene(folder, exclusive=exclusive, delay=list_lags))
        self._want(wanted)
        self.after()

    def after(self) -> None:
        """Whatever the step did, this holds."""
        self.tally.counts.update({f"fault {kind}": count for kind, count in self.scene.box.fired.items()})
        with self.scene.box._lock:
            self.scene.box._faults.fired.clear()
        self.scene.calm()
        self.records = checks.judge(self.scene, self.ends)
        self.sound = True

    def teardown(self) -> None:
        try:
            if self.sound:
                for name, count in checks.calm(self.scene).items():
                    self.tally.add(name, count)
                self.tally.add("games whole")
        finally:
            self.undo.close()

    # The manifest

    @step(wanted=st.lists(shapes, min_size=1, max_size=3))
    def want(self, *, wanted: list[str]) -> None:
        self._want(wanted)

    def _want(self, wanted: list[str]) -> None:
        orders = []
        for shape in wanted:
            name = f"n{len(self.scene.orders) + len(orders)}"
            orders.append({"name": name, **SHAPES[shape], _mark(SHAPES[shape]): name})
        self.scene.want(orders)
        self.tally.add("orders", len(orders))

    @step(which=st.integers(0, 20))
    def raise_generation(self, *, which: int) -> None:
        """Bought once, wanted once more."""
        order = self._placed(which)
        if order is None:
            return
        order["generation"] = order.get("generation", 1) + 1
        order[_mark(order)] = f"{order['name']}-{order['generation']}"
        self.scene.want([])
        self.tally.add("orders")

    @step(which=st.integers(0, 20))
    def change_after_purchase(self, *, which: int) -> None:
        """Other content under a name that is bought: refused, whatever else is wanted."""
        order = self._placed(which)
        if order is None:
            return
        before = dict(order)
        order.update({"tarifId": 6928} if order["type"] == "resident" else {"periodId": "3m"})
        (self.scene.folder / "changed.yaml").write_text(_manifest([order]))
        order.clear()
        order.update(before)
        bought = len(self.scene.box.purchases)
        outcome = self.scene.apply(path="changed.yaml")
        self._ended(outcome)
        assert outcome is not None
        if [entry.status for entry in outcome.report.orders] != ["refused"] or len(self.scene.box.purchases) > bought:
            raise Broken("changed", f"{order['name']} was changed after its purchase: {outcome.report.render()}")
        self.tally.add("content change refused")

    def _placed(self, which: int) -> dict[str, Any] | None:
        order = self.scene.orders[which % len(self.scene.orders)]
        generation = order.get("generation", 1)
        key = OrderKey("b", order["name"], generation)
        return order if is_placed(self.records, key) else None

    # Runs

    @step()
    def apply(self) -> None:
        self._apply()

    @step(fault=step_faults, order=places, wanted=more, settled=st.booleans())
    def apply_with_make_fault(self, *, fault: str, order: int, wanted: list[str], settled: bool) -> None:
        self._make_ready(wanted, settled=settled)
        self._arm(fault, order)
        self._apply()

    @step(fault=st.sampled_from(READ_FAULTS), request=st.integers(1, 6), for_long=st.booleans(), wanted=more)
    def apply_with_read_fault(self, *, fault: str, request: int, for_long: bool, wanted: list[str]) -> None:
        self._make_ready(wanted, settled=True)
        self._arm(fault, request, times="x*" if for_long and fault != "price-up-quote" else "")
        self._apply()

    @step(
        point=st.sampled_from(POINTS), order=places, fault=st.none() | step_faults, wanted=more, settled=st.booleans()
    )
    def apply_dies(self, *, point: str, order: int, fault: str | None, wanted: list[str], settled: bool) -> None:
        """A modelled death at a step of the protocol, or between two."""
        self._make_ready(wanted, settled=settled)
        if fault is not None:
            self._arm(fault, order)
        life = Life(point, 1 if point == "1" else order)
        self._apply(life)
        if life.dead:
            self.tally.add(f"died at {point}")

    @step(point=st.sampled_from(REAL_POINTS), order=places, fault=st.none() | step_faults, wanted=more)
    def apply_killed(self, *, point: str, order: int, fault: str | None, wanted: list[str]) -> None:
        """A process of its own, and SIGKILL."""
        if self.nursery is None:
            return
        self._make_ready(wanted, settled=True)
        if fault is not None:
            self._arm(fault, order)
        n = 1 if point in ("1", "closing") else order
        late = 400 if point in LATE else 0
        plan = Plan(point=point, n=n, do="KILL", late_us=late, money_timeout=MONEY_TIMEOUT)
        self.ends = Player(self.nursery, self.tally.real).run_together(self.scene, (plan,))
        self.scene.quiet()

    @step(what=st.sampled_from(("claim", "settle")), order=places, wanted=more)
    def apply_on_a_full_disk(self, *, what: str, order: int, wanted: list[str]) -> None:
        """The ledger does not take a claim, or an outcome, which the emergency file then keeps."""
        self._make_ready(wanted, settled=True)
        life = Life(fails=what, n=order)
        self._apply(life)
        if not life.fails:
            self.tally.add(f"disk full at a {what}")

    @step()
    def apply_while_held(self) -> None:
        """Another run has the account."""
        bought = len(self.scene.box.purchases)
        outcome = self.scene.while_held()
        self._ended(outcome, held=False)
        if outcome is None or outcome.report.exit_code != 9 or len(self.scene.box.purchases) > bought:
            raise Broken("held", "a run did not keep off an account that another one holds")

    def _make_ready(self, wanted: list[str], *, settled: bool) -> None:
        """Something to buy and, where a person has settled what was open, nothing in the way."""
        self._want(wanted)
        if settled:
            self.scene.person()
            self.scene.disturbed &= bool(self.scene.coming())  # those nobody can settle yet

    def _apply(self, life: Life | None = None) -> None:
        self._ended(self.scene.apply(life))

    def _ended(self, outcome: Outcome | None, *, held: bool = True) -> None:
        if outcome is None:
            return
        code = int(outcome.report.exit_code if outcome.report.exit_code is not None else 1)
        self.ends = [End(status=code, held=held, stderr=f"{outcome.error!r}")]
        self.tally.add(f"exit {code}")

    def _arm(self, fault: str, place: int, *, times: str = "") -> None:
        argument = f":{SIZES[fault]}" if fault in SIZES else ""
        if times:
            self.scene.box.add_fault(f"{fault}{times}{argument}")
        else:
            self.scene.arm([f"{fault}+{place}{argument}"])
        self.scene.disturbed |= fault in DISTURBING

    # The world

    @step(seconds=st.sampled_from((1.0, 70.0, 400.0, 1300.0, 5 * 3600.0, DAYS_40)))
    def time_passes(self, *, seconds: float) -> None:
        self._pass(seconds)

    def _pass(self, seconds: float) -> None:
        coming = self.scene.coming()
        self.scene.time.ahead += seconds
        self.scene.disturbed |= seconds == DAYS_40
        self.tally.add("made late", len(coming - self.scene.coming()))

    @step(seconds=st.sampled_from(JUMPS))
    def clock_jumps(self, *, seconds: float) -> None:
        """Ours, not the vendor's."""
        if seconds < 0:
            self.scene.time.skew += seconds
            self.scene.disturbed = True
            self.tally.add("clock went back")
        elif not any(record.state.value in ("submitted", "unknown") for record in self.records.values()):
            self.scene.time.skew += seconds

    @step(shape=shapes)
    def stranger_buys(self, *, shape: str) -> None:
        """Only where others may."""
        if not self.scene.exclusive and self.scene.stranger(SHAPES[shape]):
            self.tally.add("stranger bought")

    @step(which=st.integers(0, 20), new_id=st.booleans(), charge=st.booleans())
    def renewal(self, *, which: int, new_id: bool, charge: bool) -> None:
        if self.scene.renew(which, new_id=new_id, charge=charge):
            self.scene.disturbed = True
            self.tally.add("renewed")

    @step(cents=st.sampled_from((1, 77_777, 1_000_003)))
    def top_up(self, *, cents: int) -> None:
        self.scene.box.set_balance(self.scene.balance + cents / type(self.scene.balance)(100), KEY)
        self.scene.disturbed = True

    # Settling

    @step(
        after=st.sampled_from((0.0, 60.0, 1300.0, 5 * 3600.0)),
        exclusive=st.booleans(),
        fault=st.none() | st.none() | st.sampled_from(READ_FAULTS),
    )
    def reconcile(self, *, after: float, exclusive: bool, fault: str | None) -> None:
        self._pass(after)
        if fault is not None:
            self._arm(fault, 1, times="x*")
        outcome = self.scene.reconcile(exclusive=exclusive)
        verdicts = list(outcome.verdicts.values())
        for verdict in verdicts:
            self.tally.add(f"verdict {verdict.ruling}")
        checks.verdicts_are_earned(fault, verdicts)

    @step(errs=st.booleans())
    def person_resolves(self, *, errs: bool) -> None:
        """Somebody who knows the truth, perhaps after giving an order an id that is another's."""
        owned = sorted(record.order_id for record in self.records.values() if record.order_id)
        for said in self.scene.person(owned[0] if errs and owned else None):
            self.tally.add({"refused": "somebody's id refused"}.get(said, f"person {said}"))

    @step()
    def export_and_verify(self) -> None:
        """The history is whole and can be taken out; `status` says 7 exactly where something is open."""
        if not self.records:
            return
        export = str(self.scene.folder / "export.jsonl")
        codes = [self.scene.cli("ledger", "export", "-o", export), self.scene.cli("ledger", "verify")]
        codes.append(self.scene.cli("ledger", "verify", export))
        is_open = any(record.state.value in ("submitted", "unknown") for record in self.records.values())
        status = self.scene.cli("status", str(self.scene.folder / "orders.yaml"))
        if codes != [0, 0, 0] or status != (7 if is_open else 0):
            raise Broken("history", f"export, verify, verify: {codes}; status {status}, open: {is_open}")


def _mark(offer: dict[str, Any]) -> str:
    """The field that tells the vendor's books, and nothing we can read there, whose order it is."""
    return "coupon" if offer["type"] == "resident" else "customTargetName"


def _manifest(orders: list[dict[str, Any]]) -> str:
    return json.dumps({"apiVersion": "orders/v1", "batch": "b", "orders": orders})

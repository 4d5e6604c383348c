"""Orders, faults, deaths, reruns, strangers, reconciles and the passing of time, in any order Hypothesis can think of."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from tests.chaos.judge import Broken
from tests.chaos.play import Player
from tests.chaos.points import LATE, Plan
from tests.chaos.points import POINTS as REAL_POINTS
from tests.chaos.world import KEY
from tests.stateful.draws import (
    DAYS_40,
    JUMPS,
    SHAPES,
    delays,
    look_faults,
    make_faults,
    more,
    places,
    read_faults,
    several,
    shapes,
)
from tests.stateful.game import Game, mark_of, step
from tests.stateful.life import POINTS, Life
from tests.stateful.world import MONEY_TIMEOUT


class Machine(Game):
    """Every step there is."""

    # The manifest

    @step(wanted=st.lists(shapes, min_size=1, max_size=3))
    def want(self, *, wanted: list[str]) -> None:
        self._want(wanted)

    @step(which=st.integers(0, 20))
    def raise_generation(self, *, which: int) -> None:
        """Bought once, wanted once more."""
        order = self._placed(which)
        if order is None:
            return
        order["generation"] = order.get("generation", 1) + 1
        order[mark_of(order)] = f"{order['name']}-{order['generation']}"
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

    # Runs

    @step(jobs=several)
    def apply(self, *, jobs: int) -> None:
        self._apply(jobs=jobs)

    @step(fault=make_faults, order=places, wanted=more, settled=st.booleans(), jobs=several)
    def apply_with_make_fault(self, *, fault: str, order: int, wanted: list[str], settled: bool, jobs: int) -> None:
        self._make_ready(wanted, settled=settled)
        self._arm(fault, order)
        self._apply(jobs=jobs)

    @step(fault=read_faults, request=st.integers(1, 6), for_long=st.booleans(), wanted=more)
    def apply_with_read_fault(self, *, fault: str, request: int, for_long: bool, wanted: list[str]) -> None:
        self._make_ready(wanted, settled=True)
        self._arm(fault, request, times="x*" if for_long and fault != "price-up-quote" else "")
        self._apply()

    @step(
        point=st.sampled_from(POINTS), order=places, fault=st.none() | make_faults, wanted=more, settled=st.booleans()
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

    @step(point=st.sampled_from(REAL_POINTS), order=places, fault=st.none() | make_faults, wanted=more, jobs=several)
    def apply_killed(self, *, point: str, order: int, fault: str | None, wanted: list[str], jobs: int) -> None:
        """A process of its own, and SIGKILL."""
        if self.nursery is None:
            return
        self._make_ready(wanted, settled=True)
        if fault is not None:
            self._arm(fault, order)
        n = 1 if point in ("1", "closing") else order
        late = 400 if point in LATE else 0
        plan = Plan(point=point, n=n, do="KILL", late_us=late, jobs=jobs, money_timeout=MONEY_TIMEOUT)
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

    # The world

    @step(seconds=st.sampled_from((1.0, 70.0, 400.0, 1300.0, 5 * 3600.0, DAYS_40)))
    def time_passes(self, *, seconds: float) -> None:
        self._pass(seconds)

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

    @step(after=delays, exclusive=st.booleans(), fault=look_faults)
    def reconcile(self, *, after: float, exclusive: bool, fault: str | None) -> None:
        """What there is to settle, if there is anything."""
        self._reconcile(after, exclusive=exclusive, fault=fault)

    @step(wanted=more, lost=make_faults, after=delays, exclusive=st.booleans(), fault=look_faults)
    def lose_and_reconcile(
        self, *, wanted: list[str], lost: str, after: float, exclusive: bool, fault: str | None
    ) -> None:
        """An outcome is lost, as far as the fault loses one, and evidence is to settle it."""
        self._make_ready(wanted, settled=True)
        self._arm(lost, 1)
        self.scene.apply()
        self.scene.calm()
        self._reconcile(after, exclusive=exclusive, fault=fault)

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


def _manifest(orders: list[dict[str, Any]]) -> str:
    return json.dumps({"apiVersion": "orders/v1", "batch": "b", "orders": orders})

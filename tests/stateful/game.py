"""One game: its account from the first order to the calm, what is judged after each step, and what steps are made of."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from runner.core.orders import OrderKey
from runner.core.records import Record
from runner.run.batch import Ended
from tests.chaos.judge import End
from tests.stateful import checks
from tests.stateful.child import ShiftedNursery
from tests.stateful.draws import DAYS_40, DISTURBING, MEMORY, SHAPES, SIZES, shapes
from tests.stateful.life import Life
from tests.stateful.tally import Tally
from tests.stateful.world import Scene, is_placed, scene


def step(**drawn: Any) -> Callable[[Callable[..., None]], Any]:
    """A rule that is counted, and judged once it is over."""

    def make(body: Callable[..., None]) -> Any:
        @rule(**drawn)
        @functools.wraps(body)
        def taken(self: Game, **given: Any) -> None:
            self.tally.add(f"rule {body.__name__}")
            self.sound = False
            self.ends = []
            body(self, **given)
            self.after()

        return taken

    return make


class Game(RuleBasedStateMachine):
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
        self.tally.counts.update({f"fault {kind}": count for kind, count in self.scene.box.fault_counts.items()})
        with self.scene.box._lock:
            self.scene.box._faults.hits.clear()
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

    # What steps are made of

    def _want(self, wanted: list[str]) -> None:
        orders = []
        for shape in wanted:
            name = f"n{len(self.scene.orders) + len(orders)}"
            orders.append({"name": name, **SHAPES[shape], mark_of(SHAPES[shape]): name})
        self.scene.want(orders)
        self.tally.add("orders", len(orders))

    def _placed(self, which: int) -> dict[str, Any] | None:
        order = self.scene.orders[which % len(self.scene.orders)]
        generation = order.get("generation", 1)
        key = OrderKey("b", order["name"], generation)
        return order if is_placed(self.records, key) else None

    def _make_ready(self, wanted: list[str], *, settled: bool) -> None:
        """Something to buy and, where a person has settled what was open, nothing in the way."""
        self._want(wanted)
        if settled:
            self.scene.person()
            self.scene.disturbed &= bool(self.scene.coming())  # those nobody can settle yet

    def _apply(self, life: Life | None = None, jobs: int = 1) -> None:
        self.tally.add(f"apply with jobs {jobs}")
        self._ended(self.scene.apply(life, jobs=jobs))

    def _ended(self, outcome: Ended | None, *, held: bool = True) -> None:
        if outcome is None:
            return
        code = int(outcome.report.exit_code if outcome.report.exit_code is not None else 1)
        self.ends = [End(slot="-", status=code, held=held, stderr=f"{outcome.error!r}")]
        self.tally.add(f"exit {code}")

    def _arm(self, fault: str, place: int, *, times: str = "") -> None:
        argument = f":{SIZES[fault]}" if fault in SIZES else ""
        if times:
            self.scene.box.add_fault(f"{fault}{times}{argument}")
        else:
            self.scene.arm([f"{fault}+{place}{argument}"])
        self.scene.disturbed |= fault in DISTURBING

    def _pass(self, seconds: float) -> None:
        coming = self.scene.coming()
        self.scene.time.ahead += seconds
        self.scene.disturbed |= seconds == DAYS_40
        self.tally.add("made late", len(coming - self.scene.coming()))

    def _reconcile(self, after: float, *, exclusive: bool, fault: str | None) -> None:
        self._pass(after)
        if fault is not None:
            self._arm(fault, 1, times="x*")
        verdicts = list(self.scene.reconcile(exclusive=exclusive).verdicts.values())
        for verdict in verdicts:
            self.tally.add(f"verdict {verdict.ruling}")
        checks.verdicts_are_earned(fault, verdicts)


def mark_of(offer: dict[str, Any]) -> str:
    """The field that tells the vendor's books, and nothing we can read there, whose order it is."""
    return "coupon" if offer["type"] == "resident" else "customTargetName"

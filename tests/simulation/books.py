"""What a world knows of itself: the ledger's rows, read past the code under test, and the vendor's truth."""

from __future__ import annotations

import json
import random
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from runner.core.orders import PAY_BY_CARD
from runner.core.states import OPEN, State
from runner.ledger.sqlite import SqliteConnection
from runner.manifest import Loaded
from tests.simulation.process import AT, SimClock

if TYPE_CHECKING:
    from tests.simulation.forgetting import Forgetting
    from tests.simulation.renewing import Renewing
    from tests.simulation.vendor import Vendor

NOTHING: Final = (None, None)


class Books:
    """The looking half of a world."""

    rng: random.Random
    clock: SimClock
    connection: SqliteConnection
    vendor: Vendor
    forgetting: Forgetting
    renewing: Renewing
    loaded: Loaded
    goals: dict[str, str]
    """Each order's key, and the `customTargetName` by which the vendor knows it."""
    former: dict[str, str]
    """The same for keys that orders had before they were renamed."""

    def ask(self, statement: str, *values: object) -> list[Any]:
        """Rows of the ledger, read past the code under test."""
        return self.connection.raw.execute(statement, values).fetchall()

    def states(self) -> dict[str, tuple[State, str | None]]:
        """What stands in the ledger's rows: per key its state and order id."""
        rows = self.ask("SELECT key, state, order_id FROM orders")
        return {key: (State(state), order_id) for key, state, order_id in rows}

    def submitted(self, goal: str) -> list[str]:
        """The quotes of what is claimed for a goal and not settled."""
        rows = self.ask("SELECT key, quote_total FROM orders WHERE state = 'submitted'")
        return [total for key, total in rows if self.goals.get(key, key) == goal]

    def in_doubt(self) -> dict[str, Any] | None:
        """The body of an order that is in doubt."""
        known = self.states()
        found = [order for order in self.loaded.orders if known.get(str(order.key), NOTHING)[0] in OPEN]
        return dict(self.rng.choice(found).fields) if found else None

    def room(self, goal: str) -> int:
        """How many purchases of a goal the ledger owns or has in doubt."""
        known = self.states()
        keys = [key for key, of in (self.goals | self.former).items() if of == goal]
        return sum(known.get(key, NOTHING)[0] in (*OPEN, State.PLACED) for key in keys)

    def _is_settled(self, goal: str) -> bool:
        known = self.states()
        settled = all(known.get(key, NOTHING)[0] not in OPEN for key, of in self.goals.items() if of == goal)
        return not goal or (settled and self.renewing.may_move(goal))

    def ended_since(self, product: str, moment: datetime) -> bool:
        """Whether the list has lost an order since then because its period is over."""
        since, now = (moment - AT).total_seconds() - 60, self.clock.monotonic()
        return any(
            since < order.lot.ends_at <= now for order in self.vendor.bought if order.lot.shape.product == product
        )

    def package_moved(self, moment: datetime) -> bool:
        """Whether a resident order has shown since then, be it that it was bought before."""
        since = (moment - AT).total_seconds() - 60
        return any(order.lot.shape.product == "resident" and order.lot.shown_at > since for order in self.vendor.bought)

    def settled_across(self, moment: datetime) -> bool:
        """Whether an order that was claimed before was found to be bought after."""
        rows = self.ask("SELECT claimed_at, updated_at, fields FROM orders WHERE state = 'placed'")
        return any(
            json.loads(fields).get("paymentId") != PAY_BY_CARD
            and datetime.fromisoformat(claimed) <= moment <= datetime.fromisoformat(updated)
            for claimed, updated, fields in rows
        )

    def claimed_by(self, key: str) -> str:
        """The run that claimed an order last."""
        return str(
            self.ask("SELECT run_id FROM order_events WHERE key = ? AND event = 'claimed' ORDER BY seq", key)[-1][0]
        )

    def was_tried_before(self) -> bool:
        """Whether an order was bought by one of several attempts that may each have done it."""
        return bool(
            self.ask(
                "SELECT 1 FROM orders o JOIN order_events e ON e.key = o.key AND e.event = 'claimed' "
                "WHERE o.state = 'placed' AND NOT EXISTS (SELECT 1 FROM order_events v WHERE v.key = e.key "
                "AND v.attempt = e.attempt AND v.event IN ('not_sent', 'rejected')) GROUP BY o.key HAVING COUNT(*) > 1"
            )
        )

    def is_done(self) -> bool:
        """Whether every order is placed."""
        known = self.states()
        return all(known.get(key, NOTHING)[0] is State.PLACED for key in self.goals)

    def are_others(self, truth: list[str], mine: list[str], goal: str) -> bool:
        """Whether the vendor has other orders than the ledger, but for those that were bought again."""
        if self.forgetting.allowed[goal]:
            return len(set(mine)) < len(mine) or not set(mine) <= set(truth)
        return truth != mine

    def first_id(self, order_id: str | None) -> str:
        """The id that an order was bought under; a person may have adopted it under one that a renewal gave it."""
        return next((str(order.order_id) for order in self.vendor.bought if order_id in order.ids), "")

    @property
    def renewals(self) -> bool:
        return any(order.lot.renewals for order in self.vendor.bought)

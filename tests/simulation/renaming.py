"""A person renames a batch that is bought: without a word, then with one, and then brings the old manifest back.

After the calm, when nothing is in doubt, so that one purchase more is one too many whatever the vendor was like before.
"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from runner.core.orders import OrderKey, OrderRequest
from runner.core.states import State
from runner.manifest import Loaded
from runner.manifest.requests import Batch
from tests.simulation.process import Process

if TYPE_CHECKING:
    from tests.simulation.world import World

DAY: Final = 86_400.0
RUNS: Final = {"1w": timedelta(days=7), "1m": timedelta(days=30)}
"""How long an order runs at least; a resident package as long as a month."""


class Renaming:
    """What a person does to the names in one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._rng = random.Random(f"renaming {world.seed}")  # its own, so that no other event depends on it
        self._batch = world.loaded.orders[0].key.batch

    def happen(self) -> None:
        """In a world of three; nothing of it costs anything."""
        world, rng = self.world, self._rng
        if rng.random() > 0.34 or world.violations:
            return
        world.clock.advance(rng.choice((60.0, 2 * DAY, 4 * DAY)))
        if self._runs():
            self._without_a_word()
        self._with_a_word()
        if not world.violations:
            self._back_again()

    def _runs(self) -> bool:
        """Whether any of the purchases has not ended yet."""
        claims = {key: datetime.fromisoformat(at) for key, at in self.world.ask("SELECT key, claimed_at FROM orders")}
        now = self.world.clock.now()
        return any(
            claims[str(order.key)] + RUNS[str(order.fields.get("periodId", "1m"))] > now
            for order in self.world.loaded.orders
        )

    def _without_a_word(self) -> None:
        """All orders have other keys, and nothing says so: a strict run refuses the batch."""
        self.world.forgetting.strict = True
        self._buys_nothing("a batch renamed without a word", self._renamed("silent", None))
        self.world.counts["renamed without a word"] += 1

    def _with_a_word(self) -> None:
        """`renamed_from`: the purchases move, even if a process dies over it, and the old keys are given up."""
        world, bought = self.world, self.world.states()
        world.forgetting.strict = self._rng.random() < 0.5
        renamed = self._renamed("new", self._batch)
        goals = {str(order.key): str(order.fields["customTargetName"]) for order in renamed}
        world.former, world.goals = world.goals, goals
        for accidents in (self._rng.choice((0.0, 0.5)), 0.0):
            world._commit_accidents = accidents
            self._buys_nothing("a renamed batch", renamed)
        for order in renamed:
            before, states = str(order.renamed_from), world.states()
            if states.get(str(order.key)) != bought[before] or states[before] != (State.RENAMED, None):
                world.against(f"I2: {before}, {bought[before]}, was renamed to {order.key}: {states}")
        world.counts["renamed"] += 1

    def _back_again(self) -> None:
        """The old manifest comes back from somewhere, to a run that only warns."""
        world = self.world
        world.forgetting.strict = False
        old = tuple(replace(order, renamed_from=None) for order in self._renamed(self._batch, None))
        self._buys_nothing("an old name that came back", old)
        world.counts["old name came back"] += 1

    def _renamed(self, batch: str, before: str | None) -> tuple[OrderRequest, ...]:
        return tuple(
            replace(
                order,
                key=OrderKey(batch, order.key.name),
                renamed_from=OrderKey(before, order.key.name) if before else None,
            )
            for order in self.world.loaded.orders
        )

    def _buys_nothing(self, what: str, orders: tuple[OrderRequest, ...]) -> None:
        world, loaded, keys = self.world, self.world.loaded, self.world.keys
        before = len(world.vendor.bought)
        names = (Batch(name=orders[0].key.batch, path="orders.yaml"),)
        world.loaded = Loaded(count=len(orders), batches=names, files=(), problems=(), orders=orders)
        world.keys = [order.key for order in orders]
        world.run(Process(world))
        world.loaded, world.keys = loaded, keys
        if more := len(world.vendor.bought) - before:
            world.against(f"I1: {what} was bought again, {more} orders of it")

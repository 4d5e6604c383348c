"""Real processes for the crash matrix: a world of three orders, and runners with a plan of what happens to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.judge import End
from tests.chaos.nursery import Nursery
from tests.chaos.play import Player
from tests.chaos.points import Plan
from tests.chaos.schedule import Settling
from tests.chaos.settling import settle
from tests.chaos.tally import Tally
from tests.chaos.world import World, world

PATIENCE = 60.0
LANES = 8
ORDERS = [
    {"name": name, "type": "ipv4", "countryId": 561, "periodId": "1m", "quantity": 2, "customTargetName": name}
    for name in ("one", "two", "three")
]


@dataclass(slots=True)
class Stage:
    """A world, and runners in it, one at a time."""

    world: World
    player: Player

    def run(self, **plan: Any) -> End:
        """One runner from its start to its end. No answer is held back here: only a busy machine keeps one waiting."""
        (end,) = self.player.run_together(self.world, (Plan(money_timeout=PATIENCE, **plan),))
        return end

    def settle(self, *, wait: bool = True, person: bool = False) -> int:
        """`reconcile`, waiting or in one look, and a person for what it leaves; how many orders were in doubt."""
        return settle(self.player, self.world, Settling(plan=Plan(), wait=wait, person=person))

    def states(self) -> list[str]:
        """Of the orders the ledger knows, in manifest order."""
        records = self.world.records()
        return [records[key].state.value for key in self.world.keys if key in records]

    def count(self) -> int:
        """Purchases at the vendor."""
        return len(self.world.box.purchases)


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as found:
        yield found


@pytest.fixture
def stage(tmp_path: Path, nursery: Nursery) -> Iterator[Stage]:
    with world(tmp_path) as found:
        found.want(ORDERS)
        yield Stage(world=found, player=Player(nursery, Tally()))


@pytest.fixture
def crowd(tmp_path: Path, nursery: Nursery) -> Iterator[Stage]:
    """A stage with as many orders as there are lanes, of two contents."""
    with world(tmp_path) as found:
        found.want(
            [ORDERS[0] | {"name": f"o{n}", "customTargetName": f"o{n}", "quantity": 1 + n % 2} for n in range(LANES)]
        )
        yield Stage(world=found, player=Player(nursery, Tally()))

"""Ledgers that go away: a folder that is put back from a copy while a run is on it, and an older copy beside the lock."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from runner.core.records import Head
from runner.ledger.schema import metadata
from tests.simulation.process import MOVES, Process
from tests.simulation.store import database

if TYPE_CHECKING:
    from tests.simulation.world import World

MOVED: Final = ("2", "3", "4", "5", "6", "answered", "7", "8", "9")
"""Where the ledger may go away: at every step but between the last look and the first byte."""


class Lock:
    """The lock file, in memory: what it remembers, and whether it is the one that others find."""

    path = Path("ledger.lock")

    def __init__(self, world: World, head: Head | None = None) -> None:
        self.head = head
        self._world = world

    def is_in_place(self) -> bool:
        return self._world.lock is self

    def memory(self) -> Head | None:
        return self.head

    def remember(self, head: Head) -> None:
        self.head = head


class Moving:
    """What happens to the files of one world. Its dice are its own: worlds without it stay what they were."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.is_behind = False
        """An older copy is in the ledger's place."""
        self._dice = random.Random(f"moving {world.seed}")
        self._happens = self._dice.random() < 0.4
        self._copy: dict[str, list[Any]] = {name: [] for name in metadata.tables}

    def befalls(self, process: Process) -> Process:
        """Now and then a run is to lose its ledger, whatever else was meant for it."""
        if self._happens and self._dice.random() < 0.5:
            process.fate, process.point = MOVES, self._dice.choice(MOVED)
        return process

    def away(self, process: Process) -> None:
        """A copy of the folder takes its place. What the process has open shows to nobody; others may run at once."""
        world = self.world
        if self.is_behind or process.connection is not world.connection:
            return
        world.counts["ledger moved away"] += 1
        world.say("    its folder is put back from a copy")
        copy = database()
        world.connection.raw.backup(copy.raw)
        world.connection, world.lock, world.holder = copy, Lock(world, world.lock.head), None
        if self._dice.random() < 0.8:
            world.run(Process(world))

    def between_runs(self) -> None:
        """Somebody copies the ledger, or puts a copy in its place, sees a run refused, and puts the newest back."""
        world = self.world
        if not self._happens or world.holder is not None:
            return
        newest = self._dump()
        if len(newest["order_events"]) > len(self._copy["order_events"]) and self._dice.random() < 0.5:
            world.say("  an older copy is in the ledger's place")
            self._put(self._copy)
            self.is_behind = True
            world.run(Process(world))
            self.is_behind = False
            if len(self._dump()["order_events"]) == len(self._copy["order_events"]):
                world.counts["older copy refused"] += 1
                self._put(newest)
            # Else the lock had not heard of what the copy lacks, so nothing of it was sent: the copy is the newest now.
        else:
            self._copy = newest

    def forget(self) -> None:
        """Somebody says that what is missing may be forgotten: the lock is deleted."""
        self.world.lock = Lock(self.world)
        self._copy = {name: [] for name in metadata.tables}

    def _dump(self) -> dict[str, list[Any]]:
        return {name: self.world.ask(f"SELECT * FROM {name}") for name in metadata.tables}

    def _put(self, rows: dict[str, list[Any]]) -> None:
        put(self.world, rows)


def put(world: World, rows: dict[str, list[Any]]) -> None:
    """Make these rows the whole ledger."""
    cursor = world.connection.raw
    for table in reversed(metadata.sorted_tables):
        cursor.execute(f"DELETE FROM {table.name}")
    for table in metadata.sorted_tables:
        cursor.executemany(f"INSERT INTO {table.name} VALUES ({','.join('?' * len(table.columns))})", rows[table.name])

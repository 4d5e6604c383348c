"""Every world that can come of an account, each once, nearest first; the first broken promise, with its story."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.interleavings.judging import faults
from tests.interleavings.moves import Moves
from tests.interleavings.process import Broken
from tests.interleavings.state import Scope, World, begin, normal


@dataclass(slots=True, kw_only=True)
class Result:
    """How many worlds, moves, worlds after which nothing happens and questions to the judge; its verdicts by ruling.

    `fault` is the first broken promise, `story` the moves that lead there.
    """

    scope: Scope
    worlds: int = 0
    moves: int = 0
    ends: int = 0
    questions: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    fault: str | None = None
    story: tuple[str, ...] = ()


def explore(scope: Scope) -> Result:
    """All of it, or as far as the first broken promise."""
    search = Search(scope)
    result = Result(scope=scope)
    try:
        search.run()
    except Broken as broken:
        result.fault, result.story = str(broken), (*search.story(), broken.label)
    result.worlds, result.moves, result.ends = len(search.worlds), len(search.arrows) // 2, len(search.ends)
    judge = search.moves.judge
    result.questions = judge.questions
    result.verdicts.update(ruled.ruling for ruled in judge.verdicts())
    return result


class Search:
    """Worlds by the order in which they were met: `worlds` has their numbers, `arrows` pairs of them, from and to."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.moves = Moves(scope)
        self.worlds: dict[World, int] = {begin(scope): 0}
        self.arrows = array("L")
        self.ends: list[int] = []
        self._came: list[tuple[int, str]] = [(0, "")]
        self._at = 0

    def run(self) -> None:
        """Raises Broken for a promise that does not hold."""
        waiting = [begin(self.scope)]
        while waiting:
            following: list[World] = []
            for world in waiting:
                self._at = self.worlds[world]
                following += self._visit(world)
            waiting = following
        for number in self._endless():
            self._at = number
            raise Broken("from here on", "nothing leads to an end")

    def _visit(self, world: World) -> list[World]:
        """The new worlds that follow on one; each promise is held against them."""
        new = []
        is_end = True
        for label, reached in self.moves.next(world):
            now = normal(reached)
            number = self.worlds.setdefault(now, len(self.worlds))
            if number == self._at:
                continue
            is_end = False
            self.arrows.extend((self._at, number))
            if number == len(self._came):
                for fault in faults(self.scope, now):
                    raise Broken(label, fault)
                self._came.append((self._at, label))
                new.append(now)
        if is_end:
            self.ends.append(self._at)
            for fault in unfinished(world):
                raise Broken("nothing more can happen", fault)
        return new

    def _endless(self) -> Iterator[int]:
        """The worlds from which no end can be reached."""
        ends = bytearray(len(self.worlds))
        for number in self.ends:
            ends[number] = 1
        sources, targets = self.arrows[-2::-2], self.arrows[-1::-2]
        is_growing = True
        while is_growing:
            is_growing = False
            for before, after in zip(sources, targets, strict=True):
                if ends[after] and not ends[before]:
                    ends[before] = is_growing = True
        return (number for number, can_end in enumerate(ends) if not can_end)

    def story(self) -> tuple[str, ...]:
        """The moves to the world that was visited last."""
        labels, number = [], self._at
        while number:
            number, label = self._came[number]
            labels.append(label)
        return tuple(reversed(labels))


def unfinished(world: World) -> Iterator[str]:
    """What an account must not end with: something is in doubt, or under way, and nothing can happen any more."""
    for order, row in world.open_rows():
        yield f"order {order} is {row.state} for ever"
    if world.pending:
        yield f"order {world.pending[0]} is still at the vendor"

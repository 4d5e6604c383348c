"""The renamings of one call, to find those that contradict each other, in little memory."""

from __future__ import annotations

from collections.abc import Iterator

from runner.core.errors import Problem, Span
from runner.core.orders import OrderKey
from runner.manifest.judging import Accepted
from runner.manifest.keys import Keys, PackedPlaces


class Renames(PackedPlaces):
    """What each order was called before, with the place of each renaming packed into one integer."""

    def __init__(self) -> None:
        super().__init__()
        self._by_source: dict[str, tuple[str, int]] = {}
        self._twice: list[tuple[str, str, int]] = []

    def forget(self) -> None:
        """Drop what the current file added: it is read again."""
        self._by_source = {before: one for before, one in self._by_source.items() if one[1] < self._first}
        self._twice = [one for one in self._twice if one[2] < self._first]
        self._paths.pop()

    def add(self, accepted: Accepted, after: OrderKey, before: OrderKey) -> None:
        """Look at one more order that was bought by another key."""
        field = "renamed_from" if "renamed_from" in accepted.entry.value else "name"
        at = self._pack(*accepted.entry.where(field))
        if str(before) in self._by_source:
            self._twice.append((str(before), str(after), at))
        else:
            self._by_source[str(before)] = str(after), at

    def problems(self, keys: Keys) -> Iterator[Problem]:
        """Every renaming that contradicts another one, or an order that is still there."""
        for before, after, at in self._twice:
            other, place = self._by_source[before]
            message = f"`{before}` was renamed to another order already: `{other}`, at {self._place(place)}"
            yield self._problem(before, after, at, message, "an order has one new name: remove the other renaming")
        for before, (after, at) in self._by_source.items():
            if before == after:
                message, hint = f"`{after}` was not renamed: that is its name", "remove `renamed_from`, or correct it"
            elif circle := self._circle(before):
                message = f"these renamings lead in a circle: {' → '.join(circle)}"
                hint = "a name that was given up is never used again: choose new ones"
            elif still := keys.place_of(OrderKey.parse(before)):
                message = f"`{before}` is still an order of its own, at {still}"
                hint = "remove that one; if this is another order, remove `renamed_from`"
            else:
                continue
            yield self._problem(before, after, at, message, hint)

    def _circle(self, before: str) -> list[str]:
        """The keys from `before` back to it; none where its new names end elsewhere."""
        way = [before]
        while (step := self._by_source.get(way[-1])) is not None and step[0] not in way:
            way.append(step[0])
        return [*way, before] if step is not None and step[0] == before else []

    def _problem(self, before: str, after: str, at: int, message: str, hint: str) -> Problem:
        place = self._place(at)
        end = place.column + len(before)
        span = Span(line=place.line, column=place.column, end_line=place.line, end_column=end)
        return Problem(
            code="PSR321", message=message, hint=hint, path=place.path, span=span, field="renamed_from", key=after
        )

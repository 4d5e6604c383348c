"""Orders of one call that are alike in everything but the name: more often a slip of copying than a wish."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from runner.core.errors import Problem
from runner.manifest.judging import Accepted
from runner.manifest.keys import PackedPlaces


@dataclass(slots=True)
class _AlikeOrders:
    """Some orders that are alike: where the first stands, what is said of the second, how many more there are."""

    problem: Problem
    file: int
    more: int = 0


class Alike(PackedPlaces):
    """The contents of a call's orders, by their hash, with the place of each packed into one integer.

    Two contents with one hash of 64 bits would be told as alike: one chance in a billion with 100,000 orders. An order
    that is switched off buys nothing, and a generation of its own above 1 or `copies: meant` is meant; none of them is
    looked at. A generation that all orders of a document have is a part of their content.
    """

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[int, int] = {}
        self._groups: dict[int, _AlikeOrders] = {}

    def forget(self) -> None:
        """Drop what the current file added: it is read again."""
        self._seen = {content: at for content, at in self._seen.items() if at < self._first}
        self._groups = {content: group for content, group in self._groups.items() if group.file < len(self._paths) - 1}
        self._paths.pop()

    def add(self, accepted: Accepted, batch: str) -> None:
        """Look at one more order."""
        values, kind = accepted.values, accepted.kind
        own = accepted.entry.value.get("generation", 1)
        if own != 1 or not values["enabled"] or "copies" in values:
            return
        auth = str(values["auth"]) if "auth" in values else None
        content = hash((kind.name, values["generation"], auth, *map(values.get, kind.content_fields)))
        first = self._seen.get(content)
        group = self._groups.get(content)
        if group is not None:
            group.more += 1
        elif first is not None:
            self._groups[content] = self._group(accepted, batch, first)
        else:
            self._seen[content] = self._pack(*accepted.entry.where("name"))

    def _group(self, accepted: Accepted, batch: str, first: int) -> _AlikeOrders:
        problem = Problem(
            code="PSR320",
            severity="warning",
            message=f"identical but for the name to the order at {self._place(first)}",
            hint="if both are intended, write `copies: meant`; if one is a mistake, remove it (--strict refuses it)",
            path=self._paths[-1],
            span=accepted.entry.landmark("name"),
            field="name",
            key=f"{batch}/{accepted.values['name']}",
        )
        return _AlikeOrders(problem, len(self._paths) - 1)

    def problems(self) -> Iterator[Problem]:
        """One warning for each content that is there more than once, at its second order."""
        for group in self._groups.values():
            others = f", and {group.more:,} more like them" if group.more else ""
            yield replace(group.problem, message=group.problem.message + others)

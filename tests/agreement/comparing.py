"""One text through both readers: what each makes of it, in every detail that anything else of the runner can see."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Literal

from runner import manifest
from runner.core import yamldoc
from runner.core.yamldoc import source
from runner.core.yamldoc.nodes import Field, Item, ListEntry
from runner.core.yamldoc.rows import LineEntry
from runner.core.yamldoc.source import TextSource

Share = Literal["all", "some", "none"]
"""How much of a text's entries was read line by line."""

Reader = Callable[..., Iterator[Item]]


@contextmanager
def pieces_of(size: int) -> Iterator[None]:
    """Files are read in pieces of so many bytes."""
    usual = source._CHUNK
    source._CHUNK = size  # type: ignore[misc]  # as constant as can be: only tests want to meet its borders
    try:
        yield
    finally:
        source._CHUNK = usual  # type: ignore[misc]


def difference(data: bytes, *, size: int = 1 << 16, pure: bool = False) -> tuple[str | None, Share]:
    """The first thing that the readers say differently, in words; None where there is none."""
    with pieces_of(size):
        fast, slow = (_items(reader, data, pure=pure) for reader in (yamldoc.read, yamldoc.parse))
    share = _share(fast)
    for at, (one, other) in enumerate(zip(fast, slow, strict=False)):
        if (left := described(one)) != (right := described(other)):
            return f"item {at}: line by line {left}, parsed {right}", share
    if len(fast) != len(slow):
        return f"{len(fast)} items line by line, {len(slow)} parsed", share
    return None, share


def loaded_difference(data: bytes) -> tuple[str | None, int]:
    """The same of the manifest that a text is, its orders, batches and findings; and how many orders it has."""
    fast, slow = (_loaded(reader, data) for reader in (yamldoc.read, yamldoc.parse))
    return None if fast == slow else f"line by line {fast}, parsed {slow}", len(slow[-1])


def described(item: Item) -> Any:
    """An item as plain data, with every place that it can tell."""
    if isinstance(item, Field):
        return item.key, repr(item.value), item.problems, _places(item)
    if not isinstance(item, ListEntry):
        return repr(item)
    if not isinstance(item.value, dict):
        return repr(item.value), item.problems, item.extent, _places(item)
    landmarks = [(item.landmark(name), item.where(name)) for name in ("name", "nothing", *[*item.value][-1:])]
    return repr(item.value), item.problems, item.extent, _places(item), landmarks


def _places(item: Field | ListEntry) -> list[Any]:
    return [(path, item.key_span(*path), item.value_span(*path)) for path in _paths(item.value, ())]


def _paths(value: Any, at: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    yield at
    if not at:
        yield ("nothing",)
    for step in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from _paths(value[step], (*at, step))


def _items(reader: Reader, data: bytes, *, pure: bool) -> list[Item]:
    return list(reader(TextSource.of(data, path="m.yaml"), split="orders", pure=pure))


def _loaded(reader: Reader, data: bytes) -> Any:
    usual = manifest.read
    manifest.read = reader  # type: ignore[assignment]
    try:
        loaded = manifest.load(["-"], stdin=io.BytesIO(data))
    finally:
        manifest.read = usual
    orders = [
        (replace(order, source=replace(order.source, fields=dict(order.source.fields))), order.source.snippet)
        for order in loaded.orders
    ]
    return loaded.count, loaded.batches, loaded.files, loaded.problems, orders


def _share(items: list[Item]) -> Share:
    entries = [isinstance(item, LineEntry) for item in items if isinstance(item, ListEntry)]
    done = not entries or all(entries)
    if any(entries):
        return "all" if done and isinstance(items[-1], yamldoc.End) else "some"
    return "none"

"""What a disk may hold after a power cut: a pure model over a recorded list of file operations.

What was synced is there. Of what was not, every sector holds any of the contents it went through, on its own: so
writes are dropped, overtake each other, and are torn between sectors and within one. A file may have any size it went
through, and what was never written in it is zeros or rubbish. A name may lead to any file it led to since its folder
was synced last.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

LIES: Final = "lying-disk"
"""The switch for a disk that takes every sync for nothing."""


@dataclass(frozen=True, slots=True)
class Op:
    """One call. `file` numbers a file through renamings and deletions; `name` is its ending: `db`, `-wal`, …"""

    kind: str
    name: str
    file: int = 0
    offset: int = 0
    data: bytes = b""
    folder: bool = False
    """Of a sync or deletion: whether it makes the folder durable as well."""

    @property
    def label(self) -> str:
        return f"{self.kind} {self.name.lstrip('-')}"


@dataclass(slots=True)
class File:
    """A file's durable bytes, and what was asked of it since its last sync."""

    durable: bytes = b""
    pending: list[Op] = field(default_factory=list)

    def whole(self) -> bytes:
        """As it is without a cut."""
        content = bytearray(self.durable)
        for op in self.pending:
            _apply(content, op)
        return bytes(content)

    def sync(self) -> None:
        self.durable, self.pending = self.whole(), []


class Disk:
    """Files and their names, before and after."""

    def __init__(self, start: dict[str, bytes], *, lies: bool = False) -> None:
        self._lies = lies
        self._files = {-n: File(durable) for n, durable in enumerate(start.values(), 1)}
        self._names: dict[str, list[int | None]] = {name: [-n] for n, name in enumerate(start, 1)}
        """Per name the files it led to, oldest first: the first is durable. None: it led to nothing."""

    def do(self, op: Op) -> None:
        """Take one call."""
        if op.kind == "create":
            self._files[op.file] = File()
            self._names.setdefault(op.name, [None]).append(op.file)
        elif op.kind == "rename":
            self._names.setdefault(op.name, [None]).append(op.file)
        elif op.kind == "delete":
            self._names[op.name].append(None)
        elif op.kind == "sync" and not self._lies:
            self._file(op).sync()
        elif op.kind in ("write", "truncate"):
            self._file(op).pending.append(op)
        if op.folder and not self._lies:
            self._names = {name: files[-1:] for name, files in self._names.items()}

    def _file(self, op: Op) -> File:
        if op.file:
            return self._files[op.file]
        last = self._names[op.name][-1]
        assert last is not None, op
        return self._files[last]

    def survivors(self, rng: random.Random, counts: Counter[str]) -> dict[str, bytes]:
        """What is found after a cut now, by name; adds up what became of unsynced writes in `counts`."""
        disks = {}
        for name, files in self._names.items():
            number = rng.choice(files)
            if number is not None:
                disks[name] = Fate(self._files[number], rng).content(counts)
            counts["names that went back"] += number != files[-1]
        return disks


class Fate:
    """What becomes of one file's unsynced operations."""

    def __init__(self, file: File, rng: random.Random) -> None:
        self._file = file
        self._rng = rng
        self._sector = rng.choice((512, 4096))
        self._way = rng.choice(("all", "none", "prefix", "mixed", "mixed", "mixed"))
        self._kept: list[set[bool]] = [set() for _ in file.pending]
        """Of each operation, whether its sectors were kept: both where it was torn."""

    def content(self, counts: Counter[str]) -> bytes:
        """The bytes that are there after the cut."""
        file, rng = self._file, self._rng
        if not file.pending:
            return file.durable
        touched, sizes = self._history()
        last = rng.randrange(len(file.pending) + 1)
        chance = rng.random()
        result = bytearray(self._ground(max(size for _, size in sizes)))
        for sector, versions in touched.items():
            chosen = self._choose(versions, last, chance)
            start = sector * self._sector
            piece = versions[chosen][1]
            if self._way == "mixed" and chosen and rng.random() < 0.1:
                cut = rng.randrange(1, self._sector)
                piece = piece[:cut] + versions[chosen - 1][1][cut:]
                counts["sectors torn"] += 1
            for n, (op, _) in enumerate(versions[1:], 1):
                self._kept[op].add(n <= chosen)
            result[start : start + len(piece)] = piece
        size = sizes[self._choose(sizes, last, chance)][1]
        self._count(counts)
        return bytes(result[:size])

    def _ground(self, size: int) -> bytes:
        """What lies where nothing was ever written: zeros, or what was on the disk before."""
        room = (size + self._sector - 1) // self._sector * self._sector - len(self._file.durable)
        filler = self._rng.randbytes(max(room, 0)) if self._rng.random() < 0.3 else bytes(max(room, 0))
        return self._file.durable + filler

    def _history(self) -> tuple[dict[int, list[tuple[int, bytes]]], list[tuple[int, int]]]:
        """Per sector touched its contents, and the file's sizes, each with the number of the operation."""
        content = bytearray(self._file.durable)
        touched: dict[int, list[tuple[int, bytes]]] = {}
        sizes = [(-1, len(content))]
        for n, op in enumerate(self._file.pending):
            before = bytes(content)
            _apply(content, op)
            if op.kind == "write":
                for sector in range(op.offset // self._sector, (op.offset + len(op.data) - 1) // self._sector + 1):
                    versions = touched.setdefault(sector, [(-1, self._cut(before, sector))])
                    versions.append((n, self._cut(content, sector)))
            if len(content) != len(before):
                sizes.append((n, len(content)))
        return touched, sizes

    def _cut(self, content: bytes | bytearray, sector: int) -> bytes:
        return bytes(content[sector * self._sector : (sector + 1) * self._sector]).ljust(self._sector, b"\0")

    def _choose(self, versions: list[tuple[int, bytes]] | list[tuple[int, int]], last: int, chance: float) -> int:
        newest = len(versions) - 1
        if self._way == "all":
            return newest
        if self._way == "none":
            return 0
        if self._way == "prefix":
            return bisect_right([n for n, _ in versions], last - 1) - 1
        return newest if self._rng.random() < chance else self._rng.randrange(newest + 1)

    def _count(self, counts: Counter[str]) -> None:
        writes = [kept for op, kept in zip(self._file.pending, self._kept, strict=True) if op.kind == "write"]
        dropped = [n for n, kept in enumerate(writes) if True not in kept]
        survived = [n for n, kept in enumerate(writes) if True in kept]
        counts["writes unsynced"] += len(writes)
        counts["writes dropped"] += len(dropped)
        counts["writes torn"] += sum(len(kept) == 2 for kept in writes)
        counts["writes reordered"] += sum(bool(dropped) and dropped[0] < n for n in survived)


def _apply(content: bytearray, op: Op) -> None:
    if op.kind == "truncate":
        del content[op.offset :]
        content.extend(bytes(op.offset - len(content)))
        return
    content.extend(bytes(max(0, op.offset - len(content))))
    content[op.offset : op.offset + len(op.data)] = op.data

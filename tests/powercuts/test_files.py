"""Power cuts under the two other files that matter: the report, replaced whole, and the emergency file."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from unittest import mock

import pytest

from runner.core import files
from runner.core.errors import LedgerUnusable
from runner.core.orders import OrderKey
from runner.core.records import Attempt, Settlement
from runner.core.states import Event, State
from runner.ledger import emergency
from tests.powercuts.disk import Disk, Op

OLD, NEW = b"old report " * 700, b"new report " * 1500


class Watched:
    """The module `os` with a list of what changes files."""

    def __init__(self) -> None:
        self.ops: list[Op] = []
        self._open: dict[int, tuple[str, int]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def open(self, path: Path, flags: int, mode: int = 0o777) -> int:
        is_new = not Path(path).exists()
        descriptor = os.open(path, flags, mode)
        number = len(self.ops) + 1 if is_new else 0
        self._open[descriptor] = ("", 0) if flags & os.O_DIRECTORY else (Path(path).name, number)
        if is_new:
            self.ops.append(Op("create", Path(path).name, number))
        return descriptor

    def pwrite(self, descriptor: int, data: bytes, offset: int) -> int:
        self.ops.append(Op("write", *self._open[descriptor], offset, bytes(data)))
        return os.pwrite(descriptor, data, offset)

    def fsync(self, descriptor: int) -> None:
        name, number = self._open[descriptor]
        self.ops.append(Op("sync", name, number) if name else Op("sync folder", "", folder=True))

    def fdopen(self, descriptor: int, mode: str) -> Stream:
        assert mode == "wb"
        return Stream(self, descriptor)

    def renamed(self, source: Path, target: Path) -> Path:
        number = next(op.file for op in self.ops if op.kind == "create" and op.name == source.name)
        self.ops += [Op("rename", target.name, number), Op("delete", source.name)]
        source.replace(target)
        return target


class Stream:
    """A file that is written through."""

    def __init__(self, watched: Watched, descriptor: int) -> None:
        self._watched = watched
        self._descriptor = descriptor
        self._at = 0

    def write(self, data: bytes) -> None:
        self._at += self._watched.pwrite(self._descriptor, data, self._at)

    def flush(self) -> None:
        """Nothing is kept back."""

    def fileno(self) -> int:
        return self._descriptor

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


@contextmanager
def watched() -> Iterator[Watched]:
    watch = Watched()
    with (
        mock.patch.object(files, "os", watch),
        mock.patch.object(emergency, "os", watch),
        mock.patch.object(Path, "rename", lambda *paths: watch.renamed(*paths)),  # noqa: PLW0108 - a function becomes a method
    ):
        yield watch


def survivors(start: dict[str, bytes], ops: list[Op], seeds: int = 60) -> Iterator[dict[str, bytes]]:
    """What may be left after these calls."""
    for seed in range(seeds):
        disk = Disk(start)
        for op in ops:
            disk.do(op)
        yield disk.survivors(random.Random(seed), Counter())


def replaced(folder: Path) -> list[Op]:
    path = folder / "report.json"
    path.write_bytes(OLD)
    with watched() as found:
        files.replace_atomically(path, NEW)
    return found.ops


def test_a_report_is_the_old_or_the_new_one(tmp_path: Path) -> None:
    """After a power cut at any call of a replacement the report is the old or the new one, whole; then the new one."""
    ops = replaced(tmp_path)
    for cut in range(len(ops) + 1):
        found = {left["report.json"] for left in survivors({"report.json": OLD}, ops[:cut])}
        assert found <= {OLD, NEW}
        assert found == {NEW} or cut < len(ops)


@pytest.mark.parametrize("missing", ["sync", "sync folder"])
def test_a_replacement_needs_both_of_its_syncs(tmp_path: Path, missing: str) -> None:
    """Without the sync of the file it may be torn, without that of the folder it may be undone: the cuts show it."""
    ops = [op for op in replaced(tmp_path) if op.kind != missing]
    found = {left["report.json"] for left in survivors({"report.json": OLD}, ops)}
    assert found - {NEW}
    assert (found <= {OLD, NEW}) == (missing == "sync folder")


def outcome(n: int) -> tuple[Attempt, Settlement]:
    at = datetime(2026, 11, 23, 12, n, tzinfo=UTC)
    attempt = Attempt(key=OrderKey("b", f"o{n}"), n=1, run_id="run-1", claimed_at=at)
    evidence = {"body_head": "x" * 3000}
    return attempt, Settlement(
        event=Event.PLACED, after=State.PLACED, at=at, order_id=f"70{n}", reason=None, evidence=evidence
    )


def kept(folder: Path, left: dict[str, bytes]) -> list[tuple[Attempt, Settlement]] | None:
    """What the next run reads, None where it says that it cannot; and whether it can go on after clearing."""
    path = folder / "after"
    path.write_bytes(left.get("file", b""))
    with closing(emergency.EmergencyFile(path, "acme")) as file:
        try:
            entries = file.entries()
        except LedgerUnusable:
            return None
        file.clear()
        file.save(*outcome(9))
        assert file.entries() == [outcome(9)]
        return entries


def acts(folder: Path, *do: Callable[[emergency.EmergencyFile], None]) -> tuple[list[Op], list[int]]:
    """The calls of some acts on a new emergency file, and their number after each act."""
    ends = []
    with watched() as watch, closing(emergency.EmergencyFile(folder / "file", "acme")) as file:
        ends.append(len(watch.ops))
        for act in do:
            act(file)
            ends.append(len(watch.ops))
    return watch.ops, ends


def test_a_saved_outcome_survives_a_power_cut(tmp_path: Path) -> None:
    """Once `save` returned, the outcome is read by the next run or refused aloud; none that was saved is passed over."""
    ops, ends = acts(tmp_path, lambda file: file.save(*outcome(1)), lambda file: file.save(*outcome(2)))
    unread = 0
    for cut in range(ends[0], len(ops) + 1):
        saved = sum(end <= cut for end in ends) - 1
        for left in survivors({}, ops[:cut]):
            entries = kept(tmp_path, left)
            unread += entries is None
            assert entries is None or [outcome(1), outcome(2)][:saved] == entries[:saved]
            assert entries is not None or cut not in ends
    assert unread


def test_clearing_is_finished_by_the_next_run(tmp_path: Path) -> None:
    """A cut while entered outcomes are cleared leaves them all or none, and nothing that a person has to mend."""
    ops, ends = acts(tmp_path, lambda file: file.save(*outcome(1)), lambda file: file.clear())
    found = [kept(tmp_path, left) for cut in range(ends[1], len(ops) + 1) for left in survivors({}, ops[:cut])]
    assert all(entries in ([], [outcome(1)]) for entries in found)
    assert [] in found
    assert [outcome(1)] in found

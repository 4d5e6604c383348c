"""Power cuts under the SQLite ledger: a hundred of them, and three that must be felt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.powercuts.cuts import BROKEN, Bench, Verdict, bench, run_seed
from tests.powercuts.disk import Disk, Op


@pytest.fixture(scope="module", name="at")
def place() -> Iterator[Bench]:
    with bench() as made:
        yield made


def violations(verdicts: list[Verdict]) -> list[str]:
    return [words for verdict in verdicts for words in verdict.violations]


def test_an_acknowledged_commit_survives_a_power_cut(at: Bench) -> None:
    """After any of a hundred power cuts the ledger is whole and holds what was acknowledged; cuts did drop and tear."""
    verdicts = [run_seed(seed, at) for seed in range(100)]
    assert not violations(verdicts)
    counts = sum((verdict.counts for verdict in verdicts), Counter())
    harm = ("writes dropped", "writes reordered", "writes torn", "sectors torn", "acknowledged rows checked")
    assert all(counts[kind] for kind in harm), counts
    outcomes = ("unacknowledged step not there", "unacknowledged step wholly there")
    assert all(counts[kind] for kind in outcomes), counts


@pytest.mark.parametrize("broken", BROKEN)
def test_less_than_full_synchronisation_is_noticed(at: Bench, broken: str) -> None:
    """With `synchronous=NORMAL`, or on a disk that lies, acknowledged commits are lost in many of forty seeds."""
    verdicts = [run_seed(seed, at, broken=broken) for seed in range(40)]
    assert sum(verdict.counts["lost"] > 0 for verdict in verdicts) > 10


@pytest.mark.parametrize("seed", [91, 108, 203, 259])
def test_a_first_run_that_was_cut_off_is_no_lost_ledger(at: Bench, seed: int) -> None:
    """A cut while the ledger is first made leaves nothing to break by hand: the next run makes it."""
    assert not violations([run_seed(seed, at)])


def test_the_same_seed_is_the_same_cut(at: Bench) -> None:
    """A seed replays: the same calls, the same cut, the same survivors."""
    told: list[list[str]] = [[], []]
    for lines in told:
        run_seed(7, at, say=lines.append)
    assert told[0] == told[1] != []


def test_a_disk_keeps_what_was_synced() -> None:
    """Whatever becomes of unsynced writes, synced bytes that nobody wrote to again are there."""
    import random

    disks = set()
    for seed in range(300):
        disk = Disk({"db": b""})
        disk.do(Op("write", "db", 0, 0, b"A" * 8192))
        disk.do(Op("sync", "db"))
        disk.do(Op("write", "db", 0, 4096, b"B" * 8192))
        content = disk.survivors(random.Random(seed), Counter())["db"]
        assert content[:4096] == b"A" * 4096
        assert len(content) in (8192, 12288)
        disks.add((content[4096:8192], content[8192:]))
    assert (b"A" * 4096, b"") in disks
    assert (b"B" * 4096, b"B" * 4096) in disks
    assert (b"A" * 4096, b"B" * 4096) in disks
    assert any(b"A" in piece and b"B" in piece for piece, _ in disks)

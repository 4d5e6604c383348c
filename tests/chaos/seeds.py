"""Many seeds, on several cores."""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

from tests.chaos.judge import Broken, TooSlow
from tests.chaos.nursery import Nursery
from tests.chaos.play import Player, Trace, silent
from tests.chaos.schedule import schedule
from tests.chaos.tally import Tally

CHUNK = 10
"""Seeds a worker plays with one nursery, which costs a second to warm up."""


def play_seeds(seeds: list[int], mutant: str | None, trace: Trace = silent) -> Tally:
    """Play these seeds in this process; broken promises are in the tally. A mutant's first one ends it."""
    tally = Tally()
    with Nursery() as nursery:
        for seed in seeds:
            with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
                try:
                    Player(nursery, tally, trace).play(schedule(seed, mutant), Path(folder))
                except TooSlow as slow:
                    tally.seeds += 1
                    tally.slow += 1
                    _say(f"seed {seed}: not judged, this machine was too busy: {slow}")
                except Exception as error:  # noqa: BLE001 - whatever it is, this seed was not played to its good end
                    tally.seeds += 1
                    kind = error.kind if isinstance(error, Broken) else type(error).__name__
                    tally.broken.append((seed, kind, str(error)))
                    if mutant:
                        break
    return tally


def play_all(seeds: list[int], mutant: str | None, jobs: int) -> Tally:
    """Play seeds side by side. A worker that dies ends it all: its seeds were not judged."""
    tally, begin = Tally(), time.monotonic()
    size = min(CHUNK, max(1, len(seeds) // jobs))
    chunks = [seeds[start : start + size] for start in range(0, len(seeds), size)]
    with _pool(jobs) as pool:
        futures = [pool.submit(play_seeds, chunk, mutant) for chunk in chunks]
        for future in as_completed(futures):
            found = future.result()
            tally.add(found)
            for seed, _, text in found.broken:
                _say(f"seed {seed}: {text}")
            took = time.monotonic() - begin
            _say(
                f"{tally.seeds} seeds, {tally.runs} runs, {len(tally.broken)} broken, {tally.seeds / took:.2f} seeds/s"
            )
            if mutant and tally.broken:
                break
    return tally


@contextmanager
def _pool(jobs: int) -> Iterator[ProcessPoolExecutor]:
    pool = ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn"))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)

"""`python -m tests.agreement --texts 1000000`: manifests read line by line and by the parser alone, compared.

Exit code 1 where the two differ in an order, a finding or a place, and where too few texts were read line by line to
say anything. With `--mutant` the reader is broken on purpose, and the exit code says whether that was noticed.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from tests.agreement.mutants import MUTANTS, break_reader, is_noticed

LEAST: dict[str, float] = {"all": 0.5, "some": 0.1, "none": 0.05}
"""Shares of the texts that have to be read line by line altogether, in part, and not at all."""

WORDS: dict[str, str] = {"all": "read line by line", "some": "in part", "none": "left to the parser"}


@dataclass(slots=True)
class Tally:
    """What came of some texts."""

    shares: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)
    orders: int = 0

    def add(self, other: Tally) -> None:
        self.shares += other.shares
        self.differences += other.differences
        self.orders += other.orders

    @property
    def lacking(self) -> list[str]:
        """What there was too little of to say anything."""
        total = self.shares.total()
        shares = [f"texts {WORDS[share]}" for share, least in LEAST.items() if self.shares[share] < least * total]
        return [*shares, *(["orders"] if self.orders < total / 20 else [])]


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def run(seeds: range) -> Tally:
    """One text a seed; of every twentieth, a manifest to buy by, also its orders, of every hundredth also with the parser in Python."""
    import gc
    from random import Random

    from tests.agreement.comparing import difference, loaded_difference
    from tests.agreement.texts import UNSAFE, text_of

    gc.disable()
    tally = Tally()
    for seed in seeds:
        random = Random(seed)
        text = text_of(random, is_buyable=seed % 20 == 0)
        size = 1 << 16 if UNSAFE.intersection(text) else random.choice((1 << 16, 1 << 16, 1 << 16, 150, 90, 60))
        data = text.encode("utf-8", "surrogatepass")
        found, share = difference(data, size=size, pure=seed % 100 == 1)
        if found is None and seed % 20 == 0:
            found, orders = loaded_difference(data)
            tally.orders += orders
        tally.shares[share] += 1
        if found is not None:
            tally.differences.append(f"seed {seed}: {text!r}\n{found}")
        if seed % 1000 == 0:
            gc.collect()
    return tally


BLOCK: int = 500
"""Texts after which a broken reader that was noticed need not be tried any longer."""


def run_all(first: int, texts: int, jobs: int, *, is_broken: bool = False) -> Tally:
    """Every seed once, dealt out in blocks; of a broken reader until something differs."""
    blocks = [range(at, min(at + BLOCK, first + texts)) for at in range(first, first + texts, BLOCK)]
    tally = Tally()
    if jobs == 1:
        for block in blocks:
            tally.add(run(block))
            if is_broken and tally.differences:
                break
        return tally
    with ProcessPoolExecutor(jobs) as pool:
        for part in pool.map(run, blocks):
            tally.add(part)
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.agreement", description=__doc__)
    parser.add_argument("--texts", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0, help="seed of the first text")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--mutant", choices=[*MUTANTS, "all"], help="break the reader on purpose")
    asked = parser.parse_args()
    if asked.mutant == "all":
        return 0 if min([is_noticed(name, asked.texts) for name in MUTANTS]) else 1
    if asked.mutant:
        break_reader(asked.mutant)
    tally = run_all(asked.first, asked.texts, asked.jobs, is_broken=asked.mutant is not None)
    total = tally.shares.total()
    _say(f"{total:,} texts: {', '.join(f'{tally.shares[share]:,} {words}' for share, words in WORDS.items())}")
    _say(f"{tally.orders:,} orders of every twentieth text loaded; {len(tally.differences):,} differences in all")
    for found in tally.differences[:5]:
        _say(f"\n{found}")
    for what in tally.lacking:
        _say(f"too few {what} to say anything")
    return 1 if tally.differences or tally.lacking else 0


if __name__ == "__main__":
    sys.exit(main())

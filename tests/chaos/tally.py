"""What has really happened: without these counts "0 violations" would mean nothing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.chaos.points import POINTS
from tests.chaos.schedule import MAKE_FAULTS, READ_FAULTS, RENEW_FAULTS

SETTLED = (
    "reconcile placed",
    "reconcile absent",
    "left open",
    "person placed",
    "person absent",
    "looks that could not read all",
    "blind looks",
)
"""What becomes of orders in doubt: each verdict of either, what reconciling left open, and looks that saw too little."""

LANES = (
    "killed with 2 in flight",
    "killed with 8 in flight",
    "answers out of order",
    "one lane throttled",
    "all connections closed at once",
)
"""What only several purchases in flight can meet."""

RENEWALS = (
    *("killed, sold", "killed, not sold", "answer lost, sold", "answer lost, not sold"),
    *("reconcile placed", "reconcile absent", "settled by a person"),
)
"""How renewals come into doubt, and out of it."""

SLOW = 0.01
"""The share of seeds that this machine may have been too busy for."""
FEW, MANY, MOST = 10, 200, 1000
"""Seeds from which on something of every sort, everything of its sort, and every fault of the rarer renewals must have
happened."""


def _counters() -> defaultdict[str, Counter[str]]:
    return defaultdict(Counter)


@dataclass(slots=True)
class Tally:
    """Counts of any number of seeds."""

    seeds: int = 0
    runs: int = 0
    cold: int = 0
    purchases: int = 0
    woken: int = 0
    strangers: int = 0
    by_card: int = 0
    slow: int = 0
    at_points: defaultdict[str, Counter[str]] = field(default_factory=_counters)
    at_random: Counter[str] = field(default_factory=Counter)
    settled: Counter[str] = field(default_factory=Counter)
    open_because: Counter[str] = field(default_factory=Counter)
    while_settling: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    lanes: Counter[str] = field(default_factory=Counter)
    renewals: Counter[str] = field(default_factory=Counter)
    broken: list[tuple[int, str, str]] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Take in what another worker counted."""
        for name in ("seeds", "runs", "cold", "purchases", "woken", "strangers", "by_card", "slow"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for point, counts in other.at_points.items():
            self.at_points[point].update(counts)
        for name in ("at_random", "settled", "open_because", "while_settling", "ends", "faults", "lanes", "renewals"):
            getattr(self, name).update(getattr(other, name))
        self.broken.extend(other.broken)

    def gaps(self) -> list[str]:
        """What a run of this size should have met and did not: then it has proved nothing."""
        if self.seeds < FEW:
            return []
        kills = {point for point, counts in self.at_points.items() if counts["KILL"]}
        found = [
            *(["no fault"] if not self.faults else []),
            *(["no kill at a crash point"] if not kills else []),
            *(["no kill at a random time"] if not self.at_random["KILL"] else []),
            *(["no frozen process"] if not self.woken else []),
            *(["nothing killed with several in flight"] if not any("killed" in what for what in self.lanes) else []),
            *(["no purchase"] if not self.purchases else []),
            *(["no renewal"] if not self.renewals["made"] else []),
            *(["nothing settled by reconcile"] if not self.settled["reconcile placed"] else []),
        ]
        if self.seeds >= MANY:
            found += [f"no kill at {point}" for point in POINTS if point not in kills]
            found += [f"no {what}" for what in SETTLED if not self.settled[what]]
            found += [f"never {what}" for what in LANES if not self.lanes[what]]
            found += [f"no renewal {what}" for what in RENEWALS if not self.renewals[what]]
            found += ["no kill of reconcile"] if not self.while_settling["KILL"] else []
            found += ["no stranger"] if not self.strangers else []
            found += ["no order by card"] if not self.by_card else []
            found += [f"{self.slow} seeds without a verdict"] if self.slow > self.seeds * SLOW else []
            found += [f"fault {kind} never met" for kind in (*MAKE_FAULTS, *READ_FAULTS) if not self.faults[kind]]
        if self.seeds >= MOST:
            found += [f"fault {kind} never met" for kind in RENEW_FAULTS if not self.faults[kind]]
        return found

    def lines(self) -> Iterator[str]:
        """The counts as they are printed."""
        kinds = Counter(kind for _, kind, _ in self.broken)
        kills = {point: self.at_points[point]["KILL"] for point in POINTS}
        signals: Counter[str] = Counter()
        for counts in self.at_points.values():
            signals.update(counts)
        stops = signals["STOP"] + self.at_random["STOP"]
        yield f"seeds                {self.seeds}"
        yield f"runs                 {self.runs} ({self.cold} of them cold)"
        yield f"purchases            {self.purchases}"
        yield f"kills at points      {sum(kills.values())}: {_counts(kills)}"
        yield f"kills at random      {self.at_random['KILL']}"
        yield f"stops                {stops} ({self.woken} woken)"
        yield f"SIGTERM, SIGINT      {signals['TERM'] + self.at_random['TERM']}, {signals['INT'] + self.at_random['INT']}"
        yield f"exits                {_counts(self.ends)}"
        yield f"faults               {sum(self.faults.values())}: {_counts(self.faults)}"
        yield f"several in flight    {_counts(self.lanes)}"
        yield f"settled              {', '.join(f'{what} {self.settled[what]}' for what in SETTLED)}"
        yield f"renewals             {_counts(self.renewals)}"
        yield f"kills of reconcile   {self.while_settling['KILL']}"
        yield f"strangers' purchases {self.strangers}"
        yield f"orders by card       {self.by_card}"
        yield f"left open because    {_counts(self.open_because)}"
        yield f"too slow, not judged {self.slow}"
        yield f"duplicates           {kinds['duplicate']}"
        yield f"lost                 {kinds['lost']}"
        yield f"wrong verdicts       {kinds['verdict']}"
        yield f"other broken         {len(self.broken) - sum(kinds[kind] for kind in ('duplicate', 'lost', 'verdict'))}"
        yield f"still in doubt       {kinds['stuck']}"


def _counts(counts: Counter[str] | dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))

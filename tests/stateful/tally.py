"""What has really happened, and what a long run must have seen before its zeros mean anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from tests.chaos.points import POINTS as REAL_POINTS
from tests.chaos.schedule import JOBS, MAKE_FAULTS, READ_FAULTS
from tests.chaos.tally import Tally as ChaosTally
from tests.stateful.life import POINTS

RULES: Final = (
    *("want", "raise_generation", "change_after_purchase"),
    *("apply", "apply_with_make_fault", "apply_with_read_fault", "apply_dies", "apply_killed"),
    *("apply_on_a_full_disk", "apply_while_held", "time_passes", "clock_jumps"),
    *("stranger_buys", "renewal", "top_up"),
    *("reconcile", "lose_and_reconcile", "person_resolves", "export_and_verify"),
)
VERDICTS: Final = ("verdict placed", "verdict absent", "verdict open", "person placed", "person absent")
EXITS: Final = tuple(f"exit {code}" for code in (0, 3, 5, 6, 7, 9))
OTHERS: Final = (
    *("stranger bought", "renewed", "clock went back", "content change refused", "somebody's id refused"),
    *("disk full at a claim", "disk full at a settle", "made late", "settled in the calm"),
    *(f"apply with jobs {jobs}" for jobs in JOBS),
)


@dataclass(slots=True)
class Tally:
    """Counts of any number of examples."""

    counts: Counter[str] = field(default_factory=Counter)
    real: ChaosTally = field(default_factory=ChaosTally)

    def add(self, name: str, times: int = 1) -> None:
        self.counts[name] += times

    def merge(self, other: Tally) -> None:
        """Counts of other games."""
        self.counts.update(other.counts)
        self.real.add(other.real)

    def missing(self) -> list[str]:
        """What never happened."""
        expected = [f"rule {name}" for name in RULES]
        expected += [f"fault {kind}" for kind in (*MAKE_FAULTS, *READ_FAULTS)]
        expected += [f"died at {point}" for point in POINTS]
        expected += [*VERDICTS, *EXITS, *OTHERS]
        absent = [name for name in expected if not self.counts[name]]
        return absent + [f"SIGKILL at {point}" for point in REAL_POINTS if not self.real.at_points[point]["KILL"]]

    def lines(self) -> Iterator[str]:
        """Every count, by name."""
        kills = {f"SIGKILL at {point}": done["KILL"] for point, done in self.real.at_points.items()}
        for name, count in sorted((self.counts + Counter(kills)).items()):
            yield f"{count:9,}  {name}"

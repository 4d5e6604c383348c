"""What planning asks: the ledger, and the vendor's lists and orders, each read once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from runner.core.ledger import Hold, Ledger
from runner.core.readings import Readings, has_bought
from runner.core.vendor import Reader
from runner.limits.limits import Standing
from runner.plan.ids import References
from runner.plan.task import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """`standing` is what limits have to know of the ledger. `buying`: a purchase follows, which needs its witness.

    What planning reads, prices too, serves the purchase while it is young.
    """

    ledger: Ledger
    readings: Readings
    references: References
    standing: Standing
    buying: bool = False

    @classmethod
    def of(cls, task: Task, ledger: Ledger, reader: Reader, standing: Standing, *, hold: Hold | None = None) -> Sources:
        """Nothing is asked of the vendor yet. `hold` is the one that a purchase follows under."""
        return cls(
            ledger=ledger,
            readings=Readings(
                reader,
                task.clock,
                share_quotes=task.limits.shares_quotes,
                count_events=(lambda: hold.events) if hold else lambda: 0,
                was_bought=partial(has_bought, ledger),
            ),
            references=References(reader=reader, watch=task.watch),
            standing=standing,
            buying=hold is not None,
        )

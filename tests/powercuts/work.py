"""One life of a ledger, from start-up to the cut: seeded claims, settlements, checkpoints and restarts.

Runs on the real ledger. After each step that was acknowledged, what the ledger holds is written down with the number
of file operations so far.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from runner.core.errors import Span
from runner.core.ledger import Hold, Ledger
from runner.core.orders import OrderKey, OrderRequest, Quote, Source
from runner.core.records import Attempt, Claim, Holder, Run, Settlement
from runner.core.states import Event, State
from runner.core.vendor import Witness
from runner.ledger.sqlite import open_sqlite
from tests.powercuts.driver import Module, Recorder

ACCOUNT: Final = "acme"
AT: Final = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PLACE: Final = Source(path="orders.yaml", span=Span(line=1, column=1, end_line=1, end_column=2))
TABLES: Final = {"orders": "key", "order_events": "seq", "witnesses": "digest", "runs": "id", "holds": "account"}

Dump = dict[str, list[tuple[Any, ...]]]
"""Every row of every table; empty where there are no tables yet."""

ENDS: Final = (
    (Event.PLACED, State.PLACED),
    (Event.PLACED, State.PLACED),
    (Event.REJECTED, State.REJECTED),
    (Event.NOT_SENT, State.PLANNED),
    (Event.UNKNOWN, State.UNKNOWN),
)
CHECKPOINTS: Final = ("PASSIVE", "FULL", "RESTART", "TRUNCATE")


def dump(execute: Callable[[str], Any]) -> Dump:
    """What a ledger holds, through any SQLite connection."""
    if not execute("SELECT count(*) FROM sqlite_master WHERE name = 'alembic_version'").fetchone()[0]:
        return {}
    return {
        table: [tuple(row) for row in execute(f"SELECT * FROM {table} ORDER BY {column}").fetchall()]
        for table, column in TABLES.items()
    }


@dataclass(frozen=True, slots=True)
class Step:
    """Something acknowledged: after this many file operations, the ledger held this."""

    name: str
    ops: int
    holds: Dump


@dataclass(slots=True)
class Life:
    """The steps of one life, from a ledger file that is there."""

    rng: random.Random
    number: int
    module: Module
    recorder: Recorder
    steps: list[Step] = field(default_factory=list)
    _stack: ExitStack = field(default_factory=ExitStack)
    _open: list[Attempt] = field(default_factory=list)
    _count: int = 0

    def live(self, path: Path) -> None:
        """From opening to closing."""
        self.recorder.forget()
        try:
            hold = self._begin(path)
            for _ in range(self.rng.randrange(4, 25)):
                if self.rng.random() < 0.04:
                    self._end(hold)
                    hold = self._begin(path)
                self._act(hold)
            self._end(hold)
        finally:
            self._stack.close()

    def _begin(self, path: Path) -> Hold:
        ledger = open_sqlite(path, ACCOUNT)
        self._stack.callback(ledger.close)
        self._did("open")
        self._count += 1
        name = f"run-{self.number}-{self._count}"
        holder = Holder(host="here", pid=1, since=self._now(), run_id=name)
        hold = self._stack.enter_context(ledger.hold(holder, timeout=0))
        if self.rng.random() < 0.3:
            self.module.newest().execute(f"PRAGMA wal_autocheckpoint = {self.rng.choice((2, 8, 30))}")
        self._did("hold")
        hold.start_run(Run(id=name, mode="apply", started_at=self._now(), host="here", pid=1))
        self._did("start a run")
        hold.abandon_submitted(self._now())
        self._open = list(_unsettled(ledger))
        self._did("abandon")
        return hold

    def _end(self, hold: Hold) -> None:
        hold.finish_run(f"run-{self.number}-{self._count}", self._now(), 0)
        self._did("finish a run")
        self._stack.close()
        self._same("close")

    def _act(self, hold: Hold) -> None:
        draw = self.rng.random()
        if draw < 0.12:
            how = self.rng.choice(CHECKPOINTS)
            self.module.newest().execute(f"PRAGMA wal_checkpoint({how})").fetchall()
            self._same(f"checkpoint {how.lower()}")
        elif draw < 0.55 or not self._open:
            self._open.append(hold.claim(self._claim()))
            self._did("claim")
        else:
            attempt = self._open.pop(self.rng.randrange(len(self._open)))
            hold.settle(attempt, self._settlement(attempt))
            self._did("settle")

    def _claim(self) -> Claim:
        n = self.rng.randrange(1_000_000)
        fields = {"countryId": 561, "periodId": "1m", "quantity": 1 + n % 9, "paymentId": 1}
        request = OrderRequest(key=OrderKey("batch", f"o{self.number}-{n}"), type="ipv4", fields=fields, source=PLACE)
        ids = frozenset(str(1_000_000 + k) for k in range(self.rng.choice((0, 3, 40, 400))))
        return Claim(
            request=request,
            quote=Quote(total=Decimal("12.30"), at=self._now(), balance=Decimal("100.00")),
            ceiling=Decimal("13.00"),
            witness=Witness(type="ipv4", order_ids=ids, at=AT),
            balance=Decimal("100.00"),
            run_id=f"run-{self.number}-{self._count}",
            at=self._now(),
        )

    def _settlement(self, attempt: Attempt) -> Settlement:
        event, after = self.rng.choice(ENDS)
        if attempt.run_id != f"run-{self.number}-{self._count}":  # left by an earlier life, and unknown since
            event, after = self.rng.choice(((Event.PLACED, State.PLACED), (Event.RECONCILED, State.ABSENT)))
        return Settlement(
            event=event,
            after=after,
            at=self._now(),
            reason=f"told by {event}",
            order_id=f"v-{attempt.key.name}" if after is State.PLACED else None,
            evidence={"http_status": 200, "body_head": "x" * self.rng.choice((0, 200, 4096))},
        )

    def _now(self) -> datetime:
        return AT + timedelta(hours=self.number, seconds=len(self.steps))

    def _did(self, name: str) -> None:
        self.steps.append(Step(name, len(self.recorder.ops), dump(self.module.newest().execute)))

    def _same(self, name: str) -> None:
        self.steps.append(Step(name, len(self.recorder.ops), self.steps[-1].holds))


def _unsettled(ledger: Ledger) -> list[Attempt]:
    return [
        Attempt(key=record.key, n=record.attempt, run_id=record.run_id or "", claimed_at=record.updated_at)
        for record in ledger.open_records()
    ]

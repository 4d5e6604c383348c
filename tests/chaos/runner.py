"""The real command, with a plan of what is to happen to it: `CHAOS_PLAN=... python -m tests.chaos.runner apply ...`.

Everything is put in from outside, before the command line is called: crash points into the purchase, wrappers around
the ledger's commits and the stream, and a faster clock for what would make tests wait. `runner/` reads none of it.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from runner.buy import protocol
from runner.core.records import Attempt, Claim, Record, Run, Settlement
from runner.ledger import hold, sqlite
from runner.settle import reconcile
from runner.vendors import streams, transport
from tests.chaos.mutants import MUTANTS
from tests.chaos.points import Plan, Points, spends

WHERE: Final = signal.SIGUSR2
"""Makes a runner say on stderr where it is, in all its threads."""
PLAN: Final = "CHAOS_PLAN"
NOTES: Final = "CHAOS_NOTES"
GUARD_SECONDS: Final = 0.3
PAUSES: Final = (0.01, 0.02)
LOOKS: Final = (0.1, 0.2, 0.4)
"""Pauses between the looks of `reconcile --wait`, in seconds."""


def main(arguments: Sequence[str]) -> int:
    """Run the command as the plan in the environment says."""
    faulthandler.register(WHERE)
    plan = Plan.of(os.environ.pop(PLAN, "{}"))
    notes = os.open(os.environ.pop(NOTES, os.devnull), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    _arm(plan, Points(plan, notes))
    if plan.uid is not None:
        os.setgid(plan.uid)
        os.setuid(plan.uid)
    from runner.cli import run

    return run(arguments)


def _arm(plan: Plan, points: Points) -> None:
    _hurry(plan)
    _watch_ledger(points)
    _watch_stream(points)
    _watch_report(points)
    protocol.Till = partial(protocol.Till, crash_point=points.reach, pauses=PAUSES)  # type: ignore[assignment,misc]
    if plan.mutant:
        MUTANTS[plan.mutant]()


def _hurry(plan: Plan) -> None:
    """Waits that are minutes for a user are parts of a second here; what is waited for stays the same."""
    real = transport.Timing

    def timing(**settings: Any) -> transport.Timing:
        return real(**(settings | {"money": plan.money_timeout, "pauses": PAUSES}))

    transport.Timing = timing  # type: ignore[assignment,misc]
    transport.RETRY_AFTER_DEFAULT = 0.02  # type: ignore[misc]
    protocol.GUARD_SECONDS = GUARD_SECONDS  # type: ignore[misc]
    protocol.THROTTLE_PAUSE = 0.02  # type: ignore[misc]
    reconcile.Reconciliation = partial(reconcile.Reconciliation, pauses=LOOKS)  # type: ignore[assignment,misc]


def _watch_ledger(points: Points) -> None:
    commits, closes = sqlite.SqliteConnection.commit, sqlite.SqliteLedger.close
    claims, settles, starts = hold.SqlHold.claim, hold.SqlHold.settle, hold.SqlHold.start_run

    def commit(self: sqlite.SqliteConnection) -> None:
        points.committing()
        commits(self)

    def claim(self: hold.SqlHold, claim: Claim) -> Attempt:
        with points.writing("claim"):
            attempt = claims(self, claim)
            points.note_claim(attempt.key)
            return attempt

    def settle(self: hold.SqlHold, attempt: Attempt, settlement: Settlement) -> Record:
        with points.writing("settle"):
            record = settles(self, attempt, settlement)
            points.note_settlement(attempt.key, settlement)
            return record

    def start_run(self: hold.SqlHold, run: Run) -> None:
        starts(self, run)
        points.begin(run.id)

    def close(self: sqlite.SqliteLedger) -> None:
        points.reach("closing")
        closes(self)

    sqlite.SqliteLedger.close = close  # type: ignore[method-assign]
    sqlite.SqliteConnection.commit = commit  # type: ignore[method-assign]
    hold.SqlHold.claim = claim  # type: ignore[method-assign]
    hold.SqlHold.settle = settle  # type: ignore[method-assign]
    hold.SqlHold.start_run = start_run  # type: ignore[method-assign]


def _watch_stream(points: Points) -> None:
    sends = streams.TimedStream._send

    def send(self: streams.TimedStream) -> None:
        data = bytes(self._unsent)
        halves = points.halves(data)
        if halves is not None:
            self._unsent = bytearray(halves[0])
            sends(self)
            points.between_halves()
            self._unsent = bytearray(halves[1])
        sends(self)
        if spends(data):
            points.reach("written")

    streams.TimedStream._send = send  # type: ignore[method-assign]


def _watch_report(points: Points) -> None:
    renames = Path.rename

    def rename(self: Path, target: Any) -> Path:
        points.reach("report-rename")
        return renames(self, target)

    Path.rename = rename  # type: ignore[method-assign,assignment]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

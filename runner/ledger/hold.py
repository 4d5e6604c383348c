"""A held account over any SQL engine: every method is one transaction, durable when it returns."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import datetime

from runner.core.errors import LedgerUnusable, Refused
from runner.core.records import (
    Adoption,
    Attempt,
    Claim,
    Entry,
    Holder,
    Record,
    Restored,
    Run,
    Settlement,
    Stranger,
    Want,
)
from runner.core.vendor import Witness
from runner.ledger import adopting, archive
from runner.ledger.emergency import EmergencyFile
from runner.ledger.sql import AccountRows


class SqlHold:
    """What an engine hands out while it holds an account.

    `write` opens a transaction on the connection that holds the account and commits it durably on leaving, turning
    what the store says into `LedgerUnusable`. `is_held` tells whether the engine's lock is still there.
    """

    def __init__(
        self,
        *,
        holder: Holder,
        write: Callable[[], AbstractContextManager[AccountRows]],
        is_held: Callable[[], bool],
        emergency: EmergencyFile,
    ) -> None:
        self._write = write
        self._is_held = is_held
        self._emergency = emergency
        self._witness = ""
        self._import_emergency()
        # A durable write of its own: a ledger that cannot be written is found out before anything is bought.
        with write() as rows:
            self._fence = rows.take_fence(holder)

    def abandon_submitted(self, at: datetime) -> list[Record]:
        """Turn every left-over `submitted` of the account into `unknown`; the records as they are afterwards."""
        with self._write() as rows:
            return rows.abandon_submitted(at)

    def claim(self, claim: Claim) -> Attempt:
        """One durable conditional move to `submitted`."""
        if not self._is_held():
            raise Refused(f"{claim.request.key} was not claimed: this process no longer holds the account")
        witness = claim.witness.digest
        with self._write() as rows:
            attempt = rows.claim(self._fence, claim)
            if witness != self._witness:
                rows.keep_witness(claim.witness)
        self._witness = witness
        return attempt

    def settle(self, attempt: Attempt, settlement: Settlement) -> Record:
        """One durable move out of `submitted`."""
        with self._write() as rows:
            return rows.settle(attempt, settlement)

    def note_wants(self, wants: Iterable[Want]) -> None:
        """Keep what these keys stand for, in place of what was kept of them: what `adopt` may be asked for later."""
        with self._write() as rows:
            adopting.note_wants(rows, wants)

    def adopt(self, adoption: Adoption) -> Record:
        """One durable move to `placed` of an order that is not open, as its next attempt."""
        if not self._is_held():
            raise Refused(f"{adoption.want.key} was not adopted: this process no longer holds the account")
        with self._write() as rows:
            return adopting.adopt(rows, self._fence, adoption)

    def disown(self, strangers: Iterable[Stranger]) -> None:
        """Remember orders as somebody else's; raises `Refused` where one belongs to an order of the account."""
        with self._write() as rows:
            adopting.disown(rows, strangers)

    def save_emergency(self, attempt: Attempt, settlement: Settlement) -> str:
        """Write a settlement that `settle` could not store to the file kept ready for it; returns the file's path."""
        self._emergency.save(attempt, settlement)
        return str(self._emergency.path)

    def start_run(self, run: Run) -> None:
        """Enter a run."""
        with self._write() as rows:
            rows.start_run(run)

    def finish_run(self, run_id: str, at: datetime, exit_code: int) -> None:
        """Close a run."""
        with self._write() as rows:
            rows.finish_run(run_id, at, exit_code)

    def restore(self, history: Iterable[Entry | Witness | Stranger]) -> Restored:
        """Add what `history` has beyond the ledger's own events: all of it in one durable transaction, or nothing."""
        with self._write() as rows:
            if not self._is_held() or rows.fence() != self._fence:
                raise Refused("nothing was imported: another run has since taken over the account", hint="run again")
            return archive.restore(rows, history)

    def _import_emergency(self) -> None:
        for attempt, settlement in self._emergency.entries():
            self._enter(attempt, settlement)
        self._emergency.clear()

    def _enter(self, attempt: Attempt, settlement: Settlement) -> None:
        try:
            self.settle(attempt, settlement)
        except Refused as error:
            raise LedgerUnusable(
                f"{self._emergency.path} holds an outcome of {attempt.key} that cannot be recorded: {error}",
                hint=error.hint or "compare it with the vendor's dashboard before you move the file away",
            ) from error

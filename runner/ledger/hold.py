"""A held account over any SQL engine: every method is one transaction, durable when it returns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from typing import Concatenate, ParamSpec, TypeVar

from runner.core.errors import LedgerUnusable, Refused
from runner.core.identity import AccountKey
from runner.core.records import Adoption, Attempt, Claim, Entry, Holder, Record, Rename, Restored, Settlement, Stranger
from runner.core.vendor import Witness
from runner.ledger import adopting, archive, delivery_notes, register, renaming, witnesses
from runner.ledger.connection import NotHeld
from runner.ledger.emergency import EmergencyFile
from runner.ledger.footing import Footing
from runner.ledger.sql import AccountRows

P = ParamSpec("P")
T = TypeVar("T")
D = TypeVar("D", Claim, Settlement, Adoption, Rename)


def _durable(step: Callable[Concatenate[AccountRows, P], T]) -> Callable[Concatenate[SqlHold, P], T]:
    """A method that takes one step with the account's rows, in a transaction of its own."""

    def write(self: SqlHold, /, *args: P.args, **kwargs: P.kwargs) -> T:
        with self._write() as rows:
            return step(rows, *args, **kwargs)

    return write


class SqlHold:
    """What an engine hands out while it holds an account.

    `transaction` opens one on the connection that holds the account and commits it durably on leaving, turning what the
    store says into `LedgerUnusable`. `is_held` tells whether the engine's lock is still there; `holding` opens a
    transaction that finds out by itself, and raises `NotHeld` then, where that saves a journey. What does not say who
    it is by is entered as the holder's. `events` is how many
    events the account has. With `restoring`, a ledger that lacks events may be held, and nothing but `restore` may be
    asked of it.
    """

    def __init__(
        self,
        *,
        holder: Holder,
        transaction: Callable[[], AbstractContextManager[AccountRows]],
        is_held: Callable[[], bool],
        holding: Callable[[], AbstractContextManager[AccountRows]] | None = None,
        emergency: EmergencyFile,
        footing: Footing,
        restoring: bool = False,
    ) -> None:
        self._by = holder.by
        self._transaction = transaction
        self._is_held = is_held
        self._holding = holding or self._look_and_begin
        self._emergency = emergency
        self._footing = footing
        self._witnesses: dict[str, tuple[Witness, int]] = {}
        # A durable write of its own: a ledger that cannot be written is found out before anything is bought.
        with self._transaction() as rows:
            if not restoring:
                footing.refuse_behind(rows)
            self._fence = rows.take_fence(holder)
            head = archive.kept_head(rows)
        self.events = head.events
        if not restoring:
            footing.remember(head)
            self._import_emergency()

    note_wants = _durable(adopting.note_wants)
    note_deliveries = _durable(delivery_notes.note_deliveries)
    disown = _durable(adopting.disown)
    start_run = _durable(AccountRows.start_run)
    finish_run = _durable(AccountRows.finish_run)

    def _sign(self, deed: D) -> D:
        """With who it is by."""
        return replace(deed, by=self._by) if deed.by is None else deed

    def abandon_submitted(self, at: datetime) -> list[Record]:
        """Turn every left-over `submitted` into `unknown`, in one durable transaction."""
        with self._write() as rows:
            return rows.abandon_submitted(at, self._by)

    def _look_and_begin(self) -> AbstractContextManager[AccountRows]:
        if not self._is_held():
            raise NotHeld
        return self._transaction()

    @contextmanager
    def _write(self, transaction: AbstractContextManager[AccountRows] | None = None) -> Iterator[AccountRows]:
        """A durable transaction on a ledger that is where it was opened, before it and after it."""
        self._footing.refuse_moved()
        self._footing.catch_up()
        with transaction or self._transaction() as rows:
            yield rows
            self._footing.refuse_shorter(rows)
        self._count(rows)
        if rows.ends:
            self._footing.remember(rows.ends[-1])
        self._footing.refuse_moved()

    def _count(self, rows: AccountRows) -> None:
        self.events = rows.ends[-1].events if rows.ends else self.events

    def settle(self, attempt: Attempt, settlement: Settlement) -> Record:
        """One durable move out of `submitted`, written wherever the ledger is by now, then doubted where it moved."""
        return self._settle(attempt, self._sign(settlement))

    def _settle(self, attempt: Attempt, settlement: Settlement) -> Record:
        with self._transaction() as rows:
            record = rows.settle(attempt, settlement)
            self._footing.refuse_shorter(rows)
        self._count(rows)
        with suppress(LedgerUnusable):  # the ledger has it; the next claim catches up, or is refused
            if rows.ends:
                self._footing.remember(rows.ends[-1])
        self._footing.refuse_moved()
        return record

    def objection(self) -> str | None:
        """Why nothing may be sent any more; None where the ledger is where it was claimed in."""
        return self._footing.objection()

    def claim(self, claim: Claim) -> Attempt:
        """One durable conditional move to `submitted`."""
        try:
            with self._write(self._holding()) as rows:
                attempt = rows.claim(self._fence, self._sign(claim))
                kept = self._keep_witness(rows, claim.witness)
        except NotHeld:
            raise Refused(f"{claim.request.key} was not claimed: this process no longer holds the account") from None
        self._witnesses[claim.witness.type] = kept
        return attempt

    def _keep_witness(self, rows: AccountRows, witness: Witness) -> tuple[Witness, int]:
        """Store a witness, unless it is the last of its type that this hold stored; and how many differences it needs.

        Only what this hold stored, and was acknowledged, is ever differed from.
        """
        base, differences = self._witnesses.get(witness.type, (None, 0))
        if base is not None and base.digest == witness.digest:
            return base, differences
        is_difference = rows.keep_witness(witness, base if differences < witnesses.LONGEST else None)
        return witness, differences + 1 if is_difference else 0

    def adopt(self, adoption: Adoption) -> Record:
        """One durable move to `placed` of an order that is not open, as its next attempt."""
        return self.adopt_all([adoption])[0]

    def adopt_all(self, adoptions: Iterable[Adoption]) -> list[Record]:
        """Durable moves to `placed` of orders that are not open, each as its next attempt: all of them, or none."""
        if not self._is_held():
            raise Refused("nothing was adopted: this process no longer holds the account")
        with self._write() as rows:
            return adopting.adopt_all(rows, self._fence, map(self._sign, adoptions))

    def enter_key(self, entry: AccountKey) -> bool:
        """Add to the register of accounts; False, and nothing is added, where another has taken the number."""
        if not self._is_held():
            raise Refused("the account's key was not entered: this process no longer holds the account")
        with self._write() as rows:
            return register.enter_key(rows, self._fence, entry)

    def rename(self, renames: Iterable[Rename]) -> None:
        """Move what is known of bought orders to other keys: all of it in one durable transaction, or nothing."""
        if not self._is_held():
            raise Refused("nothing was renamed: this process no longer holds the account")
        with self._write() as rows:
            renaming.rename(rows, self._fence, map(self._sign, renames))

    def save_emergency(self, attempt: Attempt, settlement: Settlement) -> str:
        """Write a settlement that `settle` could not store to the file kept ready for it; returns the file's path."""
        return str(self._emergency.save(attempt, self._sign(settlement)))

    def restore(self, history: Iterable[Entry | Witness | Stranger]) -> Restored:
        """Add what `history` has beyond the ledger's own events: all of it in one durable transaction, or nothing."""
        self._footing.refuse_moved()
        with self._transaction() as rows:
            if not self._is_held() or rows.fence() != self._fence:
                raise Refused("nothing was imported: another run has since taken over the account", hint="run again")
            restored = archive.restore(rows, history)
            self._footing.refuse_behind(rows)
            head = archive.kept_head(rows)
        self.events = head.events
        self._footing.remember(head)
        self._footing.refuse_moved()
        self._import_emergency()
        return restored

    def _import_emergency(self) -> None:
        for attempt, settlement in self._emergency.entries():
            self._enter(attempt, settlement)
        self._emergency.clear()

    def _enter(self, attempt: Attempt, settlement: Settlement) -> None:
        try:
            self._settle(attempt, settlement)  # as done by whoever had the answer, whom it names itself
        except Refused as error:
            raise LedgerUnusable(
                f"{self._emergency.path} holds an outcome of {attempt.key} that cannot be recorded: {error}",
                hint=error.hint or "compare it with the vendor's dashboard before you move the file away",
            ) from error

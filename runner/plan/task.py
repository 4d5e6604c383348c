"""One call about a batch: what is wanted, what it may cost, what was approved of it, and who asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from runner.core.clock import Clock
from runner.core.progress import Watch
from runner.core.records import Holder
from runner.core.selection import EVERYTHING, Selection
from runner.core.vendor import Encoder
from runner.limits.limits import Limits, strictest
from runner.manifest import Batch, Loaded
from runner.plan.approval.terms import Approval
from runner.plan.inputs import Inputs


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """How orders at the vendor that nobody in the ledger owns are taken.

    `strict`: what looks like one of them is refused. `flags` lead a suggested command to the same ledger and account.
    """

    strict: bool = False
    flags: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What a call is about, and what of it may be bought.

    `account` is its name in the ledger; `api` stands for an address that changes with every run (the sandbox's).
    `nothing` means that nothing is expected to be left to buy. `new_account`: the name may be new to a ledger that has
    other accounts.
    """

    account: str
    api: str | None = None
    selection: Selection = EVERYTHING
    approval: Approval | None = None
    nothing: bool = False
    new_account: bool = False

    @property
    def digest(self) -> str | None:
        """What purchases are made under."""
        return self.approval.digest if self.approval else None


UNAPPROVED: Final = Consent(account="default")
"""For calls that nobody has to approve: every order, by whatever account the ledger has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One call, whatever it does.

    `lockfile` is the path and the SHA-256 of the one that was read. `detailed_exit`: the exit code says whether
    there is something to buy.
    """

    contents: Loaded
    limits: Limits
    holder: Holder
    clock: Clock
    watch: Watch
    ledger_name: str
    lockfile: tuple[str, str] | None = None
    guard: Guard = field(default_factory=Guard)
    consent: Consent = UNAPPROVED
    detailed_exit: bool = False

    @property
    def run_id(self) -> str:
        return self.holder.run_id

    @property
    def batches(self) -> Mapping[str, Batch]:
        """Each batch by name, under the tightest limits that any of its documents gives."""
        return strictest(self.contents.batches)

    def inputs(self, vendor: Encoder | None) -> Inputs:
        """What this call was given. Without a vendor, an address is not known."""
        return Inputs(
            manifests=tuple((file.path, file.sha256) for file in self.contents.files),
            lockfile=self.lockfile,
            ledger=self.ledger_name,
            base_url=vendor.base_url if vendor else None,
            policies=tuple((policy.path, policy.sha256) for policy in self.limits.policies),
        )

    @property
    def manifests(self) -> Mapping[str, str]:
        """The SHA-256 of each manifest, by path."""
        return {file.path: file.sha256 for file in self.contents.files}

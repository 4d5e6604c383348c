"""One call about a batch: what is wanted, what it may cost, what was approved of it, and who asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from runner.core.clock import Clock
from runner.core.progress import Watch
from runner.core.records import Holder
from runner.core.vendor import Encoder
from runner.limits.limits import Limits
from runner.manifest import Loaded
from runner.plan import lookalikes
from runner.plan.approval.consent import Consent
from runner.report import ending
from runner.report.report import Inputs, Mode, OrderEntry, Report

UNASKED: Final = Consent(account="default")
"""For calls that nobody has to approve: every order, by whatever account the ledger has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One call, whatever it does: what is wanted, what it may cost, what was approved of it, who asks.

    `detailed_exit`: tell by the exit code whether there is something to buy.
    """

    loaded: Loaded
    limits: Limits
    holder: Holder
    clock: Clock
    watch: Watch
    ledger_name: str
    lockfile: tuple[str, str] | None = None
    guard: lookalikes.Guard = field(default_factory=lookalikes.Guard)
    consent: Consent = UNASKED
    detailed_exit: bool = False

    @property
    def run_id(self) -> str:
        return self.holder.run_id

    def report(self, mode: Mode, encoder: Encoder | None) -> Report:
        """A report of this call in which nothing has happened yet."""
        inputs = Inputs(
            manifests=tuple((file.path, file.sha256) for file in self.loaded.files),
            lockfile=self.lockfile,
            ledger=self.ledger_name,
            base_url=encoder.base_url if encoder else None,
            policies=tuple((policy.path, policy.sha256) for policy in self.limits.policies),
        )
        entries = [
            OrderEntry(request=request, status="planned", body=encoder.preview(request) if encoder else None)
            for request in self.loaded.orders
        ]
        found = [ending.finding_of(problem) for problem in self.loaded.problems]
        return Report(
            run_id=self.run_id,
            mode=mode,
            started_at=self.clock.now(),
            inputs=inputs,
            orders=entries,
            errors=found,
        )

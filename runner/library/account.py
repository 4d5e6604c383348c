"""The library: `runner.load` reads manifests, an `Account` plans, buys, and tells what is known. See docs/library.md.

Beside the command line, never around it: both call `runner.run.call`, so that hold, ledger, limits, policies and
approval hold here as well. Nothing is printed; what stops a call is raised, as an error of `runner.core.errors`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

from runner.buy.protocol import Till
from runner.core.errors import RunnerError, UsageError
from runner.core.orders import OrderKey
from runner.core.progress import Watch, ignore
from runner.core.provenance import provenance_of
from runner.core.secrets import ApiKey
from runner.core.selection import EVERYTHING, Selection
from runner.core.stop import Stop
from runner.evidence.judge import Rules
from runner.library.answers import Applied, Manifests, Planned, Reconciled, as_applied, as_json, raise_for
from runner.limits.admission import check_name
from runner.limits.limits import Limits
from runner.manifest.words import Words
from runner.plan.approval.terms import Approval
from runner.plan.plan import UNLIMITED, Plan
from runner.plan.task import Consent, Task
from runner.report.file import ReportFile
from runner.report.report import Report
from runner.run import call, environment, wiring
from runner.run.confirm import confirmation, digest_of
from runner.run.delivering import Delivered, DeliveryCall, deliver
from runner.run.settings import AUTO, MIN_MONEY_TIMEOUT, Settings, locate, require_seconds
from runner.settle import status
from runner.settle.status import StatusRow
from runner.settle.sums import Spent, add_up, groupings_of, reads_origins

AnyPath = str | os.PathLike[str]


def load(
    *paths: AnyPath, lockfile: AnyPath | None = None, policy: AnyPath | None = None, strict: bool | None = None
) -> Manifests:
    """Read manifests: files, folders, globs. No network, no key. Everything wrong is in `problems`; nothing is raised
    but UsageError for a path that is not there. `strict` makes warnings errors.

    >>> orders = load("orders")
    >>> [str(order.key) for order in orders.orders]
    ['crawl/fr-prices']
    >>> orders.problems
    ()
    """
    if not paths:
        raise UsageError("no manifest was given", hint="name a file, a folder or a glob")
    environment.check()
    lockfile, policy = lockfile or environment.text("--lockfile"), policy or environment.text("--policy")
    strict = bool(environment.flag("--strict")) if strict is None else strict
    words = Words(paths=tuple(os.fspath(path) for path in paths), lockfile_path=Path(lockfile) if lockfile else None)
    loaded, locked = words.load(strict=strict)
    loaded, limits = call.under_policies(loaded, Limits(strict=strict), os.fspath(policy) if policy else None)
    return Manifests(contents=loaded, lockfile=locked, policies=limits.policies, strict=strict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Emulator:
    """The sandbox in this process. `folder` keeps its account and ledger; None is where `--sandbox` keeps them.

    `faults` as for `apply --sandbox --fault`.
    """

    folder: Path | None = None
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account at the vendor, and the ledger that remembers what was bought on it. Seconds; requests in any 60 s,
    or `auto`.

    What is not said is taken from the environment, by the variables of docs/cli.md, so that a program and the command
    line beside it have the same ledger. Neither the key nor the ledger's URL is in the `repr`. `actor` is who buys, for
    the record, like `--as`.
    """

    name: str | None = None
    ledger: AnyPath | None = field(default=None, repr=False)
    base_url: str | None = None
    api_key: ApiKey | None = None
    api_key_file: AnyPath | None = None
    timeout: float = 30.0
    money_timeout: float = 180.0
    rate: int | Literal["auto"] | None = None
    gap: float | None = None
    actor: str | None = None
    emulator: Emulator | None = None

    def __post_init__(self) -> None:
        if self.api_key is not None and not isinstance(self.api_key, ApiKey):
            raise TypeError("api_key must be an ApiKey, whose value is never printed: ApiKey(text)")
        for name, seconds in (("timeout", self.timeout), ("money_timeout", self.money_timeout)):
            require_seconds(name, seconds, least=1)
        if self.gap is not None:
            require_seconds("gap", self.gap)
        if self.rate not in (None, AUTO) and not (isinstance(self.rate, int) and 0 <= self.rate <= environment.MOST):
            raise UsageError(f"rate={self.rate} is not a number of requests from 0 to {environment.MOST:,}, or auto")
        if self.actor is not None:
            provenance_of({}, self.actor, source="actor=")
        if self.money_timeout < MIN_MONEY_TIMEOUT:
            raise UsageError(
                "a purchase may take two minutes: a shorter wait turns good purchases into unknown outcomes",
                hint=f"keep money_timeout at {MIN_MONEY_TIMEOUT:g} or more",
            )

    @classmethod
    def sandbox(cls, folder: AnyPath | None = None, *, faults: tuple[str, ...] = ()) -> Account:
        """An account of the emulator: no key, no money. Account and ledger stay in `folder`.

        >>> account = Account.sandbox("box")
        >>> account.plan(load("orders")).total
        Decimal('16.2')
        """
        return cls(emulator=Emulator(folder=Path(folder) if folder is not None else None, faults=faults))

    def plan(
        self,
        manifests: Manifests,
        *,
        selection: Selection = EVERYTHING,
        limits: Limits = UNLIMITED,
        strict_account: bool | None = None,
        new_account: bool = False,
        watch: Watch = ignore,
    ) -> Planned:
        """Quote everything that is not bought yet, and hold every limit against it. Buys nothing.

        `new_account`: the name is meant to be new to a ledger that has others. Raises NotThisAccount where ledger, name
        and key do not belong together, Refused where it must not be bought as it stands, OutcomeUnknown where an
        earlier order may have been charged, AccessError, VendorUnavailable, LedgerUnusable, InvalidManifests,
        UsageError.

        >>> planned = Account.sandbox("box").plan(load("orders"))
        >>> [(str(step.request.key), step.ceiling) for step in planned.to_buy]
        [('crawl/fr-prices', Decimal('16.2'))]
        """
        manifests.raise_for_errors()
        settings = self._settings()
        consent = call.consent_of(settings, selection=environment.selection(selection), new_account=new_account)
        task = self._task(settings, manifests, limits, consent, watch, strict_account=strict_account)
        with call.report_failure(task, "plan", None, _into(None)):
            ended = call.preview(settings, task, "plan")
        raise_for(ended, keep_going=limits.keep_going)
        return Planned(
            plan=ended.plan,
            digest=ended.terms.digest if ended.terms else None,
            report=as_json(ended.report),
            document=call.document_of(task, ended),
            selection=consent.selection,
        )

    def apply(
        self,
        manifests: Manifests,
        *,
        approve: Planned | str | None = None,
        confirm: Callable[[Plan], bool] | None = None,
        selection: Selection = EVERYTHING,
        limits: Limits = UNLIMITED,
        strict_account: bool | None = None,
        new_account: bool = False,
        report: AnyPath | None = None,
        fail_fast: bool = False,
        jobs: int | None = None,
        lock_timeout: float = 0.0,
        stop: Stop | None = None,
        watch: Watch = ignore,
    ) -> Applied:
        """Buy what is missing, at most once each. **Spends money.**

        One of two stands for a person's yes: `approve`, a plan or the digest of one, of which exactly is bought or
        nothing; or `confirm`, which is shown the plan, priced and within every limit, and says True. The file `report`
        is replaced as orders settle. `stop.request()` from another thread lets the order in flight finish and stops. Up
        to `jobs` purchases, 1 to 32, are in flight at once; `watch` is told from their threads, by one at a time.

        Raises as `plan` does, and OrdersFailed where the vendor refused some orders, Cancelled, Busy. The error's
        `report` says what became of every order, for some may have been bought. OutcomeUnknown means that one may
        have been charged: nothing more is bought on the account until it is settled.

        >>> account, orders = Account.sandbox("box"), load("orders")
        >>> done = account.apply(orders, approve=account.plan(orders))
        >>> [(order.status, order.total) for order in done.orders]
        [('placed', Decimal('16.2'))]
        >>> account.apply(orders, confirm=lambda plan: plan.total < 50).spent  # nothing is bought twice
        Decimal('0')
        """
        approval = _approval(approve, confirm)
        require_seconds("lock_timeout", lock_timeout)
        environment.refuse_dry_run()
        manifests.raise_for_errors()
        settings = self._settings()
        selection = approve.selection if selection == EVERYTHING and isinstance(approve, Planned) else selection
        consent = call.consent_of(
            settings, selection=environment.selection(selection), approval=approval, new_account=new_account
        )
        task = self._task(settings, manifests, limits, consent, watch, strict_account=strict_account)
        till = Till(
            confirm=confirmation(confirm),
            stop=stop or Stop(),
            money_timeout=settings.money_timeout,
            file=ReportFile(Path(report)) if report is not None else None,
            lock_timeout=lock_timeout,
            fail_fast=fail_fast,
            jobs=environment.jobs(jobs),
        )
        with call.report_failure(task, "apply", till.file, _into(till.file)):
            ended = call.buy(settings, task, till)
        raise_for(ended, keep_going=limits.keep_going)
        return as_applied(ended.report)

    def status(self, manifests: Manifests | None = None) -> tuple[StatusRow, ...]:
        """What the ledger knows: of these manifests' orders and of open ones beside them, or of all. No network.

        >>> [(str(row.key), row.state.value) for row in Account.sandbox("box").status()]
        [('crawl/fr-prices', 'placed')]
        """
        if manifests is not None:
            manifests.raise_for_errors()
        with closing(wiring.open_ledger(locate(self._settings()), read_only=True)) as ledger:
            check_name(ledger.account, ledger.register())
            rows = status.every_row(ledger) if manifests is None else status.rows_of(ledger, manifests.orders)
        return tuple(rows)

    def spent(self, *by: str, since: date | None = None, until: date | None = None) -> Spent:
        """What was spent, or may have been, on days from `since` to `until`, in UTC and both included. No network.

        `by` as for `ledger spent --by`: day, month, batch, type, actor, label, or label=NAME; by month where none is
        given. Each key of `groups` has one text for each of them. Raises UsageError for anything else.

        >>> Account.sandbox("box").spent("batch").groups
        {('crawl',): Sum(orders=1, spent=Decimal('16.2'), in_doubt=Decimal('0'))}
        """
        groupings = groupings_of(by)
        with closing(wiring.open_ledger(locate(self._settings()), read_only=True)) as ledger:
            check_name(ledger.account, ledger.register())
            orders = ledger.spendings(since or date.min, until or date.max, origins=reads_origins(groupings))
            return add_up(orders, groupings, since, until)

    def proxies(
        self, *names: str, manifests: Manifests | None = None, wait: timedelta = timedelta(0), watch: Watch = ignore
    ) -> Delivered:
        """What was delivered of the orders of `manifests` and those that `names` mean, keys or patterns, else of all.

        Reads only. Looks again until nothing is pending or `wait` is over. The values of its proxies have
        logins and passwords, which no `repr` shows; what becomes of them is the caller's business. Raises UsageError
        for a name that no order has, LedgerMissing, NotThisAccount, AccessError; lists that cannot be read are
        `failures`.

        >>> delivered = Account.sandbox("box").proxies()
        >>> [(str(order.key), order.state.value, len(order.proxies)) for order in delivered.orders]
        [('crawl/fr-prices', 'delivered', 10)]
        """
        require_seconds("wait", wait.total_seconds())
        if manifests is not None:
            manifests.raise_for_errors()
        orders = manifests.contents.orders if manifests is not None else ()
        question = DeliveryCall(
            manifest_keys=tuple(order.key for order in orders if order.enabled),
            names=names,
            every=not names and manifests is None,
            wait=wait.total_seconds(),
        )
        return deliver(self._settings(), question, watch)

    def reconcile(
        self,
        *keys: OrderKey,
        wait: timedelta = timedelta(0),
        settle_after: timedelta | None = None,
        exclusive: bool | None = None,
        lock_timeout: float = 0.0,
        stop: Stop | None = None,
        watch: Watch = ignore,
    ) -> Reconciled:
        """Settle orders in doubt, all or these, by what the vendor shows now; look again until `wait` is over. Reads
        only. `exclusive`: nobody else buys on the account; None is what the policies say.

        Raises LedgerUnusable where there is no ledger, Busy, UsageError for a key that no order has.

        >>> Account.sandbox("box").reconcile().open
        ()
        """
        require_seconds("lock_timeout", lock_timeout)
        if exclusive is None:
            exclusive = call.is_exclusive(environment.text("--policy"))
        rules = Rules(settle_after=settle_after, exclusive=exclusive)
        settlements, _ = call.reconcile(
            self._settings(),
            rules,
            stop or Stop(),
            watch,
            keys=keys,
            wait=wait.total_seconds(),
            lock_timeout=lock_timeout,
        )
        return Reconciled(
            verdicts=tuple(settlements.verdicts.values()), settled=settlements.earlier, failures=settlements.failures
        )

    def _settings(self) -> Settings:
        environment.check()
        common = Settings(
            timeout=self.timeout, money_timeout=self.money_timeout, rate=self.rate, gap=self.gap, actor=self.actor
        )
        if self.emulator is not None:
            folder, faults = self.emulator.folder, self.emulator.faults
            actor = self.actor or environment.text("--as")
            return replace(common, sandbox=True, sandbox_folder=folder, faults=faults, actor=actor)
        settings = replace(
            common,
            ledger=None if self.ledger is None else os.fspath(self.ledger),
            account=self.name,
            base_url=self.base_url,
            api_key=self.api_key,
            api_key_file=Path(self.api_key_file) if self.api_key_file else None,
        )
        return environment.settings(settings)

    def _task(
        self,
        settings: Settings,
        manifests: Manifests,
        limits: Limits,
        consent: Consent,
        watch: Watch,
        *,
        strict_account: bool | None,
    ) -> Task:
        strict = limits.strict or manifests.strict
        policies = (*limits.policies, *manifests.policies)
        limits = replace(environment.limits(limits), strict=strict, policies=policies)
        if strict_account is None:
            strict_account = environment.flag("--strict-account")
        return call.task_of(
            settings,
            manifests.contents,
            limits,
            consent,
            watch,
            lockfile=manifests.lockfile,
            strict_account=strict_account,
        )


def _approval(approve: Planned | str | None, confirm: Callable[[Plan], bool] | None) -> Approval | None:
    """What was approved, None where `confirm` is asked. UsageError unless one of the two, and only one, says yes."""
    if (approve is None) == (confirm is None):
        raise UsageError(
            "the purchase was not confirmed" if approve is None else "approve and confirm are both given",
            hint="pass approve=plan, or confirm=, a function that is given the plan and returns True",
        )
    if isinstance(approve, Planned):
        return approve.approval
    if approve is None:
        return None
    return Approval(digest=digest_of(approve, name="approve=", source="of a plan"))


def _into(file: ReportFile | None) -> Callable[[Report, RunnerError], None]:
    """Keeps the report of a call that did not begin in the error and, as far as it can be written, in the file."""

    def leave(report: Report, error: RunnerError) -> None:
        error.report = as_json(report)
        if file is not None:
            file.write_last(report)

    return leave

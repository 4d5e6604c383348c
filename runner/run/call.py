"""One call on an account, from what was read to how it ended: what the command line and the library both do.

Every safety promise of a purchase is kept here or below: a named ledger in CI, the hold, limits and policies, the
approval. Whoever calls adds only how a person is asked and what a person is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

from runner.buy.protocol import Till
from runner.core.clock import SystemClock
from runner.core.errors import (
    Busy,
    ExitCode,
    InvalidManifests,
    LedgerUnusable,
    OutcomeUnknown,
    Problem,
    Refused,
    RunnerError,
    UsageError,
    worst,
)
from runner.core.leading import leading_there
from runner.core.ledger import Hold, Ledger
from runner.core.orders import OrderKey, OrderRequest
from runner.core.progress import Notice, Watch, harmless, in_turn
from runner.core.records import Record
from runner.core.selection import EVERYTHING, Selection
from runner.core.stop import Stop, StoppableClock
from runner.core.vendor import Annotator, Reader
from runner.evidence.judge import Rules
from runner.limits import policy
from runner.limits.admission import admit, check_key, require_entered
from runner.limits.limits import Limits
from runner.manifest import Loaded
from runner.manifest.draft import batch_name
from runner.manifest.lock import Lockfile
from runner.plan.approval.terms import Approval, PlanDocument
from runner.plan.ids import References
from runner.plan.task import Consent, Guard, Task
from runner.report import ending
from runner.report.file import ReportFile
from runner.report.report import Mode, Report
from runner.run import batch, wiring
from runner.run.found_file import FoundFile
from runner.run.settings import (
    AUTO,
    SANDBOX_ACCOUNT,
    LedgerPlace,
    Settings,
    holder,
    in_ci,
    locate,
    require_named_ledger,
)
from runner.settle import adopt as taking
from runner.settle import annotate as annotating
from runner.settle import reconcile as settling
from runner.settle import survey as surveying
from runner.settle.resolve import Person
from runner.settle.survey import Survey


def under_policies(loaded: Loaded, limits: Limits, named: str | None) -> tuple[Loaded, Limits]:
    """Manifests and limits under every policy that holds for them; findings of policies come first."""
    policies = policy.over(named, [file.path for file in loaded.files])
    return replace(loaded, problems=(*policies.problems, *loaded.problems)), replace(limits, policies=policies.policies)


def is_exclusive(named: str | None) -> bool:
    """Whether the policies call the account exclusive. InvalidManifests where something is wrong with one of them."""
    policies = policy.over(named)
    if policies.problems:
        raise InvalidManifests(policies.problems)
    return policies.exclusive


def task_of(
    settings: Settings,
    loaded: Loaded,
    limits: Limits,
    consent: Consent,
    watch: Watch,
    *,
    lockfile: Lockfile | None = None,
    strict_account: bool | None = None,
    flags: str = "",
    detailed_exit: bool = False,
) -> Task:
    """The call as the core knows it: manifests with ids in place of words, and everything that limits their purchase.

    `strict_account` None: in CI. `flags` lead a suggested command to the same ledger and account. What `watch` raises
    is lost: whoever looks on must not end a purchase half way. It is called by one thread at a time. Raises UsageError
    for a selection that fits no order.
    """
    if not loaded.errors:
        consent.selection.check(loaded.orders)
    clock = SystemClock()
    strict = in_ci() if strict_account is None else strict_account
    return Task(
        contents=loaded,
        limits=limits,
        lockfile=(lockfile.path, lockfile.sha256) if lockfile else None,
        guard=Guard(strict=strict, flags=flags),
        holder=holder(clock.now(), settings.actor),
        clock=clock,
        watch=in_turn(harmless(watch)),
        ledger_name=wiring.ledger_name(locate(settings)),
        consent=consent,
        detailed_exit=detailed_exit,
    )


def consent_of(
    settings: Settings,
    *,
    selection: Selection = EVERYTHING,
    approval: Approval | None = None,
    nothing: bool = False,
    new_account: bool = False,
) -> Consent:
    """What may be bought for this account; `nothing` where nothing is expected to be left to buy.

    `new_account`: its name may be new to a ledger that has others. UsageError in CI, where nobody can have meant it.
    """
    if new_account and in_ci():
        raise UsageError(
            "with CI set, an account is not made by a purchase",
            hint="enter it once on purpose: order-runner ledger init --account NAME",
        )
    api = SANDBOX_ACCOUNT if settings.sandbox else None
    account = locate(settings).account
    return Consent(
        account=account,
        api=api,
        selection=selection,
        approval=approval,
        nothing=nothing,
        new_account=new_account,
    )


@contextmanager
def report_failure(
    task: Task,
    mode: Mode,
    file: ReportFile | None,
    leave: Callable[[Report, RunnerError], None],
    *,
    hint: str | None = None,
) -> Iterator[None]:
    """Has `leave` keep a report of whatever stops a call before its batch begins.

    Raises UsageError, with the hint, where the report's file cannot be written.
    """
    try:
        yield
    except OSError as error:
        path = file.path if file and file.path else error.filename
        raise UsageError(f"{path} cannot be written: {error.strerror or error}", hint=hint) from error
    except RunnerError as error:
        leave(batch.not_begun(task, mode, error), error)
        raise


def preview(settings: Settings, task: Task, mode: Literal["plan", "dry-run"], *, offline: bool = False) -> batch.Ended:
    """What would be bought. Buys nothing: it only ever holds a `Reader` and a ledger it cannot write.

    A dry run is refused like the purchase; a plan without a ledger says so in its report.
    """
    if mode == "dry-run":
        _require_ledger_in_ci(settings, task.guard.flags)
    ledger = wiring.open_ledger(locate(settings), read_only=True)
    paced = _pace(settings, task.limits)
    opened = wiring.offline() if offline else wiring.reader(paced, SystemClock(), task.watch)
    with closing(ledger), opened as vendor:
        if mode == "dry-run":
            _require_account_in_ci(settings, ledger, task.guard.flags)
        return batch.preview(task, mode, ledger, vendor, notices=wiring.unread(settings, ledger))


def document_of(task: Task, ended: batch.Ended) -> PlanDocument | None:
    """A plan as something to approve; None while an order has no price."""
    terms, report = ended.terms, ended.report
    if terms is None:
        return None
    return PlanDocument(
        terms=terms,
        digest=terms.digest,
        made_at=report.started_at,
        standing={str(entry.request.key): (entry.status, entry.reason) for entry in report.orders},
        prices={str(step.request.key): step.quote.total for step in ended.plan.to_buy if step.quote},
        manifests=task.manifests,
        lockfile=task.lockfile[1] if task.lockfile else None,
    )


def buy(settings: Settings, task: Task, till: Till) -> batch.Ended:
    """Buy a batch. A signal cuts it off only where nothing is in the air, and never hides a possible charge.

    Raises UsageError, before anything is opened, for a purchase in CI whose ledger would be thrown away.
    """
    require_named_ledger(settings)
    _require_ledger_in_ci(settings, task.guard.flags)
    clock = StoppableClock(SystemClock(), till.stop)
    ledger = wiring.open_ledger(locate(settings))
    with closing(ledger), wiring.buyer(_pace(settings, task.limits), clock, task.watch) as buyer:
        _require_account_in_ci(settings, ledger, task.guard.flags)
        ended = batch.apply(task, _bound_jobs(till, task), ledger, buyer)
        if not till.stop.requested:
            _annotate_bought(task, ended, ledger, buyer, till.stop)
        till.at_end()
        return _with_open(ended, ledger, till.file)


def _bound_jobs(till: Till, task: Task) -> Till:
    """With no more purchases at once than the policies allow."""
    jobs, rule = task.limits.bound_jobs(till.jobs)
    if rule is not None:
        task.watch(Notice(text=f"{jobs} purchases at once in place of {till.jobs}: {rule}"))
    return replace(till, jobs=jobs)


def _pace(settings: Settings, limits: Limits) -> Settings:
    """At the rate that the policies name, where the call names none."""
    named = settings.rate is not None or settings.sandbox
    return settings if named or not limits.rate_climbs else replace(settings, rate=AUTO)


def _require_ledger_in_ci(settings: Settings, flags: str) -> None:
    """LedgerMissing in CI, where a purchase makes no ledger: under a mistyped name it would remember nothing.

    `flags` lead the command that makes one to the same ledger.
    """
    if in_ci() and not settings.sandbox:
        place = locate(settings)
        account = "" if " --account " in flags else f" --account {place.account}"
        init = f"order-runner ledger init{flags}{account}"
        wiring.require_made(place, hint=f"name the one that has the account, or make this one on purpose: {init}")


def _require_account_in_ci(settings: Settings, ledger: Ledger, flags: str) -> None:
    """AccountUnknown in CI, where a purchase makes no account either."""
    if in_ci() and not settings.sandbox:
        with leading_there(flags):
            require_entered(ledger.account, ledger.register())


def reconcile(
    settings: Settings,
    rules: Rules,
    stop: Stop,
    watch: Watch,
    *,
    keys: tuple[OrderKey, ...] = (),
    wait: float = 0.0,
    lock_timeout: float = 0.0,
) -> tuple[settling.Settlements, ExitCode]:
    """Settle orders in doubt by evidence. The code is 7 while any order of the account is open, asked for or not."""
    clock, watch = StoppableClock(SystemClock(), stop), harmless(watch)
    with (
        wiring.existing_ledger(settings) as ledger,
        wiring.reader(settings, clock, watch) as reader,
        stop.deferring(watch),
    ):
        task = settling.Reconciliation(
            ledger=ledger,
            reader=reader,
            holder=holder(clock.now(), settings.actor),
            clock=clock,
            stop=stop,
            watch=watch,
            rules=rules,
            keys=keys,
            wait=wait,
            lock_timeout=lock_timeout,
        )
        settlements = settling.reconcile(task)
        codes = [ExitCode.OUTCOME_UNKNOWN] if ledger.open_records() else []
    codes += [ExitCode.CANCELLED] if stop.requested else []
    return settlements, worst(*codes, *(failure.exit_code for failure in settlements.failures if settlements.open))


def annotate(
    settings: Settings, watch: Watch, *, keys: tuple[OrderKey, ...] | None, id_only: bool
) -> list[annotating.ReceiptNote]:
    """Write the receipts of these orders, of all for None. UsageError where the ledger has none of them."""
    clock, watch = SystemClock(), harmless(watch)
    with wiring.existing_ledger(settings) as ledger, wiring.annotator(settings, clock, watch) as vendor:
        if keys is not None and not ledger.records(keys):
            named = ", ".join(map(str, keys[:3]))
            raise UsageError(f"the ledger has no order {named}", hint="`order-runner status` lists every order it has")
        check_key(ledger.account, ledger.register(), vendor.identity)
        task = annotating.Annotating(ledger=ledger, vendor=vendor, clock=clock, keys=keys, id_only=id_only)
        return list(annotating.annotate(task))


def _annotate_bought(task: Task, ended: batch.Ended, ledger: Ledger, vendor: Reader, stop: Stop) -> None:
    """Receipts of what was bought now and is delivered already. What goes wrong is a note, and no more."""
    style = task.limits.receipts
    keys = [entry.request.key for entry in ended.report.orders if entry.status == "placed"]
    if style is None or not keys or not isinstance(vendor, Annotator):
        return
    wish = annotating.Annotating(ledger=ledger, vendor=vendor, clock=task.clock, keys=keys, id_only=style == "id-only")
    try:
        for one in annotating.annotate(wish):
            if stop.requested:
                return
            if one.reason:
                task.watch(Notice(text=f"receipt of {one.key}: {one.reason}"))
    except RunnerError as error:
        task.watch(Notice(text=f"receipts were not written: {error}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptWish:
    """What a call of `adopt` is about: everything manifests want, and which of it may be entered.

    `person` is None where nothing is to be entered. `file` takes what no manifest wants. `flags` lead a suggested
    command to the same ledger and account.
    """

    orders: Sequence[OrderRequest]
    selection: Selection
    person: Person | None
    file: FoundFile | None = None
    from_receipts: bool = False
    new_account: bool = False
    lock_timeout: float = 0.0
    flags: str = ""


def adopt(
    settings: Settings, wish: AdoptWish, watch: Watch, confirm: Callable[[taking.Proposal], None]
) -> tuple[taking.Proposal, bool]:
    """Enter orders that were bought elsewhere; whether any was. `confirm` raises where a person does not agree.

    Without a person nothing is held and nothing written. Raises what a `Reader` raises, `Busy`, `Refused`, and in CI
    LedgerMissing and AccountUnknown.
    """
    clock, watch = SystemClock(), harmless(watch)
    if wish.person is not None:
        require_named_ledger(settings)
        _require_ledger_in_ci(settings, wish.flags)
    ledger = wiring.open_ledger(locate(settings), read_only=wish.person is None)
    with closing(ledger), wiring.reader(settings, clock, watch) as reader:
        takeover = taking.Takeover(
            orders=wish.orders,
            ledger=ledger,
            reader=reader,
            references=References(reader=reader, watch=watch),
            clock=clock,
            selection=wish.selection,
            batch=batch_name(wish.file.path.stem) if wish.file else None,
            from_receipts=wish.from_receipts,
        )
        is_known = check_key(ledger.account, ledger.register(), reader.identity, new=wish.new_account)
        if wish.person is None:
            return taking.propose(takeover), False
        who = holder(clock.now(), settings.actor)
        with ledger.hold(who, timeout=wish.lock_timeout) as hold:
            hold.abandon_submitted(clock.now())
            proposal = taking.propose(takeover)
            if not is_known and proposal.is_read:
                by, new = f"run {who.run_id}", wish.new_account
                admit(ledger, hold, reader.identity, at=clock.now(), who=by, watch=watch, new=new)
            if wants := taking.notes(proposal, clock.now()):
                hold.note_wants(wants)
            if proposal.pairs or proposal.descriptions:
                confirm(proposal)
                _enter(takeover, proposal, wish, hold, who.run_id)
        return proposal, bool(proposal.pairs or proposal.descriptions)


def _enter(takeover: taking.Takeover, proposal: taking.Proposal, wish: AdoptWish, hold: Hold, run_id: str) -> None:
    """All in one transaction; a manifest that is written gets its name once its orders are in the ledger."""
    now, pairs, person = takeover.clock.now(), list(proposal.pairs), wish.person
    assert person is not None  # noqa: S101 - somebody agreed
    if wish.file is None or not proposal.descriptions:
        hold.adopt_all(taking.adoptions(pairs, person, run_id, now))
        return
    text = taking.draft_of(proposal, takeover)
    try:
        requests = wish.file.load(text, takeover.references.of, f"{now:%Y-%m-%dT%H:%M:%SZ}")
        pairs += taking.pairs_of(proposal.descriptions, requests)
        hold.adopt_all(taking.adoptions(pairs, person, run_id, now))
    except RunnerError:
        wish.file.drop()
        raise
    wish.file.put()


def survey(
    settings: Settings,
    watch: Watch,
    *,
    requests: Sequence[OrderRequest] | None = None,
    within: timedelta,
    only_ending: bool = False,
    noting: bool = True,
) -> tuple[Survey, tuple[Problem, ...], str | None]:
    """What the account has at the vendor; warnings that no ledger was read; why what was seen was not noted, if so.

    The ledger is only written to where that needs no waiting: whoever buys meanwhile goes first.
    """
    clock, watch, place = SystemClock(), harmless(watch), locate(settings)
    with (
        closing(wiring.open_ledger(place, read_only=True)) as ledger,
        wiring.reader(settings, clock, watch) as reader,
    ):
        unread = wiring.unread(settings, ledger, is_meant=True)
        task = surveying.Surveying(
            ledger=ledger,
            reader=reader,
            clock=clock,
            within=within,
            requests=requests,
            only_ending=only_ending,
        )
        look = surveying.survey(task)
        is_kept = ledger.exists
    reason = _note(place, look) if noting and is_kept and look.sightings else None
    return look, unread, reason


def _note(place: LedgerPlace, look: Survey) -> str | None:
    """Note what was seen; the reason where that cannot be now."""
    try:
        with (
            closing(wiring.open_ledger(place)) as ledger,
            ledger.hold(holder(look.when.at), timeout=0) as hold,
        ):
            surveying.note(look, hold)
    except (Busy, Refused) as error:
        return str(error)
    return None


def cut_off(records: Sequence[Record]) -> OutcomeUnknown:
    """What is raised where a signal ended a call, and these orders are open."""
    named = ending.names([str(record.key) for record in records])
    orders = f"{len(records)} order{'s' if len(records) != 1 else ''}"
    return OutcomeUnknown(
        f"stopped by a signal; {orders} of the account may have been charged, and that is not settled: {named}",
        hint="`order-runner status` shows what is known of them",
    )


def _with_open(ended: batch.Ended, ledger: Ledger, file: ReportFile | None) -> batch.Ended:
    """A batch that was cut off, perhaps before it had looked for open orders: with those in report and exit code."""
    report, records = ended.report, []
    if report.exit_code is ExitCode.CANCELLED and report.finished_at is not None:
        with suppress(LedgerUnusable):
            records = ledger.open_records()
    if not records or report.finished_at is None:
        return ended
    error = cut_off(records)
    entries = {entry.request.key: entry for entry in report.orders}
    for record in records:
        if record.key in entries:
            entries[record.key].update(status="unknown", reason=record.reason, possible=record.quote_total)
    ending.note_open(report, records)
    ending.finish(report, report.finished_at, error)
    if file is not None:
        file.write_last(report)
    return replace(ended, error=error)

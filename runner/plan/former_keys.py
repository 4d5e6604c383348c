"""Orders that go by another key now: what moves in the ledger, what cannot, and what only looks renamed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from runner.core.errors import Problem
from runner.core.leading import with_flags
from runner.core.ledger import Ledger
from runner.core.orders import OrderKey, OrderRequest
from runner.core.records import Record
from runner.core.states import CLAIMABLE, OPEN, State
from runner.limits.limits import Standing, alike
from runner.limits.policy import Objection
from runner.manifest import Batch

if TYPE_CHECKING:
    from runner.plan.plan import Step

_SETTLE: Final = "settle it first: `order-runner reconcile`, or `order-runner resolve`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What the ledger knows of the keys that are wanted and of those they had before.

    `successors` has what keys that were given up are called now; their records are there, too. `flags` lead a
    suggested command to the same ledger and account.
    """

    records: Mapping[OrderKey, Record] = field(default_factory=dict)
    successors: Mapping[OrderKey, OrderKey] = field(default_factory=dict)
    flags: str = ""

    def successor(self, key: OrderKey) -> str:
        """`b/new, bought as order 7`: what a key that was given up is called now."""
        now = self.successors.get(key, key)
        record = self.records.get(now)
        return f"{now}, bought as order {record.order_id}" if record and record.order_id else str(now)


def recall(ledger: Ledger, requests: Sequence[OrderRequest], flags: str) -> Memory:
    """Ask the ledger for the orders of manifests, by the keys they have and had. `flags` as of `Memory`."""
    keys = dict.fromkeys(request.key for request in requests)
    keys |= dict.fromkeys(request.renamed_from for request in requests if request.renamed_from)
    records = ledger.records(keys)
    successors = ledger.successors(key for key, record in records.items() if record.state is State.RENAMED)
    further = set(successors.values()) - records.keys()
    records |= ledger.records(further) if further else {}
    return Memory(records=records, successors=successors, flags=flags)


def wanted_keys(requests: Iterable[OrderRequest]) -> set[OrderKey]:
    """The keys by which somebody wants what was bought: those of the orders, and those that they had before."""
    return {key for request in requests for key in (request.key, request.renamed_from) if key is not None}


def object_to_old_key(key: OrderKey, memory: Memory) -> Objection:
    """What is said of an order whose key is that of a purchase which goes by another one."""
    return Objection(
        code="PSR435",
        message=f"it was renamed to {memory.successor(key)}",
        hint="remove it; for a purchase of its own give it another name, because this one is never used again",
    )


def predecessor(request: OrderRequest, memory: Memory) -> Record | Objection | None:
    """The purchase that moves to this order, or why it cannot; None where there is nothing to move."""
    before, own = request.renamed_from, memory.records.get(request.key)
    record = memory.records.get(before) if before else None
    if before is None or record is None:
        return None
    if record.state in OPEN:
        message = f"{before}, which it was renamed from, may have been charged and is not settled"
        return _objection(message, with_flags(_SETTLE, memory.flags))
    if record.state is State.RENAMED:
        return _object_to_second_renaming(request, before, memory)
    disputed = next((one for one in (record, own) if one and one.state in CLAIMABLE and one.stray_order_id), None)
    if disputed is not None:
        answered = f"{disputed.key} was answered with order {disputed.stray_order_id} as well"
        return _objection(
            f"{answered}, and that is not settled",
            with_flags("`order-runner status` has the command that settles it", memory.flags),
        )
    return record if record.state is State.PLACED else None


def _object_to_second_renaming(request: OrderRequest, before: OrderKey, memory: Memory) -> Objection | None:
    now = memory.successors.get(before, before)
    if (now.batch, now.name) == (request.key.batch, request.key.name):  # another generation of it: bought on purpose
        return None
    return _objection(
        f"{before} was renamed to {memory.successor(before)}, already",
        f"if that is the order meant, write `renamed_from: {now}`; if this is another one, remove `renamed_from`",
    )


def object_to_second_purchase(request: OrderRequest, memory: Memory) -> Objection | None:
    """What is said of an order that is bought by both its keys."""
    record = memory.records.get(request.renamed_from) if request.renamed_from else None
    if record is None or record.state is not State.PLACED:
        return None
    return Objection(
        code="PSR436",
        message=f"{record.key} is bought as well, as order {record.order_id}: nothing moves",
        hint="remove `renamed_from`",
        field="renamed_from",
    )


def _objection(message: str, hint: str) -> Objection:
    return Objection(code="PSR436", message=message, hint=hint, field="renamed_from")


def note_unknown_keys(requests: Sequence[OrderRequest], batches: Iterable[Batch], memory: Memory) -> Iterator[Problem]:
    """A warning for every earlier key of which the ledger knows nothing; one a batch that was renamed as a whole."""
    by_batch: dict[str, bool] = defaultdict(bool)
    for request in requests:
        before = request.renamed_from
        if before is None:
            continue
        is_known = before in memory.records or request.key in memory.records
        if "renamed_from" in request.source.fields:
            if not is_known:
                yield _as_note(
                    request.problem("PSR436", _NOT_THERE.format(before), hint=_PERHAPS, field="renamed_from")
                )
        else:
            by_batch[request.key.batch] |= is_known
    for batch in batches:
        if batch.renamed_from and by_batch.pop(batch.name, True) is False:
            path, span = batch.places.get("renamed_from", (batch.path, None))
            message = _NOT_THERE.format(f"order of batch {batch.renamed_from}")
            yield _as_note(Problem(code="PSR436", message=message, hint=_PERHAPS, path=path, span=span))


_NOT_THERE: Final = "the ledger knows no {}: nothing moves"
_PERHAPS: Final = "if it was bought under that name, check the spelling, the account and the ledger before you buy"


def _as_note(problem: Problem) -> Problem:
    return replace(problem, severity="warning")


def find_renamed_batches(steps: Iterable[Step], batches: Iterable[Batch], standing: Standing) -> Iterator[Problem]:
    """A finding for each batch of which every order is identical to one of another batch, wanted by nobody now."""
    by_batch: defaultdict[str, list[Step]] = defaultdict(list)
    steps = tuple(steps)
    every = [step for step in steps if step.status != "skipped" and step.request.renews is None]
    wanted = wanted_keys(step.request for step in steps)
    for step in every:
        by_batch[step.request.key.batch].append(step)
    places = {batch.name: batch.places.get("batch", (batch.path, None)) for batch in batches}
    for name, own in by_batch.items():
        if standing.alike and all(_may_be_copy(step) for step in own):
            twin = _twin([step.request for step in own], standing, wanted)
            if twin is not None:
                path, span = places.get(name, (None, None))
                yield replace(twin, path=path, span=span)


def _may_be_copy(step: Step) -> bool:
    copy = step.to_buy or (step.problem is not None and step.problem.code == "PSR433")
    return copy and not step.request.copies_meant


def _twin(requests: Sequence[OrderRequest], standing: Standing, wanted: Collection[OrderKey]) -> Problem | None:
    """What is said of orders of which each has a counterpart of its own in one other batch."""
    contents: defaultdict[str, list[OrderRequest]] = defaultdict(list)
    for request in requests:
        contents[request.fingerprint].append(request)
    counterparts: dict[str, list[OrderKey]] = {}
    old: set[str] | None = None
    for content, same in contents.items():
        newest = max(same, key=lambda request: request.key.generation)
        counterparts[content] = [key for bought in alike(newest, standing) if (key := bought.record.key) not in wanted]
        counts = Counter(key.batch for key in counterparts[content] if key.batch != newest.key.batch)
        enough = {batch for batch, count in counts.items() if count >= len(same)}
        old = enough if old is None else old & enough
        if not old:
            return None
    return _rename_finding(requests, min(old), counterparts) if old else None


def _rename_finding(
    requests: Sequence[OrderRequest], old: str, counterparts: Mapping[str, Sequence[OrderKey]]
) -> Problem:
    new, first = requests[0].key.batch, requests[0]
    count = f"all {len(requests)} orders of batch {new} are" if len(requests) > 1 else f"the order of batch {new} is"
    bought = {key for keys in counterparts.values() for key in keys}
    if all(replace(request.key, batch=old) in bought for request in requests):
        line = f"`renamed_from: {old}` beside `batch`"
    else:
        before = next(key for key in counterparts[first.fingerprint] if key.batch == old)
        line = f"`renamed_from` in each order, in {first.key.name} `renamed_from: {before}`"
    return Problem(
        code="PSR434",
        message=f"{count} identical to what was bought as batch {old} and still runs: it looks renamed",
        hint=f"if so, write {line}: nothing is bought again; if all are wanted again, `copies: meant`",
    )

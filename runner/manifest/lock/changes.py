"""What `lock` makes of the words of manifests, a lockfile and the vendor's reference lists."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from runner.core.errors import Problem
from runner.core.orders import WORDS, OrderRequest, ProductType, Scalar
from runner.core.vendor import Choice
from runner.manifest.lock import Address, LockedWord, Lockfile, address_of, field_of, renewal_address
from runner.manifest.lock.meanings import matches, nearest_words, section_digest
from runner.manifest.lock.text import clean
from runner.manifest.phrases import display

Reference = Callable[[ProductType], tuple[Choice, ...]]

_BY_HAND: Final = "write the vendor's own `{field}` instead"


@dataclass(slots=True, kw_only=True)
class Locking:
    """What is locked at the end, how it came about, and what is wrong or worth reading.

    `entries` holds every word in use. `moves` pairs what is locked with what the vendor has now (None: nothing or
    several things).
    """

    entries: dict[Address, LockedWord] = field(default_factory=dict)
    additions: list[LockedWord] = field(default_factory=list)
    updates: list[tuple[LockedWord, LockedWord]] = field(default_factory=list)
    problems: dict[Address, Problem] = field(default_factory=dict)
    moves: dict[Address, tuple[LockedWord, LockedWord | None]] = field(default_factory=dict)


def lock(
    orders: Iterable[OrderRequest], lockfile: Lockfile | None, update: Collection[str], reference: Reference, now: str
) -> Locking:
    """Every word of the orders, locked: as it is in the lockfile, or anew where it is not there or to be updated."""
    locking = Locking()
    held = lockfile.entries if lockfile else {}
    for request in orders:
        fields: dict[str, Scalar] = dict(request.fields)
        for kind in WORDS:
            if kind not in request.words:
                continue
            address = address_of(request.type, kind, request.words[kind], fields)
            if address is None:
                continue
            entry = locking.entries.get(address) or _settle(
                locking, address, held.get(address), request, address.word in update, reference, now
            )
            if entry is not None:
                fields[address.field] = entry.id
        if (renewal := renewal_address(request)) is not None and renewal not in locking.entries:
            _settle(locking, renewal, held.get(renewal), request, renewal.word in update, reference, now)
    return locking


def _settle(
    locking: Locking,
    address: Address,
    locked: LockedWord | None,
    request: OrderRequest,
    update: bool,
    reference: Reference,
    now: str,
) -> LockedWord | None:
    if address in locking.problems:
        return None
    choices = reference(address.type)
    fitting = matches(choices, address)
    fresh = _entry(address, fitting[0], choices, now) if len(fitting) == 1 else None
    if locked is not None and not update:
        if _has_moved(locked, fresh):
            locking.moves[address] = (locked, fresh)
        locking.entries[address] = locked
        return locked
    if fresh is None:
        locking.problems[address] = (_ambiguous if fitting else _unknown_word)(address, request, choices)
        return None
    if locked is not None and not _has_moved(locked, fresh):
        fresh = locked
    elif locked is not None:
        locking.updates.append((locked, fresh))
    else:
        locking.additions.append(fresh)
    locking.entries[address] = fresh
    return fresh


def _entry(address: Address, choice: Choice, choices: Iterable[Choice], now: str) -> LockedWord:
    section = section_digest(choices, address.field)
    return LockedWord(address=address, id=choice.value, name=clean(choice.name), section=section, locked_at=now)


def _has_moved(locked: LockedWord, fresh: LockedWord | None) -> bool:
    return fresh is None or (locked.id, locked.name) != (fresh.id, fresh.name)


def _unknown_word(address: Address, request: OrderRequest, choices: tuple[Choice, ...]) -> Problem:
    near = nearest_words(choices, address)
    hint = "nearest: " + ", ".join(near) if near else f"`order-runner reference {address.type}` lists what there is"
    within = " there" if address.within else ""
    message = f"the vendor has no `{address.kind}` called `{display(address.word)}` for {address.type}{within}"
    return request.problem("PSR307", message, hint=hint, field=field_of(request, address))


def _ambiguous(address: Address, request: OrderRequest, choices: tuple[Choice, ...]) -> Problem:
    both = " and ".join(f"{c.value} ({c.name})" for c in matches(choices, address))
    message = f"`{address}` could mean {both} of {address.type}"
    hint = f"write the full name if only one has it, or {_BY_HAND.format(field=address.field)}"
    return request.problem("PSR308", message, hint=hint, field=field_of(request, address))


def moved_problems(locking: Locking, path: str, command: str) -> list[Problem]:
    """A finding at the lockfile's line for each word that the vendor means otherwise by now."""
    problems = []
    for address, (locked, fresh) in locking.moves.items():
        now = f"it is now {fresh.meaning}" if fresh else "the vendor no longer has exactly one thing of that name"
        problems.append(
            Problem(
                code="PSR310",
                message=f"`{address}` of {address.type} is locked as {locked.meaning}, but has changed: {now}",
                hint=f"check what changed; `{command} --update {shlex.quote(address.word)}` accepts it",
                path=path,
                span=locked.span,
                field=address.kind,
            )
        )
    return problems


def stale_problems(lockfile: Lockfile, used: Collection[Address], command: str) -> list[Problem]:
    """A finding for each locked word that no manifest uses."""
    return [
        Problem(
            code="PSR309",
            message=f"`{address}` of {address.type} is locked, but no manifest uses it",
            hint=f"`{command}` removes it",
            path=lockfile.path,
            span=entry.span,
            field=address.kind,
        )
        for address, entry in lockfile.entries.items()
        if address not in used
    ]


def entries_to_keep(locking: Locking, lockfile: Lockfile | None, *, others: bool) -> dict[Address, LockedWord]:
    """What is written: every word in use and, where `others` may use them, the entries beside."""
    beside = lockfile.entries if lockfile and others else {}
    return {**beside, **locking.entries}


def as_warnings(problems: Iterable[Problem]) -> list[Problem]:
    return [replace(problem, severity="warning") for problem in problems]

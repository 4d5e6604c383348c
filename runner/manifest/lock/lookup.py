"""From orders with words to orders with the vendor's ids: through a lockfile, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from runner.core.errors import Problem
from runner.core.orders import WORDS, OrderRequest, Scalar
from runner.manifest import Loaded
from runner.manifest.lock import Address, Lockfile, address_of, field_of, renewal_address


def addresses(request: OrderRequest, lockfile: Lockfile | None) -> Iterator[Address]:
    """Where each word of an order is looked up, as far as what it depends on is locked."""
    fields = dict(request.fields)
    for kind in WORDS:
        if kind in request.words:
            address = address_of(request.type, kind, request.words[kind], fields)
            if address is None:
                continue
            yield address
            entry = lockfile.entries.get(address) if lockfile else None
            if entry is not None:
                fields[address.field] = entry.id
    if (renewal := renewal_address(request)) is not None:
        yield renewal


def resolve(request: OrderRequest, lockfile: Lockfile) -> OrderRequest | tuple[Address, ...]:
    """The order with ids for its words, or the words that are not locked."""
    fields: dict[str, Scalar] = dict(request.fields)
    rule, missing = request.renew, []
    for address in addresses(request, lockfile):
        entry = lockfile.entries.get(address)
        if entry is None:
            missing.append(address)
            continue
        if request.words.get(address.kind) == address.word:
            fields[address.field] = entry.id
        if rule is not None and address == renewal_address(request):
            rule = replace(rule, period_id=str(entry.id))
    return tuple(dict.fromkeys(missing)) if missing else replace(request, fields=fields, renew=rule)


def unlocked_problem(
    request: OrderRequest, address: Address, lockfile: Lockfile | None, command: str, place: str
) -> Problem:
    """The finding at the line of a word that no lockfile has, with the command to run."""
    if lockfile is None:
        message = f"`{address}` is not locked: there is no {place}"
    else:
        message = f"`{address}` of {address.type} is not locked in {lockfile.path}"
    hint = f"run `{command}`, check what it wrote, and commit it"
    return request.problem("PSR304", message, hint=hint, field=field_of(request, address))


def resolve_all(loaded: Loaded, lockfile: Lockfile | None, command: str, place: str) -> Loaded:
    """The same manifests with ids in place of words; a finding for each word that is not locked, once a place."""
    problems: dict[tuple[object, str], Problem] = {}
    orders: list[OrderRequest] = []
    empty = Lockfile(path=place, sha256="", entries={})
    for request in loaded.orders:
        outcome = resolve(request, lockfile or empty) if request.has_words else request
        if isinstance(outcome, OrderRequest):
            orders.append(outcome)
            continue
        for address in outcome:
            problem = unlocked_problem(request, address, lockfile, command, place)
            at = (problem.path, problem.span), problem.message
            problems[at] = replace(problem, key=None) if at in problems else problem
    every = (*loaded.problems, *problems.values())
    return replace(loaded, orders=tuple(orders), problems=tuple(sorted(every, key=lambda problem: problem.order)))

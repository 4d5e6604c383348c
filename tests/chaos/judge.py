"""What must hold whatever has happened, judged from outside: the vendor's books, the ledger, the files."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft202012Validator

from runner.core.orders import OrderKey
from runner.core.records import Record
from runner.core.states import OPEN, State
from tests.chaos.nursery import ROOT
from tests.chaos.world import KEY, World

REPORT: Final = Draft202012Validator(json.loads((ROOT / "schemas" / "report.schema.json").read_text("utf-8")))
EXITS: Final = frozenset({0, 3, 5, 6, 7, 8, 9})
"""What a runner of a valid manifest may end with by itself. 1 is a bug of ours, 2 and 4 are a bug of the test."""


class Broken(AssertionError):
    """A promise that was not kept. `kind` is duplicate, lost, or a word of its own."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(f"{kind}: {text}")
        self.kind = kind


class TooSlow(Exception):
    """This machine was too busy for the seed: the vendor did something later than any real one is taken to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How one runner ended. `held` says whether it came as far as holding the account; `slot` names its files."""

    slot: str
    status: int
    held: bool
    stderr: str

    @property
    def never_began(self) -> bool:
        """A signal met a cold Python before it could run anything, which it calls an error with exit code 1."""
        return self.status == 1 and "Fatal Python error: init" in self.stderr


def judge(world: World, ends: Sequence[End]) -> dict[OrderKey, Record]:
    """After every round, all runners dead. Raises `Broken`; the ledger's records."""
    no_key_in(world.folder)
    reports_are_whole(world)
    reports_agree(world, ends)
    bought = world.bought()
    once_each(bought)
    records = world.records()
    nothing_forgotten(bought, records)
    exits_are_true(ends, records, world.keys)
    lanes_are_bounded(world, records)
    all_is_awaited(world, ends, records)
    doubt_is_named(world, ends, records)
    return records


def judge_end(world: World) -> int:
    """After the calm: ledger and vendor agree, and every order was bought and renewed once. How many purchases there were, renewals
    not counted."""
    records, bought = judge(world, ()), world.bought()
    for key in world.keys:
        record = records.get(key)
        if record is None or record.state is not State.PLACED:
            raise Broken("stuck", f"{key} is {record.state if record else 'missing'} after the calm")
        if [record.order_id] != bought.get(key):
            raise Broken("lost", f"{key} has {record.order_id}, the vendor {bought.get(key)}")
    if left := not_renewed(bought, world):
        raise Broken("stuck", f"{left} are not renewed after the calm")
    for key, ids in bought.items():
        if key and key.term and (key not in records or [records[key].order_id] != ids):
            raise Broken("lost", f"{key} is {records.get(key)}, the vendor has {ids}")
    return sum(len(ids) for key, ids in bought.items() if key and not key.term)


def not_renewed(bought: dict[OrderKey | None, list[str]], world: World) -> list[str]:
    """The orders that are to be renewed, and of which the vendor has sold no second term."""
    renewed = {key.purchase for key in bought if key and key.term}
    return [str(key) for key in world.renewing if key not in renewed]


def once_each(bought: dict[OrderKey | None, list[str]]) -> None:
    """At most one purchase a key, and none that no order explains."""
    if None in bought:
        raise Broken("stray", f"the vendor has {bought[None]}, which nobody ordered")
    twice = {str(key): ids for key, ids in bought.items() if len(ids) > 1}
    if twice:
        raise Broken("duplicate", f"bought more than once: {twice}")


def nothing_forgotten(bought: dict[OrderKey | None, list[str]], records: dict[OrderKey, Record]) -> None:
    """What the vendor has is placed or open in the ledger; what is placed is that order of the vendor's."""
    for key, ids in bought.items():
        state = records[key].state if key in records else None
        if state is not State.PLACED and state not in OPEN:
            raise Broken("lost", f"the vendor has {ids} for {key}, the ledger says {state or 'nothing'}")
    placed = [record for record in records.values() if record.state is State.PLACED]
    owned = Counter(record.order_id for record in placed)
    if owned and max(owned.values()) > 1:
        raise Broken("shared", f"one vendor order, two owners: {owned}")
    for record in placed:
        if record.order_id not in bought.get(record.key, []):
            raise Broken("phantom", f"{record.key} is placed as {record.order_id}, the vendor has {bought}")


def exits_are_true(ends: Sequence[End], records: dict[OrderKey, Record], keys: Iterable[OrderKey]) -> None:
    """Every exit code fits the ledger. Only who was killed says nothing."""
    ends = [end for end in ends if not end.never_began]
    ended = [end for end in ends if end.status >= 0]
    for end in ended:
        if end.status not in EXITS:
            raise Broken("exit", f"exit {end.status}: {end.stderr[-2000:]}")
    left = [key for key in keys if key not in records or records[key].state is not State.PLACED]
    if left and any(end.status == 0 for end in ended):
        raise Broken("exit", f"exit 0, but {[str(key) for key in left]} are not bought")
    holders = [end for end in ends if end.held]
    is_open = any(record.state in OPEN for record in records.values())
    if len(holders) == 1 and holders[0].status >= 0 and (holders[0].status == 7) != is_open:
        raise Broken("exit", f"exit {holders[0].status} while open orders: {is_open}; {holders[0].stderr[-2000:]}")
    if is_open and holders and all(end.status >= 0 for end in ends) and all(end.status != 7 for end in ends):
        raise Broken("exit", f"orders are open, and nobody said so: {[end.status for end in ends]}")


def lanes_are_bounded(world: World, records: dict[OrderKey, Record]) -> None:
    """No run leaves more orders open than it had jobs."""
    claimed_by = world.claimed_by()
    for run, count in Counter(claimed_by[key] for key, record in records.items() if record.state in OPEN).items():
        if count > world.jobs_of.get(run, 1):
            raise Broken("flight", f"run {run} left {count} orders open with {world.jobs_of.get(run)} jobs")


def all_is_awaited(world: World, ends: Sequence[End], records: dict[OrderKey, Record]) -> None:
    """What was in flight is settled before a run ends, if it ends by itself: none of it stays `submitted`.

    What an earlier round's run left so does, where one is stopped as soon as it holds the account.
    """
    claimed_by = world.claimed_by()
    submitted = [key for key, record in records.items() if record.state is State.SUBMITTED]
    left = [str(key) for key in submitted if claimed_by[key] in world.current_runs]
    holders = [end for end in ends if end.held]
    if left and holders and all(end.status >= 0 for end in ends):
        raise Broken("awaited", f"{left} are submitted, and nobody was killed: {[end.status for end in ends]}")


def doubt_is_named(world: World, ends: Sequence[End], records: dict[OrderKey, Record]) -> None:
    """The last words of the one who held the account name every open order of the manifest."""
    holders = [end for end in ends if end.held]
    if len(holders) != 1 or holders[0].status != 7:
        return
    told = (world.folder / f"out-{holders[0].slot}").read_text()
    silent = [str(key) for key, record in records.items() if record.state in OPEN and str(key) not in told]
    if silent:
        raise Broken("named", f"{silent} are open, and not named in {told[-2000:]}")


def reports_are_whole(world: World) -> None:
    """A report that is there is valid by its schema, whatever was killed while it was written."""
    for path in world.folder.glob("report-*.json"):
        mark = (path.name, path.stat().st_mtime_ns)
        if mark in world.judged:
            continue
        world.judged.add(mark)
        try:
            report: Any = json.loads(path.read_bytes())
        except ValueError as error:
            raise Broken("report", f"{path.name} is no JSON: {error}") from None
        for flaw in REPORT.iter_errors(report):
            raise Broken("report", f"{path.name}: {flaw.message}")


def reports_agree(world: World, ends: Iterable[End]) -> None:
    """Who ended by itself and says in its report how, ended so."""
    for end in ends:
        path = world.folder / f"report-{end.slot}.json"
        if end.status < 0 or not path.exists():
            continue
        run = json.loads(path.read_bytes())["run"]
        if run["complete"] and run["exit"]["code"] != end.status:
            raise Broken("exit", f"{path.name} says {run['exit']}, the process {end.status}: {end.stderr[-1000:]}")


def no_key_in(folder: Path) -> None:
    """The API key is in no byte of any file: ledger, log, report, leftovers, stdout, stderr, notes."""
    for path in folder.rglob("*"):
        if path.is_file() and KEY.encode() in path.read_bytes():
            raise Broken("key", f"the API key is in {path.name}")

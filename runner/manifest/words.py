"""The words of a call's manifests, turned into ids through its lockfile. Imports what it needs when it is used."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from runner.core.errors import Problem, UsageError
from runner.core.progress import Watch, ignore

if TYPE_CHECKING:
    from runner.core.orders import OrderRequest
    from runner.manifest import Loaded
    from runner.manifest.lock import Lockfile


@dataclass(slots=True, kw_only=True)
class Words:
    """The words of one call: its lockfile, opened when the first word asks for it, and the command that locks."""

    paths: tuple[str, ...]
    lockfile_path: Path | None
    sandbox: bool = False
    watch: Watch = ignore
    _read: bool = False
    _broken: bool = False
    _lockfile: Lockfile | None = None
    _reported: set[object] = field(default_factory=set)

    @property
    def place(self) -> Path:
        from runner.manifest.lock.location import place_of

        return place_of(self.paths, self.lockfile_path)

    @property
    def apart(self) -> bool:
        """Whether folders with a lockfile of their own are left to calls of their own."""
        return self.lockfile_path is None

    @property
    def command(self) -> str:
        """`order-runner lock orders/`, as this call would have to say it."""
        named = ["--lockfile", str(self.lockfile_path)] if self.lockfile_path else []
        return shlex.join(["order-runner", "lock", *(["--sandbox"] if self.sandbox else []), *self.paths, *named])

    def lockfile(self) -> tuple[Lockfile | None, tuple[Problem, ...]]:
        """The lockfile and, the first time, what is wrong with it; neither where there is none."""
        if self._read:
            return self._lockfile, ()
        from runner.manifest.lock.text import read

        self._read = True
        if self.lockfile_path is None and not self.place.is_file():
            return None, ()
        if not self.place.exists():
            raise UsageError(f"there is no {self.place}", hint=f"`{self.command}` writes it")
        self._lockfile, problems = read(self.place)
        self._broken = bool(problems)
        return self._lockfile, problems

    def load(self, *, strict: bool) -> tuple[Loaded, Lockfile | None]:
        """The manifests with ids in place of words, and the lockfile if one was needed."""
        from runner import manifest
        from runner.manifest.lock.lookup import resolve_all

        loaded = manifest.load(self.paths, strict=strict, apart=self.apart, watch=self.watch)
        if not any(request.has_words for request in loaded.orders):
            return loaded, None
        lockfile, problems = self.lockfile()
        if problems:
            without = tuple(request for request in loaded.orders if not request.has_words)
            return replace(loaded, orders=without, problems=(*loaded.problems, *problems)), None
        return resolve_all(loaded, lockfile, self.command, str(self.place)), lockfile

    def lock_findings(self, loaded: Loaded, lockfile: Lockfile | None) -> list[Problem]:
        """What is wrong between manifests and lockfile, the vendor not asked: every word locked, no entry too many."""
        from runner.manifest.lock.changes import stale_problems
        from runner.manifest.lock.location import covers
        from runner.manifest.lock.lookup import addresses, resolve_all

        resolved = resolve_all(loaded, lockfile, self.command, str(self.place))
        problems = [problem for problem in resolved.problems if problem.code == "PSR304"]
        if lockfile is not None and covers(self.paths, self.place):
            used = {address for request in loaded.orders for address in addresses(request, lockfile)}
            problems += stale_problems(lockfile, used, self.command)
        return problems

    def check(self, *, strict: bool) -> Loaded:
        """The manifests as `validate` sees them: the orders whose words, if any, are locked, and what `judge` says."""
        from runner import manifest
        from runner.manifest.lock.lookup import resolve

        loaded = manifest.load(self.paths, strict=strict, apart=self.apart, watch=self.watch)
        problems = list(loaded.problems)
        orders = []
        for request in loaded.orders:
            outcome: OrderRequest | tuple[object, ...] = request
            if request.has_words:
                findings = self.judge(request)
                problems += [replace(problem, severity="error") for problem in findings] if strict else findings
                lockfile, _ = self.lockfile()
                outcome = resolve(request, lockfile) if lockfile else ()
            if not isinstance(outcome, tuple):
                orders.append(outcome)
        return replace(loaded, problems=tuple(problems), orders=tuple(orders))

    def judge(self, request: OrderRequest) -> Iterator[Problem]:
        """What `validate` says of an order's words: each place once, and only that there is no lockfile, if so."""
        from runner.manifest.lock.lookup import resolve, unlocked_problem

        lockfile, problems = self.lockfile()
        yield from problems
        if lockfile is None:
            if not self._broken and not self._reported:
                self._reported.add(None)
                yield self._nothing_locked(request)
            return
        outcome = resolve(request, lockfile)
        for address in outcome if isinstance(outcome, tuple) else ():
            problem = unlocked_problem(request, address, lockfile, self.command, str(self.place))
            at = (problem.path, problem.span, problem.message)
            if at not in self._reported:
                self._reported.add(at)
                yield problem

    def _nothing_locked(self, request: OrderRequest) -> Problem:
        problem = request.problem(
            "PSR305",
            f"the words of the manifests are not locked: there is no {self.place}",
            hint=f"run `{self.command}` before you plan or buy",
            field=next(iter(request.words), "renew"),
        )
        return replace(problem, severity="warning")

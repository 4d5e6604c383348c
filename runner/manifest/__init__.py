"""Manifests in, checked orders or every problem at once out. After this module nobody sees a dict.

`check` keeps no order, so its memory hardly grows with the files; `load` keeps them all. Both read each file as a
stream: an order is judged as soon as it is complete.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import BinaryIO

from runner.core.errors import Problem
from runner.core.orders import OrderKey, OrderRequest
from runner.core.progress import Watch, ignore
from runner.core.yamldoc import read
from runner.core.yamldoc.nodes import Begin, Break, End, Field, Item, ListEntry
from runner.core.yamldoc.source import Flaw, TextSource
from runner.manifest.alike import Alike
from runner.manifest.discover import discover
from runner.manifest.excerpts import Excerpts
from runner.manifest.judging import EARLY, MAX_PROBLEMS, Accepted, Late, ManifestDocument, TooMany
from runner.manifest.keys import Keys
from runner.manifest.renames import Renames
from runner.manifest.requests import Batch, Budget, batch_of, former_key, has_words, request_of
from runner.manifest.telling import Telling

__all__ = ["Batch", "Budget", "Checked", "Loaded", "ManifestFile", "check", "discover", "load"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestFile:
    """A file that was read: its path as the user spelled it, and the SHA-256 of its bytes."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a call found. `count` is how many orders were read, good and bad; `problems` are sorted by place; folders
    `left_out` have a lockfile of their own."""

    count: int
    batches: tuple[Batch, ...]
    files: tuple[ManifestFile, ...]
    problems: tuple[Problem, ...]
    left_out: tuple[str, ...] = ()

    @property
    def errors(self) -> int:
        """How many problems are errors and not warnings."""
        return sum(problem.severity == "error" for problem in self.problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded(Checked):
    """`Checked`, and the orders without errors in the order they are written."""

    orders: tuple[OrderRequest, ...]


Judge = Callable[[OrderRequest], Iterable[Problem]]
"""What more may be wrong with an order that has words."""


def check(
    paths: Sequence[str],
    *,
    stdin: BinaryIO | None = None,
    strict: bool = False,
    judge: Judge | None = None,
    apart: bool = True,
    watch: Watch = ignore,
) -> Checked:
    """Read manifests and judge every order, keeping none; those with words also by `judge`. With `strict` warnings
    are errors. `apart` as for `discover`. `watch` is told how far it has come.

    UsageError for a path that is missing or cannot be read; everything else is a problem in the answer.
    """
    return _Loader(stdin=stdin, keep=False, judge=judge, watch=watch).over(paths, strict=strict, apart=apart)


def load(
    paths: Sequence[str],
    *,
    stdin: BinaryIO | None = None,
    strict: bool = False,
    apart: bool = True,
    watch: Watch = ignore,
) -> Loaded:
    """Read manifests, judge every order, and keep those without errors. With `strict` warnings are errors.

    UsageError for a path that is missing or cannot be read; everything else is a problem in the answer.
    """
    return _Loader(stdin=stdin, keep=True, watch=watch).over(paths, strict=strict, apart=apart)


@contextmanager
def _no_collector() -> Iterator[None]:
    """Without the cyclic collector: nothing here makes cycles, and looking for them takes longer than parsing."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@dataclass(slots=True)
class _FileReading:
    """What one pass over one file found; dropped where the file has to be read again."""

    problems: list[Problem] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    orders: list[OrderRequest] = field(default_factory=list)
    count: int = 0

    def outside(self, item: Item) -> None:
        """Take a problem that belongs to no document. TooMany where there is no end of them."""
        if isinstance(item, Break):
            self.problems.append(item.problem)
        elif isinstance(item, Problem):
            self.problems.append(item)
        self.limit()

    def limit(self) -> None:
        if len(self.problems) > MAX_PROBLEMS:
            raise TooMany

    def close(self, document: ManifestDocument) -> None:
        """Take over what a document came to."""
        self.problems += document.problems
        self.count += document.orders
        if batch := batch_of(document):
            self.batches.append(batch)


class _Loader:
    """One call over all its files."""

    def __init__(
        self, *, stdin: BinaryIO | None, keep: bool, judge: Judge | None = None, watch: Watch = ignore
    ) -> None:
        self._stdin = stdin
        self._keep = keep
        self._judge = judge
        self._watch = watch
        self._telling = Telling((), watch)
        self._keys = Keys()
        self._alike = Alike()
        self._renames = Renames()

    def over(self, paths: Sequence[str], *, strict: bool, apart: bool) -> Loaded:
        discovery = discover(paths, apart=apart)
        readings = [_FileReading(problems=list(discovery.problems))]
        files: list[ManifestFile] = []
        self._telling = Telling(discovery.paths, self._watch)
        with _no_collector():
            for path in discovery.paths:
                reading, sha256 = self._file(path)
                self._telling.end_file()
                readings.append(reading)
                if sha256:
                    files.append(ManifestFile(path=path, sha256=sha256))
        problems = [problem for reading in readings for problem in reading.problems]
        problems += self._alike.problems()
        problems += islice(self._renames.problems(self._keys), MAX_PROBLEMS)
        if strict:
            problems = [replace(problem, severity="error") for problem in problems]
        return Loaded(
            count=sum(reading.count for reading in readings),
            batches=tuple(batch for reading in readings for batch in reading.batches),
            files=tuple(files),
            problems=tuple(sorted(problems, key=lambda problem: problem.order)),
            orders=tuple(order for reading in readings for order in reading.orders),
            left_out=discovery.left_out,
        )

    def _file(self, path: str) -> tuple[_FileReading, str | None]:
        try:
            with TextSource.open(path, stdin=self._stdin or getattr(sys.stdin, "buffer", None)) as source:
                self._telling.begin_file(source)
                try:
                    reading = self._pass(source, [])
                except Late:
                    self._keys.forget()
                    self._alike.forget()
                    self._renames.forget()
                    self._telling.again()
                    reading = self._pass(source, _early_fields(source))
                return reading, source.sha256
        except Flaw as flaw:
            return _FileReading(problems=[flaw.problem]), None

    def _pass(self, source: TextSource, early: list[dict[str, Field]]) -> _FileReading:
        """Read a file once. `early` holds early fields of each document, from a pass before."""
        self._keys.begin(source.path)
        self._alike.begin(source.path)
        self._renames.begin(source.path)
        excerpts = Excerpts()
        source.listener = excerpts.feed if self._keep else None
        reading = _FileReading()
        upcoming = iter(early)
        document: ManifestDocument | None = None
        try:
            for item in read(source, split="orders"):
                if document and isinstance(item, ListEntry):
                    self._telling.order()
                    if (accepted := document.entry(item)) and document.batch:
                        self._take(accepted, document, document.batch, reading, excerpts)
                elif isinstance(item, Begin):
                    document = ManifestDocument(source.path, item.span, self._keys, next(upcoming, {}))
                elif document is None:
                    reading.outside(item)
                elif isinstance(item, End):
                    document.finish()
                    reading.close(document)
                    document = None
                    reading.limit()
                else:
                    document.take(item)
        except TooMany:
            reading.problems.append(_too_many(source.path))
        if document:
            reading.close(document)
        return reading

    def _take(
        self, accepted: Accepted, document: ManifestDocument, batch: str, reading: _FileReading, excerpts: Excerpts
    ) -> None:
        self._alike.add(accepted, batch)
        if before := former_key(accepted.values, document):
            self._renames.add(accepted, OrderKey(batch, accepted.values["name"], accepted.values["generation"]), before)
        if self._keep:
            reading.orders.append(request_of(accepted, document, excerpts.of(accepted.entry)))
        elif self._judge and has_words(accepted):
            document.report(self._judge(request_of(accepted, document)))


def _early_fields(source: TextSource) -> list[dict[str, Field]]:
    """The fields of each document that its orders depend on, wherever they stand."""
    source.listener = None
    documents: list[dict[str, Field]] = []
    for item in read(source, split="orders"):
        if isinstance(item, Begin):
            documents.append({})
        elif isinstance(item, Field) and item.key in EARLY:
            documents[-1][item.key] = item
    return documents


def _too_many(path: str) -> Problem:
    message = f"more than {MAX_PROBLEMS:,} findings: the rest of the file was not checked"
    return Problem(code="PSR303", message=message, hint="correct these first", path=path)

"""A manifest of orders that are about to be adopted: written beside its place, read back, and put there last.

Nothing may be bought because a run ended in between: while the orders are not in the ledger the file has a name that no
call reads by itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from runner import manifest
from runner.core.errors import Refused, UsageError
from runner.core.files import replace_atomically
from runner.core.orders import OrderRequest, ProductType
from runner.core.vendor import Choice
from runner.manifest.lock.changes import entries_to_keep, lock
from runner.manifest.lock.location import place_of
from runner.manifest.lock.lookup import resolve_all
from runner.manifest.lock.text import lockfile_text, read


class FoundFile:
    """One file that is to be made, never written over."""

    def __init__(self, path: Path, lockfile: Path | None = None) -> None:
        """UsageError where there is something already, or no folder."""
        if path.exists() or path.is_symlink():
            raise UsageError(f"{path} is there already: --write writes over nothing", hint="name another file")
        if not path.parent.is_dir():
            raise UsageError(f"{path} cannot be written: its folder is missing", hint="make the folder first")
        self.path = path
        self._lockfile = lockfile
        self._draft = path.with_name(f".{path.stem}.{os.getpid()}.draft.yaml")

    def load(self, text: str, reference: Callable[[ProductType], tuple[Choice, ...]], now: str) -> list[OrderRequest]:
        """The orders of the text, as the finished file would give them; its words are locked now.

        Refused where a word is locked to what the vendor does not mean by it any more, or the text is no manifest.
        """
        try:
            with self._draft.open("x", encoding="utf-8") as stream:
                stream.write(text)
        except OSError as error:
            raise UsageError(f"{self.path} cannot be written: {error.strerror or error}") from None
        loaded = manifest.load((str(self._draft),), apart=False)
        place = place_of((str(self.path),), self._lockfile)
        lockfile, problems = read(place) if place.exists() else (None, ())
        changes = lock(loaded.orders, lockfile, (), reference, now)
        wrong = [problem.message for problem in (*loaded.problems, *problems, *changes.problems.values())]
        wrong += [f"`{address}` is locked as {locked.meaning}" for address, (locked, _) in changes.moves.items()]
        if wrong:
            raise Refused(
                f"the orders cannot be written as a manifest: {wrong[0]}",
                hint=f"`order-runner lock --check` says what is wrong with {place}",
            )
        entries = entries_to_keep(changes, lockfile, others=True)
        if entries and (lockfile is None or dict(lockfile.entries) != entries):
            self._lock(place, lockfile_text(entries.values()))
        kept = replace(loaded, problems=())
        resolved = resolve_all(kept, read(place)[0] if place.exists() else None, "order-runner lock", str(place))
        return list(resolved.orders)

    def _lock(self, place: Path, text: str) -> None:
        try:
            mode = place.stat().st_mode & 0o777 if place.exists() else 0o644
            replace_atomically(place, text.encode())
            place.chmod(mode)
        except OSError as error:
            raise UsageError(f"the lockfile {place} cannot be written: {error.strerror or error}") from None

    def put(self) -> None:
        """Give the draft its name. UsageError, with the draft's, where that has been taken meanwhile."""
        try:
            os.link(self._draft, self.path)
        except OSError as error:
            raise UsageError(
                f"{self.path} cannot be made: {error.strerror or error}; the orders are in the ledger",
                hint=f"their manifest is {self._draft}: move it where it belongs",
            ) from None
        self._draft.unlink()

    def drop(self) -> None:
        """Take the draft away, if there is one: nothing was adopted."""
        with suppress(OSError):
            self._draft.unlink()

"""Whether a file is a ledger or part of one, for who might write over it. Imports no database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from glob import escape
from pathlib import Path
from typing import Final

from runner.ledger.storage import SIBLINGS, beside

_MAGIC: Final = b"SQLite format 3\0"
"""https://www.sqlite.org/fileformat2.html#magic_header_string"""

_ENDING: Final = re.compile(r"-wal|-shm|-journal|\..+\.(?:lock|emergency)")


def ledger_of(path: Path) -> Path | None:
    """The database that a file is, or whose log, lock or emergency file its name makes it; None for any other file."""
    return next((place for place in _candidates(path) if _is_database(place)), None)


def files_of(ledger: Path, account: str) -> Iterator[Path]:
    """The file of a ledger and all that belong to it: those of this account, be they there or not, and of others."""
    yield ledger
    for ending in (*SIBLINGS, f".{account}.lock", f".{account}.emergency"):
        yield beside(ledger, ending)
    for kind in ("lock", "emergency"):
        yield from ledger.parent.glob(f"{escape(ledger.name)}.*.{kind}")


def _candidates(path: Path) -> Iterator[Path]:
    yield path
    for cut in range(1, len(path.name)):
        if _ENDING.fullmatch(path.name[cut:]):
            yield path.with_name(path.name[:cut])


def _is_database(path: Path) -> bool:
    with suppress(OSError):
        if path.is_file():
            with path.open("rb") as stream:
                return stream.read(len(_MAGIC)) == _MAGIC
    return False

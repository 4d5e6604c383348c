"""What has to hold of the place of a ledger file before SQLite is let at it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from glob import escape
from pathlib import Path
from typing import Final

from runner.core.errors import LedgerUnusable
from runner.core.files import open_private, private_folder, refuse_special, sync_folder

SIBLINGS: Final = ("-wal", "-shm", "-journal")
"""Files that SQLite makes beside its database."""

NETWORK_FILE_SYSTEMS: Final = frozenset(
    (
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "fuse",
        "fuseblk",
        "gfs2",
        "glusterfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "ocfs2",
        "smb3",
        "smbfs",
    )
)
"""Where locks and shared memory, on which SQLite's write-ahead log stands, cannot be relied on; and `fuse.*`."""

_MOUNTS: Final = Path("/proc/self/mountinfo")


def beside(path: Path, ending: str) -> Path:
    """`ledger.db` and `-wal` make `ledger.db-wal`."""
    return path.with_name(path.name + ending)


def check_place(path: Path) -> None:
    """Refuse links, special files and network file systems; OSError or `LedgerUnusable`."""
    for ending in ("", *SIBLINGS):
        refuse_special(beside(path, ending))
    kind = network_file_system(path.parent)
    if kind is not None:
        raise LedgerUnusable(
            f"the ledger {path} would be on a network file system ({kind}), where its locks cannot be trusted",
            hint="use a local disk",
        )


def make_file(path: Path) -> None:
    """Make folder and file where they are missing, for the owner only; OSError where they cannot be written."""
    private_folder(path.parent)
    try:
        # Only ever a new file: closing a descriptor of one in use would drop this process's SQLite locks on it.
        os.close(open_private(path, os.O_RDWR | os.O_CREAT | os.O_EXCL))
        sync_folder(path.parent)
    except FileExistsError:
        refuse_special(path)
    for place in (path, path.parent):
        if not os.access(place, os.W_OK):
            raise PermissionError(f"{place} cannot be written by this user")


def leftovers(path: Path) -> list[Path]:
    """Files that only a ledger in use leaves behind: lock files of any account, and a log without its database.

    A log beside a database that has begun is none: it is read by SQLite, or left by a first run that was cut off.
    """
    begun = path.exists() and path.stat().st_size > 0
    logs = [log for log in [beside(path, "-wal")] if not begun and log.is_file() and _has_commit(log)]
    return [*sorted(path.parent.glob(f"{escape(path.name)}.*.lock")), *logs]


def _has_commit(log: Path) -> bool:
    """Whether a write-ahead log holds a finished transaction (https://www.sqlite.org/fileformat2.html#walformat).

    A run that died while it made the tables of a new ledger leaves one that holds none: nothing was ever in it.
    """
    with log.open("rb") as stream:
        header = stream.read(32)
        if len(header) < 32:
            return False
        size, salts = int.from_bytes(header[8:12], "big"), header[16:24]
        while len(frame := stream.read(24)) == 24 and frame[8:16] == salts:
            if any(frame[4:8]):  # the size of the database after the commit; 0 in all other frames
                return True
            stream.seek(size, os.SEEK_CUR)
    return False


def refuse_lost(path: Path, traces: Iterable[Path]) -> None:
    """`LedgerUnusable` where `path` is missing or empty though it was used: a new one would forget what was bought."""
    for trace in traces:
        raise LedgerUnusable(
            f"the ledger {path} is gone or empty, but {trace} shows that it was in use",
            hint=f"restore it from a backup; if it was deleted on purpose, delete {trace.name} too",
        )


def file_system(folder: Path, mounts: str | None = None) -> str:
    """The type of the file system that `folder` is on; empty where nobody can tell."""
    if mounts is None:
        mounts = _MOUNTS.read_text(errors="replace") if _MOUNTS.exists() else ""
    place, deepest = Path(os.path.realpath(folder)), ("", "")
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        point = _unescape(left.split(" ")[4])
        if place.is_relative_to(point) and len(point) >= len(deepest[0]):
            deepest = point, right.split(" ")[0]
    return deepest[1]


def network_file_system(folder: Path, mounts: str | None = None) -> str | None:
    """The type of the network file system that `folder` is on, None on a local one or where nobody can tell."""
    kind = file_system(folder, mounts)
    return kind if kind in NETWORK_FILE_SYSTEMS or kind.startswith("fuse.") else None


def _unescape(point: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), point)

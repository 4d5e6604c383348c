"""What has to hold of the place of a ledger file before SQLite is let at it."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Iterator
from glob import escape
from pathlib import Path
from typing import Final

from runner.core.errors import LedgerReplaced, LedgerUnusable
from runner.core.files import open_private, private_folder, refuse_special, sync_folder
from runner.ledger.emergency import holds_something

SIBLINGS: Final = ("-wal", "-shm", "-journal")
"""Files that SQLite makes beside its database."""

LOCAL_FILE_SYSTEMS: Final = frozenset(
    (
        *("ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "jfs", "reiserfs", "nilfs2", "bcachefs"),
        *("apfs", "hfs", "ufs"),
        *("tmpfs", "ramfs", "rootfs"),
        "overlay",
    )
)
"""Where one kernel sees every lock and every byte of shared memory, on which SQLite's write-ahead log stands.

Disks of Linux, macOS and BSD; memory, which holds as long as the machine runs (`doctor` warns of it); and a
container's own layer. What is not here is on another machine (nfs, cifs, ceph, gpfs, lustre), shared with one
(virtiofs, 9p, vboxsf, drvfs), in the hands of a program that may lock as it likes (fuse), made for removable disks,
without a journal (vfat, exfat), or unknown: the ledger is refused there, unless the user says that its locks hold.
"""

TRUST_OPTION: Final = "--trust-file-system"

_MOUNTS: Final = Path("/proc/self/mountinfo")


def beside(path: Path, ending: str) -> Path:
    """`ledger.db` and `-wal` make `ledger.db-wal`."""
    return path.with_name(path.name + ending)


def check_place(path: Path, trusted: str | None = None, mounts: str | None = None) -> None:
    """Refuse links, special files, a file that is a mount of its own, and file systems whose locks are not known to
    hold, unless their type is the one that is `trusted`; OSError or `LedgerUnusable`."""
    for ending in ("", *SIBLINGS):
        refuse_special(beside(path, ending))
    _refuse_mounted(path, mounts)
    kind = doubtful_file_system(path.parent, mounts)
    if kind is not None and kind != trusted:
        raise LedgerUnusable(
            f"the ledger {path} would be on a file system of type {kind}, where its locks are not known to hold",
            hint="use a local disk, or PostgreSQL; if you know that locks and shared memory work there between all "
            f"who use it, say so with {TRUST_OPTION} {kind}",
        )


def _refuse_mounted(path: Path, mounts: str | None) -> None:
    """`LedgerUnusable` where the ledger, or a file beside it, is mounted by itself.

    Whoever has the file so, in a container say, has neither its log nor its lock, and writes beside everybody else.
    """
    place = Path(os.path.realpath(path.parent)) / path.name
    own = [point for point, _ in _mount_points(mounts) if _belongs_to(Path(point), place)]
    if not own and _has_other_device(place):
        own = [str(place)]
    for point in own:
        raise LedgerUnusable(
            f"the ledger's file {point} is a mount of its own: its log and its lock, which lie beside it, "
            "are not those of others who use it",
            hint="mount its folder in place of the file (docker -v, Kubernetes without subPath)",
        )


def _belongs_to(point: Path, place: Path) -> bool:
    """Whether `point` is the ledger at `place` or one of the files beside it: log, lock, emergency file."""
    name = re.escape(place.name) + r"(-wal|-shm|-journal|\..+\.(lock|emergency))?"
    return point.parent == place.parent and re.fullmatch(name, point.name, re.DOTALL) is not None


def _has_other_device(place: Path) -> bool:
    """Whether a file is on another device than its folder. Layers of a container may be, without any mount."""
    try:
        other = place.lstat().st_dev != place.parent.stat().st_dev
    except FileNotFoundError:
        return False
    return other and file_system(place.parent) != "overlay"


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
            raise PermissionError(errno.EACCES, "cannot be written by this user", str(place))


def leftovers(path: Path) -> list[Path]:
    """Files that only a ledger in use leaves behind: lock files of any account, outcomes that it did not take, and a
    log without its database.

    A log beside a database that has begun is none: it is read by SQLite, or left by a first run that was cut off. What
    belongs to a ledger beside this one, whose name goes on where this one's ends, is none either.
    """
    begun = path.exists() and path.stat().st_size > 0
    logs = [log for log in [beside(path, "-wal")] if not begun and log.is_file() and _has_commit(log)]
    name = escape(path.name)
    kept = [file for file in path.parent.glob(f"{name}.*.emergency*") if _is_own(file, path)]
    locks = [file for file in path.parent.glob(f"{name}.*.lock") if _is_own(file, path)]
    outcomes = [file for file in kept if file.is_file() and holds_something(file)]
    return [*sorted(locks), *sorted(outcomes), *logs]


def _is_own(trace: Path, path: Path) -> bool:
    """Whether a file is of the ledger at `path`, and not of `orders.new` beside `orders`, where that is there."""
    parts = trace.name.removeprefix(f"{path.name}.").split(".")
    longer = (path.with_name(".".join((path.name, *parts[:count]))) for count in range(1, len(parts) - 1))
    return not any(ledger.is_file() for ledger in longer)


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


def refuse_lost(path: Path, traces: Iterable[Path], *, restoring: bool = False) -> None:
    """`LedgerReplaced` where `path` is missing or empty though it was used: a new one would forget what was bought.

    With `restoring`, the traces are those that do not tell how far the ledger was.
    """
    for trace in traces:
        if restoring:
            hint = (
                f"{trace.name} does not tell how far it was: make sure that this export is the newest, delete that "
                "file, and import again"
            )
        else:
            hint = (
                "put back its newest copy, or fill a new one from an export with `order-runner ledger import EXPORT`; "
                f"if it was deleted on purpose, delete {trace.name} too"
            )
        raise LedgerReplaced(f"the ledger {path} is gone or empty, but {trace} shows that it was in use", hint=hint)


def file_system(folder: Path, mounts: str | None = None) -> str:
    """The type of the file system that `folder` is on; empty where nobody can tell."""
    place, deepest = Path(os.path.realpath(folder)), ("", "")
    for point, kind in _mount_points(mounts):
        if place.is_relative_to(point) and len(point) >= len(deepest[0]):
            deepest = point, kind
    return deepest[1]


def doubtful_file_system(folder: Path, mounts: str | None = None) -> str | None:
    """The type of the file system that `folder` is on where it is not one of `LOCAL_FILE_SYSTEMS`.

    None as well where nobody can tell.
    """
    kind = file_system(folder, mounts)
    return kind if kind and kind not in LOCAL_FILE_SYSTEMS else None


def _mount_points(mounts: str | None) -> Iterator[tuple[str, str]]:
    """Mount points and the types of what is mounted there, in the kernel's order; nothing without its table."""
    if mounts is None:
        mounts = _MOUNTS.read_text(errors="surrogateescape") if _MOUNTS.exists() else ""
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        yield _unescape(left.split(" ")[4]), right.split(" ")[0]


def _unescape(point: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), point)

"""Files to be written: whether two names are one file, and whether a file can be put in a place at all.

A file is put in a place by a rename (`files.replacing`), which is refused where writing to the old file would be
allowed: it is a mount point, immutable, or somebody else's in a sticky folder. All of that can be known beforehand.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import unicodedata
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final

from runner.core.files import refuse_special

_MOUNTS: Final = Path("/proc/self/mountinfo")
_GET_FLAGS: Final = 0x8008_6601
"""FS_IOC_GETFLAGS, https://man7.org/linux/man-pages/man2/ioctl_iflags.2.html, on a 64-bit system."""
_FIXED: Final = 0x10 | 0x20
"""FS_IMMUTABLE_FL and FS_APPEND_FL, from the same page."""
_FIXED_ON_BSD: Final = stat.UF_IMMUTABLE | stat.UF_APPEND | stat.SF_IMMUTABLE | stat.SF_APPEND
_ENTRIES: Final = 64
"""Entries of a folder that are looked at to learn whether it tells upper case from lower."""


def identity_of(path: Path) -> object:
    """What every name of a file has in common, be the file there or not: links, `./`, and case where that is ignored.

    OSError where nobody can tell.
    """
    real = Path(os.path.realpath(path))
    try:
        status = real.stat()
    except FileNotFoundError:
        pass
    else:
        return status.st_dev, status.st_ino
    try:
        folder = real.parent.stat()
    except FileNotFoundError:
        return str(real)
    name = real.name
    if ignores_case(real.parent):
        name = unicodedata.normalize("NFC", name).casefold()
    return folder.st_dev, folder.st_ino, name


def identity_of_descriptor(descriptor: int) -> object | None:
    """The same of an open plain file; None for anything else."""
    with suppress(OSError):
        status = os.fstat(descriptor)
        if stat.S_ISREG(status.st_mode):
            return status.st_dev, status.st_ino
    return None


def ignores_case(folder: Path) -> bool:
    """Whether a file of the folder answers to its name with upper and lower case exchanged.

    An empty folder is taken for what its own name tells.
    """
    with os.scandir(folder) as entries:
        names = [entry.name for entry in islice(entries, _ENTRIES) if entry.name.swapcase() != entry.name]
    places = [folder / name for name in names] or [folder]
    return any(_is_same(place, place.with_name(place.name.swapcase())) for place in places if place.name)


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one != other and os.path.samestat(one.lstat(), other.lstat())
    except OSError:
        return False


def refuse_irreplaceable(path: Path) -> None:
    """OSError, in words, where no file could be put at `path`. A file is made beside it and removed to find out."""
    refuse_special(path)
    folder = path.absolute().parent
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OSError(errno.EACCES, "its folder is missing or cannot be written")
    if is_mount_point(path):
        raise OSError(errno.EBUSY, "it is mounted by itself, so that it cannot be replaced: mount its folder instead")
    for place in (path, folder):
        if _is_fixed(place):
            raise OSError(errno.EPERM, f"{place} is immutable or append-only, so that it cannot be replaced")
    if _is_guarded(path, folder):
        raise OSError(errno.EPERM, "it is another user's, in a folder where only its owner may replace it")
    _try_folder(path)


def is_mount_point(path: Path) -> bool:
    """Whether something is mounted at `path` itself, a single file included."""
    real = os.path.realpath(path)
    if _MOUNTS.exists():
        return real in map(_point, _MOUNTS.read_text(errors="surrogateescape").splitlines())
    try:
        return Path(real).stat().st_dev != Path(real).parent.stat().st_dev
    except OSError:
        return False


def _point(line: str) -> str:
    """The mount point of a line of mountinfo, where blanks and some others are written in octal."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), line.split(" ")[4])


def _is_fixed(path: Path) -> bool:
    with suppress(OSError, ImportError):
        status = path.stat()
        if getattr(status, "st_flags", 0) & _FIXED_ON_BSD:
            return True
        import fcntl

        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            flags = fcntl.ioctl(descriptor, _GET_FLAGS, bytes(8))
        finally:
            os.close(descriptor)
        return bool(int.from_bytes(flags[:4], "little") & _FIXED)
    return False


def _is_guarded(path: Path, folder: Path) -> bool:
    """Whether the sticky bit of the folder keeps this user from replacing the file, as in /tmp."""
    above = folder.stat()
    if not above.st_mode & stat.S_ISVTX or not path.exists():
        return False
    return os.geteuid() not in (0, above.st_uid, path.stat().st_uid)


def _try_folder(path: Path) -> None:
    trial = path.with_name(f".{path.name}.{os.getpid()}.try")
    os.close(os.open(trial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    trial.unlink()

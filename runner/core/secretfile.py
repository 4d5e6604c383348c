"""A file of secrets: the owner's alone, made where nobody can have put anything, and there whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from runner.core.files import refuse_special, replace_atomically, sync_folder

_NAMELESS: Final = getattr(os, "O_TMPFILE", 0)


def put_secret(path: Path, data: bytes) -> None:
    """Put `data` at `path`, mode 0600; killed at any moment, it leaves the old file or the new, and no part of one.

    Where the system can, the new file has no name until it is whole and on disk, so that nothing is left lying about.
    OSError for a link, a folder or a device at `path`, or where it cannot be written.
    """
    refuse_special(path)
    descriptor = _nameless(path.absolute().parent)
    if descriptor is None:
        replace_atomically(path, data)
        return
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
        if not _name(descriptor, path):
            replace_atomically(path, data)
            return
    finally:
        os.close(descriptor)
    sync_folder(path.absolute().parent)


def _nameless(folder: Path) -> int | None:
    """A descriptor of a new file without a name, 0600; None where the system or the file system has none."""
    if not _NAMELESS:
        return None
    try:
        return os.open(folder, _NAMELESS | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    except OSError:
        return None


def _name(descriptor: int, path: Path) -> bool:
    """Give the file its name, in place of one that is there; False where the system cannot."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    folder = os.open(path.absolute().parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(FileNotFoundError):
            temporary.unlink()
        try:
            os.link(f"/proc/self/fd/{descriptor}", temporary.name, src_dir_fd=folder, dst_dir_fd=folder)
        except OSError:
            return False
        try:
            refuse_special(path)
            os.rename(temporary.name, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        return True
    finally:
        os.close(folder)

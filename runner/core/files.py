"""Files that others may rely on: private, replaced whole, never through a link."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import BinaryIO, Final

WRITABLE_STATE: Final = "set XDG_STATE_HOME, or HOME, to a folder that this user may write to and that outlives the run"
"""The way out where there is no folder for what this user's runs remember, or where it cannot be written."""


def private_folder(path: Path) -> None:
    """Make a folder and its missing parents, readable by the owner only."""
    missing = [parent for parent in (path, *path.parents) if not parent.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)


def refuse_special(path: Path) -> None:
    """OSError where `path` exists and is not a plain file of one name: a link, folder, pipe or device."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    if stat.S_ISLNK(status.st_mode):
        raise OSError(f"{path} is a symbolic link; refusing to write through it")
    if not stat.S_ISREG(status.st_mode):
        raise OSError(f"{path} is not a plain file; refusing to write to it")
    if status.st_nlink > 1:
        raise OSError(f"{path} has more than one hard link; refusing to write to it")


def open_private(path: Path, flags: int = os.O_RDWR | os.O_CREAT) -> int:
    """A descriptor of a plain file, made 0600 where it is new; OSError on a link or anything else special."""
    refuse_special(path)
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def replace_atomically(path: Path, data: bytes) -> None:
    """Put `data` at `path` so that any reader, at any moment and after any crash, sees the old or the new whole."""
    with replacing(path) as stream:
        stream.write(data)


def sync_folder(path: Path) -> None:
    """Make a rename or a new file in `path` durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A stream whose bytes are at `path` once the `with` is left, as `replace_atomically` does."""
    refuse_special(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with suppress(FileNotFoundError):
        temporary.unlink()
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.rename(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(path.parent)


def relative(path: str | None) -> str | None:
    """A path for reports and documents: from the working folder, so that no machine's layout gets into one."""
    return os.path.relpath(path) if path is not None and path.startswith("/") else path


@cache
def shipped_folder(name: str) -> Path:
    """A folder shipped with the program: the package `runner._NAME` once installed, the folder itself in a checkout.

    Asks the package itself: importing importlib.resources takes as long as checking a thousand orders.
    """
    try:
        return Path(import_module(f"runner._{name}").__path__[0])
    except ModuleNotFoundError:
        return Path(__file__).resolve().parents[2] / name

"""Programs that the formats are for: on PATH, or where .ci/tools has put them. A test without its program is skipped."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest

TOOLS: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "order-runner-tools"
UNPACKED: Final = TOOLS / "debian"
LIBRARIES: Final = [UNPACKED / folder / "x86_64-linux-gnu" for folder in ("usr/lib", "lib")]
FOLDERS: Final = [UNPACKED / folder for folder in ("usr/sbin", "usr/bin")]
PATIENCE: Final = 60.0
"""Seconds that a program may take on a busy machine."""


def program(name: str) -> str:
    """Where it is; the test is skipped if it is nowhere."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", *map(str, FOLDERS)])
    found = shutil.which(name, path=path)
    if not found:
        pytest.skip(f"no {name} here; .ci/tools brings what it can")
    return found


def library(name: str) -> str:
    """Where a shared library is; the test is skipped if it is nowhere."""
    folders = (*LIBRARIES, Path("/usr/lib/x86_64-linux-gnu"), Path("/usr/lib"))
    for path in (folder / name for folder in folders):
        if path.is_file():
            return str(path)
    pytest.skip(f"no {name} here; .ci/tools brings what it can")


def bare(path: Path) -> dict[str, str]:
    """An environment without any proxy of the machine's own, with `path` for a home."""
    libraries = os.pathsep.join(map(str, LIBRARIES))
    return {"PATH": os.environ["PATH"], "HOME": str(path), "LC_ALL": "C.UTF-8", "LD_LIBRARY_PATH": libraries}


def run(words: Sequence[str], path: Path, extra: Mapping[str, str] | None = None, stdin: str = "") -> str:
    """What it prints, in an environment of its own; a failure with what it complains of where it fails."""
    done = subprocess.run(
        words,
        check=False,
        capture_output=True,
        cwd=path,
        env=bare(path) | (extra or {}),
        input=stdin.encode(),
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout.decode()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@contextmanager
def running(words: Sequence[str], path: Path, port: int) -> Iterator[None]:
    """A program that listens on `port`, until the end of the block; a failure with its last words if it does not."""
    log = path / "log"
    with (
        log.open("wb") as out,
        subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=path, env=bare(path), start_new_session=True
        ) as process,
    ):
        try:
            end = time.monotonic() + PATIENCE
            while not _listens(port):
                assert process.poll() is None, log.read_text(errors="replace")
                assert time.monotonic() < end, log.read_text(errors="replace")
                time.sleep(0.02)
            yield
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0

"""Commands from a nursery: `python -m runner`, forked from a process that has imported all of it.

Warm is only what is like every other command. Whatever is special starts cold, and so does every tenth of the rest.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pkgutil
import runpy
import select
import selectors
import signal
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import ClassVar, Final, Self

from tests import nursery
from tests.nursery import ROOT

ALL_COLD: Final = "ORDER_RUNNER_TEST_COLD"
"""Set to 1, it makes every command a Python of its own."""
COLD_SHARE: Final = 10
AT_START: Final = ("PYTHON", "COVERAGE_", "LC_", "LD_", "MALLOC_", "OPENSSL_", "SSL_")
AT_START_NAMES: Final = frozenset({"LANG", "LANGUAGE", "TZ", "TERM", "COLUMNS", "LINES", "VIRTUAL_ENV", "PATH"})
"""Variables that Python or a library may read when it starts: a command that has others than its nursery starts cold."""
COERCED: Final = os.environ.get("LC_CTYPE")
"""In the nursery: Python itself sets it before it starts where the locale is C, and so it would for the command (PEP 538)."""
NOT_IMPORTED: Final = ("runner.__main__", "runner.ledger.migrations.")
"""Modules that do what they do when they are imported."""


class Nursery(nursery.Nursery):
    """Starts commands with a question's `args`: the module, and what follows it."""

    module: ClassVar[str] = "tests.acceptance.warm"


class Command:
    """A warm command with nothing to read, and what the tests use of `subprocess.Popen`."""

    def __init__(
        self, home: Nursery, module: str, arguments: Sequence[str], *, env: Mapping[str, str], cwd: Path
    ) -> None:
        self.args = [sys.executable, "-m", module, *arguments]
        self.returncode: int | None = None
        self._written = {name: bytearray() for name in ("stdout", "stderr")}
        pipes = [os.pipe(), os.pipe()]
        out, err = (Path(f"/proc/{os.getpid()}/fd/{writer}") for _, writer in pipes)
        self._warm = home.fork([module, *arguments], env=env, cwd=cwd, out=out, err=err)
        self.pid = self._warm.pid
        self._ended = os.pidfd_open(self.pid)
        for _, writer in pipes:
            os.close(writer)
        self.stdin = None
        self.stdout, self.stderr = (open(reader, "rb", buffering=0) for reader, _ in pipes)  # noqa: PTH123, SIM115

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = self._warm.poll()
            if self.returncode is not None:
                os.close(self._ended)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            end = select.poll()
            end.register(self._ended, select.POLLIN)
            if not end.poll(None if timeout is None else 1000 * timeout):
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
        code = self.poll()
        assert code is not None
        return code

    def communicate(self, words: bytes | None = None, timeout: float | None = None) -> tuple[bytes, bytes]:
        """What it still says, up to its end. After `TimeoutExpired` one may ask again."""
        assert words is None, "a warm command reads nothing"
        with selectors.DefaultSelector() as reading:
            for name in self._written:
                if not (stream := getattr(self, name)).closed:
                    reading.register(stream, selectors.EVENT_READ, name)
            while reading.get_map():
                ready = reading.select(timeout)
                if not ready:
                    raise subprocess.TimeoutExpired(self.args, timeout or 0)
                for key, _ in ready:
                    data = key.fileobj.read(65536)  # type: ignore[union-attr]
                    self._written[key.data] += data
                    if not data:
                        reading.unregister(key.fileobj)
                        key.fileobj.close()  # type: ignore[union-attr]
        self.wait(timeout)
        return bytes(self._written["stdout"]), bytes(self._written["stderr"])

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stdout.close()
        self.stderr.close()
        self.wait()


Process = subprocess.Popen[bytes] | Command


def start(
    arguments: Sequence[str], *, env: Mapping[str, str], usual: Mapping[str, str], cwd: Path, nth: int
) -> Command | None:
    """The command, started warm; None where it is to start cold: its variables are not the `usual` ones, or it is drawn.

    `nth` counts the commands of one test.
    """
    if os.environ.get(ALL_COLD) == "1" or "COVERAGE_PROCESS_START" in usual or drawn(nth):
        return None
    if at_start(env) != at_start(usual):
        return None
    found = home(tuple(at_start(usual).items()))
    return Command(found, "runner", arguments, env=env, cwd=cwd)


def drawn(nth: int) -> bool:
    """Whether this is a command of the share that starts cold: the same ones every time, on every machine."""
    test = os.environ.get("PYTEST_CURRENT_TEST", "").partition(" (")[0]
    return zlib.crc32(f"{test} {nth}".encode()) % COLD_SHARE == 0


def at_start(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name in AT_START_NAMES or name.startswith(AT_START)}


@cache
def home(variables: tuple[tuple[str, str], ...]) -> Nursery:
    """The one nursery of this process, for these variables."""
    opened = Nursery(dict(variables)).__enter__()
    atexit.register(opened.__exit__, None, None, None)
    return opened


def begin(arguments: Sequence[str]) -> int:
    """What `python -m` does."""
    module = arguments[0]
    if COERCED is not None:
        os.environ["LC_CTYPE"] = COERCED
    sys.argv[:] = ["-m", *arguments[1:]]
    sys.orig_argv[:] = [sys.executable, "-m", *arguments]
    sys.path[0] = os.getcwd()  # noqa: PTH109 - as Python itself puts it there
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    return 0


def warm_up() -> None:
    """Import every module, and fill the caches that depend on nothing but the code."""
    import encodings.idna  # noqa: F401 - imported at the first look-up

    import runner
    from runner import manifest
    from runner.ledger.sqlite import open_sqlite

    for module in pkgutil.walk_packages(runner.__path__, "runner."):
        if not module.name.startswith(NOT_IMPORTED):
            with contextlib.suppress(ImportError):  # an extra that is not installed
                __import__(module.name)
    manifest.load([str(ROOT / "samples" / "everything.yaml")])
    with tempfile.TemporaryDirectory() as folder:
        open_sqlite(Path(folder) / "ledger", "warm").close()


if __name__ == "__main__":
    nursery.serve(warm_up, begin)

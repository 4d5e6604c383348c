"""Runner processes: cold ones, each a Python of its own, and warm ones, forked from a process that has imported it all.

A warm runner is a process like any other: its own pid, descriptors, locks and death. It only skips the third of a
second of imports, so that a thousand seeds are minutes. A small share of all runs is cold, to keep that honest.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
ROOT: Final = Path(__file__).resolve().parents[2]


class Started(Protocol):
    """A process that was started. `poll` is its exit status, negative for a signal, None while it lives."""

    pid: int

    def poll(self) -> int | None: ...


class Warm:
    """A process of the nursery. Its pid stays taken until `poll` has answered."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self.pid = pid
        self._nursery = nursery
        self._status: int | None = None

    def poll(self) -> int | None:
        if self._status is None:
            self._status = self._nursery.ask({"poll": self.pid})["status"]
        return self._status


class Nursery:
    """Starts runners, warm or cold, until it is closed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.nursery"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question).encode() + b"\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def start(
        self, arguments: Sequence[str], *, env: Mapping[str, str], folder: Path, slot: str, cold: bool = False
    ) -> Started:
        """A runner in `folder`, its output in `out-SLOT` and `err-SLOT` there."""
        out, err = folder / f"out-{slot}", folder / f"err-{slot}"
        if not cold:
            question = {"args": list(arguments), "env": dict(env), "cwd": str(folder), "out": str(out), "err": str(err)}
            return Warm(self, self.ask(question)["pid"])
        with out.open("ab") as stdout, err.open("ab") as stderr:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.runner", *arguments],
                cwd=folder,
                env={**env, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
            )


def _warm_up() -> None:
    """Import what a purchase needs, and fill the caches that do not depend on the order."""
    import encodings.idna  # noqa: F401 - found at the first look-up, where a runner under another user cannot read it

    import runner.batch
    import runner.cli.apply
    import runner.cli.reconcile
    import runner.cli.resolve
    import runner.clock
    import runner.reconcile
    import runner.resolve
    import runner.stop
    import runner.vendors.account_v1
    import runner.views.plan
    import runner.views.progress
    import runner.views.settling
    import runner.views.summary  # noqa: F401
    from runner import manifest
    from runner.ledger.sqlite import open_sqlite
    from tests.chaos import runner as _  # noqa: F401

    manifest.load([str(ROOT / "samples" / "everything.yaml")])
    with tempfile.TemporaryDirectory() as folder:
        open_sqlite(Path(folder) / "ledger", "warm").close()
    gc.collect()
    gc.freeze()  # a child's collections would copy every page of it


def _serve() -> None:
    answers = os.dup(1)
    os.set_inheritable(answers, False)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 1)
    _warm_up()
    for line in sys.stdin.buffer:
        question = json.loads(line)
        answer = {"status": _status(question["poll"])} if "poll" in question else {"pid": _fork(question, answers)}
        os.write(answers, json.dumps(answer).encode() + b"\n")


def _status(pid: int) -> int | None:
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def _fork(question: Mapping[str, Any], answers: int) -> int:
    """A child that runs the command. No signal meets it inside `fork`, where Python mends its locks and would leave some taken."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        return pid
    code = 1
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        os.close(answers)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for path, descriptor in ((question["out"], 1), (question["err"], 2)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), descriptor)
        os.chdir(question["cwd"])
        os.environ.clear()
        os.environ.update(question["env"])
        from tests.chaos.runner import main

        code = main(question["args"])
    except KeyboardInterrupt:  # before or after the command's own boundary: as Python itself ends then
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:  # noqa: BLE001 - a child must never return into the nursery's own loop
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()

"""Warm processes: forked from one that has imported everything, where a cold one is a Python that starts from nothing.

A warm process is a process like any other: its own pid, descriptors, locks, signals and death. It only skips the third
of a second of start and imports. Whoever starts many keeps a share of them cold, so that a difference would be noticed.

A nursery is `python -m MODULE` of a module that ends in `serve(warm_up, begin)`; chaos, the stateful model and the
acceptance tests each have their own.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import os
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Final, Protocol, Self

ROOT: Final = Path(__file__).resolve().parents[1]
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
PATIENCE: Final = 120.0
"""Seconds that the end of a nursery may take on a busy machine."""

Begin = Callable[[Sequence[str]], int]
"""What a child runs: arguments → exit code; it may leave by `SystemExit` or any other exception, too."""


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
    """Starts warm processes until it is closed; a `Nursery` is the client, `serve` its other side."""

    module: ClassVar[str]

    def __init__(self, env: Mapping[str, str] | None = None) -> None:
        self._env = env
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", self.module], cwd=ROOT, env=self._env, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._process is not None
        self._process.communicate(timeout=PATIENCE)

    def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        with self._turn:
            process.stdin.write(json.dumps(question).encode() + b"\n")
            process.stdin.flush()
            line = process.stdout.readline()
        assert line, "the nursery has died"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def fork(self, arguments: Sequence[str], *, env: Mapping[str, str], cwd: Path, out: Path, err: Path) -> Warm:
        """A child with nothing to read, which appends to `out` and `err`."""
        question = {"args": list(arguments), "env": dict(env), "cwd": str(cwd), "out": str(out), "err": str(err)}
        return Warm(self, self.ask(question)["pid"])


def serve(warm_up: Callable[[], None], begin: Begin) -> None:
    """Warm up, then fork a child for every line that comes in, until there are no more."""
    answers = os.dup(1)
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.close(nothing)
    warm_up()
    gc.collect()
    gc.freeze()  # a child's collections would copy every page of it
    with contextlib.suppress(KeyboardInterrupt):  # who interrupts the tests interrupts this, too
        for line in sys.stdin.buffer:
            question = json.loads(line)
            server = (
                {"status": _status(question["poll"])}
                if "poll" in question
                else {"pid": _fork(question, begin, answers)}
            )
            os.write(answers, json.dumps(server).encode() + b"\n")


def _status(pid: int) -> int | None:
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def _fork(question: Mapping[str, Any], begin: Begin, answers: int) -> int:
    """A child that runs the command. No signal meets it inside `fork`, where Python mends its locks and would leave some taken."""
    assert len(list(Path("/proc/self/task").iterdir())) == 1, (
        "a thread would not live on in a child, nor let go of its locks"
    )
    streams = [os.open(os.devnull, os.O_RDONLY)]
    streams += [os.open(question[name], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) for name in ("out", "err")]
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    pid = os.fork()
    if not pid:
        _live(question, begin, streams, answers)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    for descriptor in streams:
        os.close(descriptor)
    return pid


def _live(question: Mapping[str, Any], begin: Begin, streams: Sequence[int], answers: int) -> None:
    """The child's whole life. It must never return into the nursery's own loop."""
    code = 1
    try:
        try:
            for number, descriptor in enumerate(streams):
                os.dup2(descriptor, number)
                os.close(descriptor)
            os.close(answers)
            os.chdir(question["cwd"])
            os.environ.clear()
            os.environ.update(question["env"])
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
            code = _outcome(begin, question["args"])
        except KeyboardInterrupt:  # just before or after the command's own life, as in any other Python
            code = -signal.SIGINT
        finally:
            signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
            if not _flushed():
                code = 120
            if code < 0:  # an interrupt that nobody caught: as Python itself ends then
                signal.signal(signal.SIGINT, signal.SIG_DFL)
                os.kill(os.getpid(), signal.SIGINT)
                signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    finally:
        os._exit(code)


def _outcome(begin: Begin, arguments: Sequence[str]) -> int:
    """The exit code of what `begin` does, and of what Python does at its end; negative where it was interrupted."""
    code = 1
    try:
        code = begin(arguments)
    except SystemExit as leave:
        code = _code(leave)
    except KeyboardInterrupt:
        code = -signal.SIGINT
        traceback.print_exc()
    except BaseException:  # noqa: BLE001 - whatever it was, this is where it ends
        traceback.print_exc()
    for end in (threading._shutdown, atexit._run_exitfuncs, gc.collect):
        with contextlib.suppress(KeyboardInterrupt):
            end()
    return code


def _code(leave: SystemExit) -> int:
    if leave.code is None or isinstance(leave.code, int):
        return (leave.code or 0) & 0xFF
    sys.stderr.write(f"{leave.code}\n")
    return 1


def _flushed() -> bool:
    """Whether everything that was written could be given away."""
    whole = True
    for stream in (sys.stdout, sys.stderr):
        if stream is None or stream.closed:
            continue
        try:
            stream.flush()
        except (OSError, ValueError) as error:
            whole = False
            with contextlib.suppress(OSError, ValueError):
                sys.stderr.write(f"Exception ignored in: {stream!r}\n{type(error).__name__}: {error}\n")
                sys.stderr.flush()
    return whole

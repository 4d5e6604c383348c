"""Commands of a runner, this one or another, started warm in a world that is the same in every run."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from tests.golden import rules, still
from tests.nursery import ROOT, Nursery, Warm

CHILD: Final = Path(__file__).with_name("child.py")
START: Final = 1_790_000_000.0
"""When the first command of every case starts: 2026-09-21T14:13:20Z."""
APART: Final = 60.0
"""Seconds between the starts of two commands of a case."""
LENGTH: Final = 64
"""Characters that the path of a world has, whatever the machine's folder for temporary files is: tables depend on it."""
BASE: Final = next(folder for folder in ("/dev/shm", tempfile.gettempdir()) if os.access(folder, os.W_OK))
"""Where worlds are made: in memory where that is possible, because a ledger asks the disk for every commit."""
SOON: Final = 300.0
VENDOR: Final = "~/vendor.jsonl"
"""What the emulator that is served remembers."""
PAUSE: Final = 0.002
MAX_PAUSE: Final = 0.05
DIGEST: Final = re.compile(r"\{digest of (?P<plan>[^}]+)\}")
LEFT_OUT: Final = re.compile(r"\.(?:sqlite3|ledger)(?:-wal|-shm|-journal)?$|\.lock$")
"""Files that are compared by what commands say of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """A runner: the interpreter it runs in, and its checkout; without one, what that interpreter has installed."""

    python: str = sys.executable
    checkout: Path | None = ROOT


@contextmanager
def build_of(named: str) -> Iterator[Build]:
    """The runner of a commit, of a checkout's folder, or that is installed for an interpreter."""
    path = Path(named)
    if path.is_dir():
        yield Build(checkout=path.resolve())
    elif path.is_file():
        yield Build(python=str(path.absolute()), checkout=None)
    else:
        with tempfile.TemporaryDirectory() as folder:
            archive = subprocess.run(["git", "archive", named], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
            subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
            yield Build(checkout=Path(folder))


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a case.

    `env` is added to the usual one; `late` is seconds to let pass before it starts. `served`: options of the emulator
    that is served while it runs, on an account that lasts as long as the case; None is no emulator. `edits`: a file, a
    text in it, and what stands in its place from now on.
    """

    name: str
    args: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    late: float = APART
    served: tuple[str, ...] | None = None
    edits: tuple[tuple[str, str, str], ...] = ()


Outputs = dict[str, str]
"""What a case gave: `STEP/exit`, `STEP/stdout`, `STEP/stderr` and `STEP/PATH` of each file that it wrote → its text."""


class Commands(Nursery):
    """Starts the commands of one build, one after the other."""

    def __init__(self, build: Build) -> None:
        super().__init__()
        self._build = build

    def __enter__(self) -> Self:
        checkout = [] if self._build.checkout is None else [str(self._build.checkout)]
        kept = ("PATH", "HOME", "SYSTEMROOT", "VIRTUAL_ENV", "TMPDIR")
        self._process = subprocess.Popen(
            [self._build.python, str(CHILD), *checkout],
            cwd="/",
            env={"LC_ALL": "C.UTF-8", "TZ": "UTC"} | {name: os.environ[name] for name in kept if name in os.environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        return self

    def play(self, files: Mapping[str, Path], steps: Sequence[Step]) -> Outputs:
        """A case from an empty world on; `files` are copied there first, by their new names."""
        with World() as world:
            for name, path in files.items():
                world.put(name, path)
            return self.run(world, steps)

    def run(self, world: World, steps: Sequence[Step]) -> Outputs:
        """Commands in a world, one after the other; its clock goes on from where it is."""
        outputs: Outputs = {}
        for step in steps:
            world.at += step.late
            outputs |= {f"{step.name}/{name}": text for name, text in self._run(world, step).items()}
        return outputs

    def _run(self, world: World, step: Step) -> Outputs:
        for name, old, new in step.edits:
            world.edit(name, old, new)
        before, env = world.files(), world.environment()
        with self._vendor(world, step, env) as vendor:
            status, output, noted = self._end(
                world, world.filled(step.args), {**env, **vendor, **world.homed(step.env)}
            )
        after = world.files()
        written = {name: text for name, text in after.items() if before.get(name) != text}
        gone = dict.fromkeys(sorted(before.keys() - after.keys()), "(removed)")
        outputs = {"exit": status, "stdout": output, "stderr": noted, **written, **gone}
        return {name: rules.apply(text, str(world.folder)) for name, text in outputs.items() if text}

    @contextmanager
    def _vendor(self, world: World, step: Step, env: Mapping[str, str]) -> Iterator[dict[str, str]]:
        """What leads a command to the emulator that is served for it, if any is."""
        if step.served is None:
            yield {}
            return
        account = world.place(VENDOR)
        args = ("sandbox", "--state", str(account), *step.served)
        server = self._start(world, "vendor", args, {**env, "GOLDEN_PORT": ""})
        try:
            address = world.folder / "vendor.out"
            _wait(lambda: address.read_bytes().endswith(b"\n") or server.poll() is not None)
            told = json.loads(address.read_bytes() or b"null")
            assert told, text_of(world.folder / "vendor.err")
            port = str(urlsplit(told["base_url"]).port)
            base_url = told["base_url"].replace(port, str(still.PORT))
            yield {"PROXY_SELLER_BASE_URL": base_url, "PROXY_SELLER_API_KEY": told["api_key"], "GOLDEN_PORT": port}
        finally:
            self._stop(server, signal.SIGTERM)

    def _end(self, world: World, args: Sequence[str], env: Mapping[str, str]) -> tuple[str, str, str]:
        """Exit code, stdout and stderr of a command."""
        command = self._start(world, "command", args, env)
        if not _wait(lambda: command.poll() is not None):
            self._stop(command, signal.SIGKILL)
            return "it did not end", "", ""
        out, err = (text_of(world.folder / f"command.{end}") for end in ("out", "err"))
        return str(command.poll()), out, err

    def _stop(self, process: Warm, number: signal.Signals) -> None:
        if process.poll() is None:
            os.kill(process.pid, number)
            assert _wait(lambda: process.poll() is not None), "it cannot be stopped"

    def _start(self, world: World, name: str, args: Sequence[str], env: Mapping[str, str]) -> Warm:
        out, err = (world.folder / f"{name}.{end}" for end in ("out", "err"))
        for path in (out, err):
            path.write_bytes(b"")
        return self.fork(args, env=env, cwd=world.work, out=out, err=err)


def text_of(path: Path) -> str:
    """A file as text, whatever is in it, every byte of it told."""
    return path.read_bytes().decode("utf-8", "backslashreplace")


def _wait(happened: Callable[[], bool]) -> bool:
    """Whether it happens soon; looks often at first."""
    end, pause = time.monotonic() + SOON, PAUSE
    while not happened():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
        pause = min(1.3 * pause, MAX_PAUSE)
    return True


class World:
    """A folder to work in, and a home, below a path of always the same length."""

    def __enter__(self) -> Self:
        self._made = tempfile.mkdtemp(prefix="golden-", dir=BASE)
        room = LENGTH - len(self._made) - 1
        self.folder = Path(self._made) / ("w" * room) if room > 0 else Path(self._made)
        self.work, self.home = self.folder / "work", self.folder / "home"
        self.work.mkdir(parents=True)
        self.home.mkdir()
        self.at = START
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._made)

    def put(self, name: str, path: Path) -> None:
        place = self.place(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.copytree(path, place)
        else:
            shutil.copyfile(path, place)

    def place(self, name: str) -> Path:
        """A path in the folder where commands work, or with `~/` in front in their home."""
        return self.home / name[2:] if name.startswith("~/") else self.work / name

    def edit(self, name: str, old: str, new: str) -> None:
        """Put `new` in the place of the first `old`; where a command has not written that file, nothing."""
        path = self.place(name)
        if path.exists():
            path.write_bytes(path.read_bytes().replace(old.encode(), new.encode(), 1))

    def filled(self, args: Sequence[str]) -> tuple[str, ...]:
        """Arguments with the digests of the plans that they name."""
        return tuple(DIGEST.sub(lambda named: self._digest(named["plan"]), text) for text in args)

    def homed(self, env: Mapping[str, str]) -> dict[str, str]:
        """Variables with the home that they name."""
        return {name: text.replace("{home}", str(self.home)) for name, text in env.items()}

    def _digest(self, plan: str) -> str:
        path = self.work / plan
        return str(json.loads(path.read_bytes())["digest"]) if path.exists() else f"(no {plan})"

    def files(self) -> Outputs:
        """Every text file there is, from the folder where commands work on, or with `~/` from their home on."""
        return {
            f"{short}{path.relative_to(top).as_posix()}": text_of(path)
            for short, top in (("", self.work), ("~/", self.home))
            for path in sorted(top.rglob("*"))
            if path.is_file() and not LEFT_OUT.search(path.name)
        }

    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.defpath,
            "TMPDIR": BASE,
            "HOME": str(self.home),
            "USER": "golden",
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "GOLDEN_AT": json.dumps(self.at),
            "GOLDEN_PORT": "0",
            "XDG_STATE_HOME": str(self.home / "state"),
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "XDG_CONFIG_HOME": str(self.home / "config"),
        }

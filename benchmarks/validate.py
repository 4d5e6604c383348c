"""How long `validate` takes, and how much memory, beside the tools one would use instead: whole processes.

    python benchmarks/validate.py [--sizes 1000 10000 100000] [--rounds 5] [--slow-rounds 3] [--python PYTHON]
                                  [--peers FOLDER]

Everyone reads the same generated manifest: five types, about seven lines an order. The peers get a schema of the whole
file that asks the same of every order. They are the newest releases of npm's `@sourcemeta/jsonschema` with `--fast`,
`ajv-cli` and `v8r`, and of `check-jsonschema` with the C reader of ruamel.yaml, installed for this run or once into
FOLDER; one that cannot be installed is left out with the reason. None of them tells the line of what is wrong. Rounds
are interleaved; a figure is the median of its rounds, memory the greatest peak. Exit 1 where a target is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MAX_SOURCEMETA = 1.0
"""Times the wall time of sourcemeta's `--fast`, written in C++, on the largest file."""
MAX_OTHERS = 1.0
"""Times the wall time of each of the others, at every size."""
MAX_PEAK = 60.0
"""Peak memory of any run of ours, in MB."""
MAX_GROWTH = 1.2
"""Time an order on the largest file, over that on the smallest."""
MAX_BAD = 1.3
"""Time with one bad order in a hundred, over that with none."""

TYPES = (
    ("ipv4", ("countryId: 561", "periodId: 1m", "quantity: 10", "customTargetName: price monitoring")),
    ("isp", ("countryId: 3758", "periodId: 1m", "quantity: 5", "customTargetName: ads")),
    ("ipv6", ("countryId: 20", "periodId: 1w", "quantity: 10", "protocol: HTTPS", "customTargetName: search")),
    (
        "mobile",
        (
            "countryId: 700",
            "periodId: 1m",
            "quantity: 1",
            "mobileServiceType: shared",
            'operatorId: "31"',
            "rotationId: 5",
        ),
    ),
    ("resident", ("tarifId: 6928",)),
)


@dataclass(slots=True, kw_only=True)
class Program:
    """One command line, and what its rounds took: wall seconds and peak megabytes."""

    name: str
    size: int
    argv: Sequence[str]
    folder: Path
    expected: int = 0
    slow: bool = False
    wall: list[float] = field(default_factory=list)
    peak: float = 0.0

    @property
    def seconds(self) -> float:
        return median(self.wall)

    def run(self) -> None:
        """One round."""
        env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(self.folder / "bytecode")}
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        nowhere = subprocess.DEVNULL
        started = time.perf_counter()
        process = subprocess.Popen(self.argv, cwd=self.folder, env=env, stdout=nowhere, stderr=nowhere)
        _, status, usage = os.wait4(process.pid, 0)
        self.wall.append(time.perf_counter() - started)
        self.peak = max(self.peak, usage.ru_maxrss / 1024)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != self.expected:
            raise SystemExit(f"{' '.join(self.argv)} left with {process.returncode}, not {self.expected}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One promise and what came of it."""

    promise: str
    measured: float
    kept: bool


def main() -> int:
    """Generate, install the peers, measure, judge."""
    arguments = _arguments()
    sizes = sorted(arguments.sizes)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / SCHEMA).write_text(json.dumps(whole_file_schema()), encoding="utf-8")
        for size in sizes:
            _write(folder / f"{size}.yaml", manifest(size))
        _write(folder / "bad.yaml", manifest(sizes[-1], bad_one_in=100))
        programs = [*_ours(arguments.python, folder, sizes)]
        for peer in PEERS:
            programs += peer.programs(folder, arguments.peers or folder / "peers", sizes)
        programs[0].run()  # so that its byte code is warm
        programs[0].wall.clear()
        for turn in range(arguments.rounds):
            for program in programs:
                if turn < arguments.slow_rounds or not program.slow:
                    program.run()
    return _judge(programs, sizes)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Speed and memory of `order-runner validate` beside its peers.")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000], help="orders in each file")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--slow-rounds", type=int, default=3, help="rounds of check-jsonschema and v8r")
    parser.add_argument("--python", default=sys.executable, help="interpreter that has order-runner's dependencies")
    parser.add_argument("--peers", type=lambda name: Path(name).resolve(), help="folder to keep the peers in")
    arguments = parser.parse_args()
    if min(arguments.rounds, arguments.slow_rounds, *arguments.sizes) < 1:
        parser.error("sizes and rounds are at least 1")
    return arguments


def manifest(size: int, *, bad_one_in: int = 0) -> Iterator[str]:
    """The lines of a manifest; with `bad_one_in`, every so many orders have a field that does not exist."""
    yield "apiVersion: orders/v1\nbatch: benchmark\ndefaults:\n  paymentId: 1\norders:\n"
    for number in range(size):
        kind, fields = TYPES[number % len(TYPES)]
        yield f"  - name: order-{number:06d}\n    type: {kind}\n"
        yield from (f"    {line}\n" for line in fields)
        if bad_one_in and number % bad_one_in == 0:
            yield "    quantiti: 10\n"


def _write(path: Path, lines: Iterator[str]) -> None:
    """Piece by piece: Linux counts what this process holds as memory of each process it starts."""
    with path.open("w", encoding="utf-8") as stream:
        stream.writelines(lines)


def whole_file_schema() -> dict[str, Any]:
    """The shipped schemas as one: the manifest's own fields, and for each entry the schema of its type."""

    def shipped(name: str) -> dict[str, Any]:
        schema: dict[str, Any] = json.loads((ROOT / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))
        return {key: value for key, value in schema.items() if key not in ("$id", "$schema", "$defs", "$comment")}

    whole = shipped("manifest")
    kinds = [kind for kind, _ in TYPES] + ["mix", "mix_isp"]
    whole["properties"]["orders"]["items"] = {
        "type": "object",
        "required": ["name", "type"],
        "properties": {"type": {"enum": kinds}},
        "allOf": [
            {"if": {"required": ["type"], "properties": {"type": {"const": kind}}}, "then": shipped(kind)}
            for kind in kinds
        ],
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **whole}


def _ours(python: str, folder: Path, sizes: Sequence[int]) -> Iterator[Program]:
    command = [python, "-m", "runner", "validate"]
    for size in sizes:
        yield Program(name=OURS, size=size, argv=[*command, f"{size}.yaml"], folder=folder)
    yield Program(name=BAD, size=sizes[-1], argv=[*command, "bad.yaml"], folder=folder, expected=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Another program: how it is installed, and its command line before the name of the file."""

    name: str
    install: Callable[[Path, str], str]
    argv: tuple[str, ...]
    slow: bool = False

    def programs(self, folder: Path, home: Path, sizes: Sequence[int]) -> list[Program]:
        """The peer at every size; none, and the reason printed, where it cannot be installed."""
        try:
            place = home / self.name.rpartition("/")[2]
            version = self.install(place, self.name)
        except subprocess.CalledProcessError as error:
            print(f"{self.name}: left out, installing it failed: {_last_line(error)}\n")
            return []
        except FileNotFoundError as error:
            print(f"{self.name}: left out, there is no {error.filename}\n")
            return []
        print(f"{self.name} {version}\n")
        command = [str(place / self.argv[0]), *self.argv[1:]]
        return [
            Program(name=self.name, size=size, argv=[*command, f"{size}.yaml"], folder=folder, slow=self.slow)
            for size in sizes
        ]


def _npm(home: Path, package: str) -> str:
    """Install a package of npm; its version."""
    manifest = home / "node_modules" / package / "package.json"
    if not manifest.exists():
        home.mkdir(parents=True, exist_ok=True)
        _quietly("npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", str(home), f"{package}@latest")
    version: str = json.loads(manifest.read_text(encoding="utf-8"))["version"]
    return version


def _pip(home: Path, package: str) -> str:
    """Install a package of PyPI, and the C reader of ruamel.yaml, into an environment of its own; its version."""
    pip = (str(home / "bin" / "python"), "-m", "pip", "--disable-pip-version-check")
    if not (home / "bin" / package).exists():
        _quietly(sys.executable, "-m", "venv", str(home))
        _quietly(*pip, "install", "--quiet", package, "ruamel.yaml.clib")
    return _quietly(*pip, "show", package).partition("Version: ")[2].partition("\n")[0]


SCHEMA = "orders.schema.json"
OURS, BAD = "order-runner", "order-runner, 1 % bad"
SOURCEMETA = "@sourcemeta/jsonschema"
PEERS = (
    Peer(name=SOURCEMETA, install=_npm, argv=("node_modules/.bin/jsonschema", "validate", "--fast", SCHEMA)),
    Peer(
        name="ajv-cli",
        install=_npm,
        argv=("node_modules/.bin/ajv", "validate", "--spec=draft2020", "--strict=false", "-s", SCHEMA, "-d"),
    ),
    Peer(name="v8r", install=_npm, argv=("node_modules/.bin/v8r", "--schema", SCHEMA), slow=True),
    Peer(name="check-jsonschema", install=_pip, argv=("bin/check-jsonschema", "--schemafile", SCHEMA), slow=True),
)


def _quietly(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def _last_line(error: subprocess.CalledProcessError) -> str:
    return (str(error.stderr or error.stdout).strip().splitlines() or [str(error)])[-1]


def _judge(programs: Sequence[Program], sizes: Sequence[int]) -> int:
    """Print both tables; 1 where a target is missed."""
    print("| program | orders | wall, s | orders a second | peak, MB | rounds |")
    print("|---|---:|---:|---:|---:|---:|")
    for program in programs:
        rate = program.size / program.seconds
        row = (program.name, f"{program.size:,}", f"{program.seconds:.2f}", f"{rate:,.0f}", f"{program.peak:.0f}")
        print(f"| {' | '.join(row)} | {len(program.wall)} |")
    targets = list(_targets(programs, sizes))
    print("\n| target | measured | |")
    print("|---|---:|---|")
    for target in targets:
        print(f"| {target.promise} | {target.measured:.2f} | {'kept' if target.kept else 'MISSED'} |")
    return 0 if all(target.kept for target in targets) else 1


def _targets(programs: Sequence[Program], sizes: Sequence[int]) -> Iterator[Target]:
    least, most = sizes[0], sizes[-1]
    times = {(program.name, program.size): program.seconds for program in programs}
    ours = times[OURS, most]
    if fast := times.get((SOURCEMETA, most)):
        promise = f"times the wall of {SOURCEMETA} --fast at {most:,}, at most {MAX_SOURCEMETA:g}"
        yield Target(promise=promise, measured=ours / fast, kept=ours / fast <= MAX_SOURCEMETA)
    for (name, size), other in times.items():
        if name not in (OURS, BAD, SOURCEMETA):
            ratio = times[OURS, size] / other
            yield Target(
                promise=f"times the wall of {name} at {size:,}, below {MAX_OTHERS:g}",
                measured=ratio,
                kept=ratio < MAX_OTHERS,
            )
    peak = max(program.peak for program in programs if program.name in (OURS, BAD))
    yield Target(promise=f"peak memory in MB, below {MAX_PEAK:g}", measured=peak, kept=peak < MAX_PEAK)
    if least < most:
        growth = (ours / most) / (times[OURS, least] / least)
        yield Target(
            promise=f"time an order at {most:,} over {least:,}, at most {MAX_GROWTH:g}",
            measured=growth,
            kept=growth <= MAX_GROWTH,
        )
    bad = times[BAD, most] / ours
    yield Target(
        promise=f"times as long with one bad order in 100, at most {MAX_BAD:g}", measured=bad, kept=bad <= MAX_BAD
    )


if __name__ == "__main__":
    sys.exit(main())

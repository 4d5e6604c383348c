"""Builds of order-runner beside each other: this one, and an earlier one that is installed from its own clone."""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

from ratios import at_least

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from runner.sandbox.box import Sandbox  # noqa: E402 - of this checkout, whatever is installed
from runner.sandbox.options import SANDBOX_KEY, Options  # noqa: E402 - the same

CONTENTS: Final = 12
"""What the orders of a benchmark have between them."""
COMMIT: Final = "3ee0275"
"""Before prices were shared, orders overlapped, and the ledger was streamed."""


def install(folder: Path) -> Path:
    """The interpreter of an environment in `folder` with that build and its dependencies; takes a minute."""
    clone, environment = folder / "clone", folder / "environment"
    python = environment / "bin" / "python"
    for command in (
        ["git", "clone", "--quiet", str(ROOT), str(clone)],
        ["git", "-C", str(clone), "checkout", "--quiet", COMMIT],
        [sys.executable, "-m", "venv", str(environment)],
        [str(python), "-m", "pip", "install", "--quiet", str(clone)],
    ):
        subprocess.run(command, check=True, stdout=sys.stderr)
    return python


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """A build by its interpreter, and what that needs to find it."""

    name: str
    python: Path
    path: Path | None = None

    def run(self, folder: Path, base_url: str, *arguments: str, rate: int = 0) -> tuple[float, float]:
        """Wall and CPU seconds of one command."""
        began = time.monotonic()
        used = self._run(folder, base_url, arguments, rate)
        return time.monotonic() - began, used.ru_utime + used.ru_stime

    def peak(self, folder: Path, base_url: str, *arguments: str) -> int:
        """KiB of memory that one command had at most."""
        return self._run(folder, base_url, arguments, 0).ru_maxrss

    def _run(self, folder: Path, base_url: str, arguments: Sequence[str], rate: int) -> resource.struct_rusage:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CI", "ORDER_RUNNER"))}
        environment = kept | {
            "PROXY_SELLER_BASE_URL": base_url,
            "PROXY_SELLER_API_KEY": SANDBOX_KEY,
            "ORDER_RUNNER_RATE": str(rate),
            "ORDER_RUNNER_LEDGER": str(folder / f"{time.monotonic_ns()}.sqlite3"),
        }
        if self.path is not None:
            environment["PYTHONPATH"] = str(self.path)
        argv = [str(self.python), "-m", "runner", *arguments]
        child = subprocess.Popen(argv, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        assert child.stderr is not None  # noqa: S101 - it is a pipe
        errors = child.stderr.read()
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise subprocess.CalledProcessError(child.returncode, argv, stderr=errors)
        return used


Pair = tuple[Build, Build]
"""This build and the earlier one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One target, and both builds' figures."""

    what: str
    now: str
    before: str
    target: str
    kept: bool


@contextmanager
def served(latency: float = 0.0, *faults: str) -> Iterator[tuple[Sandbox, str]]:
    """A sandbox in this process, and its address."""
    box = Sandbox(faults=faults, options=Options(accounts={SANDBOX_KEY: Decimal(10_000_000)}, latency=latency))
    with box.serve() as server:
        yield box, server.base_url


def manifest(folder: Path, orders: int, *, in_words: bool = False) -> str:
    """The name of a new manifest in `folder`."""
    place, period = ("country: FRA", "period: 1 month") if in_words else ("countryId: 561", "periodId: 1m")
    path = folder / f"{'words' if in_words else 'ids'}-{orders}.yaml"
    lines = ["apiVersion: orders/v1", f"batch: {path.stem}", f"defaults: {{{period}}}", "orders:"]
    for n in range(orders):
        lines += [f"  - name: o{n}", "    type: ipv4", f"    {place}", f"    quantity: {n % CONTENTS + 1}"]
        lines += [f"    customTargetName: purpose {n}"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path.name


def measure(
    what: str, parts: Mapping[str, Callable[..., Row]], how: Callable[[argparse.ArgumentParser], None], name: str
) -> int:
    """Measure the parts that the command line names, print their table, judge; the exit code.

    A part is given both builds, a folder, the option `name` that `how` adds, and `orders` where that was asked for.
    """
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("--only", nargs="+", choices=parts, default=list(parts), help="parts to measure")
    parser.add_argument("--earlier", type=Path, help=f"interpreter of the earlier build; {COMMIT} is installed if not")
    parser.add_argument("--orders", type=at_least(2), help="orders of every part, in place of each one's own")
    how(parser)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        builds = pair(Path(folder), asked.earlier)
        size = {"orders": asked.orders} if asked.orders else {}
        return judged([parts[part](builds, Path(folder), getattr(asked, name), **size) for part in asked.only])


def pair(folder: Path, earlier: Path | None) -> Pair:
    """This build, and the earlier one: by its interpreter, or installed in `folder`."""
    python = earlier or install(folder)
    return Build(name="this build", python=Path(sys.executable), path=ROOT), Build(name=COMMIT, python=python)


def judged(rows: Sequence[Row]) -> int:
    """Print the table; the exit code."""
    print(f"| | this build | {COMMIT} | target | |")
    print("|---|---:|---:|---|---|")
    for row in rows:
        print(f"| {row.what} | {row.now} | {row.before} | {row.target} | {'kept' if row.kept else 'MISSED'} |")
    return 0 if all(row.kept for row in rows) else 1

"""Every benchmark, one after the other, and the list of what was missed.

    python benchmarks/all.py [--only lanes history ...] [--smaller] [--earlier PYTHON]

Each script prints its own tables and keeps its own targets. Exit 1 where one of them missed a target or did not run;
what it was stands at the end. All of it takes over an hour; `--smaller` some ten minutes, with sizes at which the
figures say less.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from builds import COMMIT, install

HERE: Final = Path(__file__).resolve().parent
SMALLER: Final[Mapping[str, tuple[str, ...]]] = {
    "startup": ("--rounds", "7"),
    "validate": ("--sizes", "1000", "10000", "--rounds", "3", "--slow-rounds", "1"),
    "plan": ("--orders", "200", "--rounds", "1"),
    "asking": ("--only", "count", "plan", "cpu", "--orders", "100", "--rounds", "1"),
    "lanes": ("--only", "client", "memory", "--orders", "64"),
    "buy": ("--sizes", "20", "200", "--rounds", "1"),
    "ledger": ("--purchases", "200", "--orders", "10000", "--rounds", "1"),
    "history": ("--orders", "20000", "--rounds", "1"),
    "strangers": ("--orders", "2000", "--history", "2000", "--rounds", "1"),
    "online": ("--orders", "200", "--rounds", "1"),
    "proxies": ("--orders", "200", "--rounds", "1"),
    "lists": ("--rows", "20000", "--rounds", "1"),
    "render": ("--orders", "200", "--rounds", "1"),
}
"""Every script, by its name, and its options for a small run."""
BESIDE_EARLIER: Final = frozenset({"asking", "lanes"})
"""Those that compare with an earlier build, which is installed once for both."""


def run(name: str, options: tuple[str, ...]) -> Iterator[str]:
    """Run one script, its output passed on; what it missed."""
    print(f"\n## {name}\n", flush=True)
    argv = [sys.executable, str(HERE / f"{name}.py"), *options]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as script:
        assert script.stdout is not None  # noqa: S101 - it is a pipe
        missed = []
        for line in script.stdout:
            print(line, end="", flush=True)
            if "MISSED" in line:
                missed.append(f"{name}: {line.strip(' |').replace(' |', ',').strip()}")
    if script.returncode:
        yield from missed or [f"{name}: exit {script.returncode}"]


def main() -> int:
    """Run what was asked for, and tell what was missed."""
    parser = argparse.ArgumentParser(description="Every benchmark, and what was missed.")
    parser.add_argument("--only", nargs="+", choices=SMALLER, default=list(SMALLER), metavar="NAME")
    parser.add_argument("--smaller", action="store_true", help="sizes that take minutes")
    parser.add_argument("--earlier", type=Path, help=f"interpreter of the earlier build; {COMMIT} is installed if not")
    asked = parser.parse_args()
    missed: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        needed = BESIDE_EARLIER & set(asked.only)
        earlier = asked.earlier or (install(Path(name)) if needed else None)
        for script in asked.only:
            options = SMALLER[script] if asked.smaller else ()
            beside = ("--earlier", str(earlier)) if script in BESIDE_EARLIER else ()
            missed += run(script, (*options, *beside))
    print("\n## Missed\n")
    print("\n".join(f"- {one}" for one in missed) or "nothing")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

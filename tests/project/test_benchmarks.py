"""The benchmarks still run: what they measure is for a quiet machine, that they measure at all is for every change.

Those that take longer are left out unless they are asked for: `bash tests/run -m long`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


def longer(name: str, *size: str) -> Any:
    return pytest.param(name, list(size), marks=pytest.mark.long, id=name)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("lists", ["--rows", "5", "--rounds", "1"]),
        ("plan", ["--orders", "6", "--rounds", "1"]),
        ("render", ["--orders", "5", "--rounds", "1"]),
        longer("buy", "--sizes", "2", "4", "--rounds", "1"),
        longer("history", "--orders", "1000", "--rounds", "1"),
        longer("ledger", "--purchases", "2", "--orders", "3", "--rounds", "1"),
        longer("online", "--orders", "2", "--rounds", "1"),
        longer(
            "asking",
            *("--orders", "13", "--rounds", "1", "--only", "count", "plan", "cpu", "--earlier", sys.executable),
        ),
        longer("lanes", "--orders", "4", "--only", "memory", "--earlier", sys.executable),
        longer("proxies", "--orders", "4", "--rows", "3", "--rounds", "1"),
        longer("strangers", "--orders", "4", "--history", "3", "--rounds", "1"),
    ],
)
def test_a_benchmark_of_next_to_nothing_comes_to_its_verdict(name: str, size: list[str], tmp_path: Path) -> None:
    """At a size that says nothing, each prints its table and a verdict, and leaves by it."""
    argv = [sys.executable, str(FOLDER / f"{name}.py"), *size]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert "|---" in done.stdout
    assert "at most" in done.stdout or "below" in done.stdout
    assert done.returncode in (0, 1)


def test_one_command_runs_them_all_and_lists_what_was_missed() -> None:
    """It knows every script there is; what a script misses is named at the end, with exit code 1."""
    known = "import all, json; print(json.dumps(sorted(all.SMALLER)))"
    listed = subprocess.run([sys.executable, "-c", known], cwd=FOLDER, capture_output=True, text=True, check=True)
    scripts = {path.stem for path in FOLDER.glob("*.py") if '"__main__"' in path.read_text()} - {"all"}
    assert set(json.loads(listed.stdout)) == scripts
    missing = "import all; print(*all.run('plan', ('--rounds', 'none')))"
    missed = subprocess.run([sys.executable, "-c", missing], cwd=FOLDER, capture_output=True, text=True, check=True)
    assert missed.stdout.endswith("plan: exit 2\n")


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("render", "render._judge({'json': [0.0, 0.0, 0.0, 0.1], 'html': [0.0, 0.0, 0.1, 0.1]})"),
        ("plan", "plan._judge([plan.Side(name=n, one=None, many=None, starts=[1], plans=[1]) for n in 'ab'], 6, 0.1)"),
    ],
)
def test_what_is_too_small_to_measure_keeps_no_target(name: str, verdict: str) -> None:
    """Beside a figure of nothing a ratio is not a number, and its target is missed."""
    argv = [sys.executable, "-c", f"import sys, {name}; sys.exit({verdict})"]
    done = subprocess.run(argv, cwd=FOLDER, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert "nan" in done.stdout

"""The README does what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.readme import PAGES, README, ROOT, masked, transcript

SHELL = re.compile(r"```sh\n(.*?)```", re.DOTALL)


@pytest.mark.skipif(
    sys.prefix == sys.base_prefix, reason="the walk starts with the activation of a virtual environment"
)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_walk_prints_what_the_page_shows(page: Path, tmp_path: Path) -> None:
    """Every command of a page, run in order, prints exactly what stands under it, but for moments."""
    text = page.read_text()
    assert masked(transcript(text, tmp_path)) == masked(text)


def test_the_first_command_buys_the_samples_and_then_nothing(tmp_path: Path) -> None:
    """On a clean copy of the checkout the first command sets itself up, buys every sample, and never buys one again."""
    first, _ = SHELL.findall(README.read_text())[:2]
    checkout = tmp_path / "checkout"
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    if not names:
        pytest.skip("not a git checkout: nothing says which files belong to a clean copy")
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            (checkout / name).write_bytes((ROOT / name).read_bytes())
    environment = {
        **{name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "PATH", "LANG"))},
        "HOME": os.environ.get("HOME", str(tmp_path)),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }
    outputs = []
    for _ in range(2):
        done = subprocess.run(
            ["bash", "-c", first], cwd=checkout, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        outputs.append(done.stdout)
    assert re.search(r"bought: 17 orders", outputs[0])
    assert re.search(r"skipped: 17 orders already bought", outputs[1])
    assert (checkout / "report.json").is_file()


def test_ci_runs_the_readmes_test_command() -> None:
    """What CI runs in the end is the second command of the README, to the letter, in the barest environment."""
    second = SHELL.findall(README.read_text())[1].strip()
    assert (ROOT / ".ci" / "run").read_text().rstrip().splitlines()[-1] == f".ci/bare {second}"

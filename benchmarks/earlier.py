"""An earlier build of order-runner, installed from its own clone, for benchmarks that compare with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
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

"""The other side of `tests.golden.commands`: a Python that has the runner under test in it, and forks a command a line.

A script, started by the interpreter that is asked for, with the folder of a checkout, or with nothing where that
interpreter has a runner installed. It begins what the console entry begins and knows no other name of the runner.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import pkgutil
import resource
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
AT: Final = "GOLDEN_AT"
"""When a command starts, in seconds since the epoch."""
PORT: Final = "GOLDEN_PORT"
"""Where the vendor is served; 0 where it is not, and empty for the command that serves it."""
FULL: Final = "GOLDEN_FULL"
"""`ENDPOINT@N`: the disk is full from right before the N-th request to ENDPOINT on."""

DIE_WITH_PARENT: Final = 1
"""PR_SET_PDEATHSIG of Linux."""
ORDERS: Final = """\
apiVersion: orders/v1
batch: warm
orders:
  - {name: one, type: ipv4, countryId: 561, periodId: 1m, quantity: 1, customTargetName: one}
"""
FORMATS: Final = ("text", "json", "ndjson", "junit", "sarif", "markdown", "github", "html")
WARM: Final = (
    ("apply", "--sandbox", "--yes", *(part for name in FORMATS for part in ("-f", f"{name}={name}")), "orders.yaml"),
    ("status", "--sandbox"),
    ("ledger", "export", "--sandbox"),
    ("ledger", "verify", "--sandbox"),
)


def main(checkout: str | None) -> None:
    sys.path[:] = [path for path in sys.path if Path(path or ".").resolve() not in (HERE, HERE.parents[1])]
    sys.path.insert(0, str(HERE.parents[1]))
    still, nursery = importlib.import_module("tests.golden.still"), importlib.import_module("tests.nursery")
    sys.path.pop(0)
    if checkout is not None:  # its folders beside its modules, not those that an editable installation points to
        sys.meta_path[:] = [
            finder for finder in sys.meta_path if "__editable__" not in getattr(finder, "__module__", "")
        ]
        sys.path.insert(0, checkout)
    still.install()

    def begin(arguments: Sequence[str]) -> int:
        if sys.platform == "linux":  # an emulator that is served must not outlive a comparison that was killed
            ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
        port = os.environ.pop(PORT)
        still.begin(float(os.environ.pop(AT)), int(port) if port else None)
        if full := os.environ.pop(FULL, ""):
            endpoint, _, nth = full.partition("@")
            still.before_sending(endpoint.encode(), int(nth), fill)
        sys.argv[:] = ["order-runner", *arguments]
        importlib.import_module("runner.__main__").main()
        return 0

    nursery.serve(warm_up, begin)


def warm_up() -> None:
    """Import every module that may be imported, and fill its caches by commands that are like those to come."""
    runner = importlib.import_module("runner")
    importlib.import_module("encodings.idna")
    for module in pkgutil.walk_packages(runner.__path__, "runner."):
        if module.name != "runner.__main__" and ".migrations." not in module.name:
            with contextlib.suppress(ImportError):  # an extra that is not installed
                importlib.import_module(module.name)
    main = importlib.import_module("runner.__main__").main
    with tempfile.TemporaryDirectory() as home, Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        os.environ |= {"HOME": home} | {f"XDG_{kind}_HOME": home for kind in ("STATE", "CACHE", "CONFIG")}
        with contextlib.chdir(home), contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
            Path("orders.yaml").write_text(ORDERS, "utf-8")
            for arguments in WARM:
                sys.argv[:] = ["order-runner", *arguments]
                with contextlib.suppress(SystemExit):
                    main()


def fill() -> None:
    """No file may grow beyond what the ledger's log has now; the kernel refuses, as a full disk would."""
    logs = [path.stat().st_size for path in Path(os.environ["HOME"]).rglob("*-wal")]
    resource.setrlimit(resource.RLIMIT_FSIZE, (max(logs), max(logs)))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)

"""Runner processes of the chaos: cold ones, each a Python of its own, and warm ones, so that a thousand seeds are minutes."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from tests import nursery
from tests.nursery import ROOT, Started

__all__ = ["ROOT", "Nursery", "Started", "warm_up"]


class Nursery(nursery.Nursery):
    """Starts runners, warm or cold, until it is closed."""

    module: ClassVar[str] = "tests.chaos.nursery"

    def start(
        self, arguments: Sequence[str], *, env: Mapping[str, str], folder: Path, slot: str, cold: bool = False
    ) -> Started:
        """A runner in `folder`, its output in `out-SLOT` and `err-SLOT` there."""
        out, err = folder / f"out-{slot}", folder / f"err-{slot}"
        if not cold:
            return self.fork(arguments, env=env, cwd=folder, out=out, err=err)
        with out.open("ab") as stdout, err.open("ab") as stderr:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.runner", *arguments],
                cwd=folder,
                env={**env, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
            )


def warm_up() -> None:
    """Import what a purchase needs, and fill the caches that do not depend on the order."""
    import encodings.idna  # noqa: F401 - found at the first look-up, where a runner under another user cannot read it

    import runner.cli.apply
    import runner.cli.reconcile
    import runner.cli.resolve
    import runner.core.clock
    import runner.core.stop
    import runner.run.batch
    import runner.settle.reconcile
    import runner.settle.resolve
    import runner.vendors.v1.adapter
    import runner.views.plan
    import runner.views.reconcile
    import runner.views.summary  # noqa: F401
    from runner import manifest
    from runner.ledger.sqlite import open_sqlite

    manifest.load([str(ROOT / "samples" / "everything.yaml")])
    with tempfile.TemporaryDirectory() as folder:
        open_sqlite(Path(folder) / "ledger", "warm").close()


def _serve() -> None:
    from tests.chaos import runner

    nursery.serve(warm_up, runner.main)


if __name__ == "__main__":
    _serve()

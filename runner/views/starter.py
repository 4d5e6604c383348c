"""What `init` wrote, and what to do next → text."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from runner.starter import LOCKFILE, MANIFESTS, SYSTEMS, Wish
from runner.starter.placing import PlacedFile
from runner.views.terminal.console import Console
from runner.views.terminal.safe import one_line


def render(placed: Sequence[PlacedFile], choice: Wish, folder: Path, above: Path | None, console: Console) -> None:
    """Each file and what became of it, then the next commands."""
    console.out.lines(list(_lines(placed, choice, folder, above)))


def _lines(placed: Sequence[PlacedFile], choice: Wish, folder: Path, above: Path | None) -> Iterator[str]:
    for file in placed:
        yield one_line(f"{file.what:9}  {folder / file.path}")
    systems = [SYSTEMS[system] for system in choice.systems]
    if systems and above is not None:
        yield one_line(
            f"note: {folder} is inside the repository {above}, and CI looks for {systems[0]} only at its top"
        )
    steps = list(_steps(choice, folder))
    if not steps:
        return
    yield ""
    yield "next:"
    width = max(len(command) for command, _ in steps)
    for command, why in steps:
        yield one_line(f"  {command.ljust(width) if why else command}{'  # ' if why else ''}{why}")


def _steps(choice: Wish, folder: Path) -> Iterator[tuple[str, str]]:
    if folder != Path():
        yield f"cd {shlex.quote(str(folder))}", ""
    if choice.types:
        yield f"order-runner validate {MANIFESTS}", "every finding, with its line and column"
        yield f"order-runner apply --sandbox --yes {MANIFESTS}", "buys from an emulator: no account, no money"
        yield f"order-runner reference {choice.types[0]}", "what your own account can order (needs its key)"
        yield (
            f"rm {LOCKFILE} && order-runner lock {MANIFESTS}",
            "replaces the sandbox's ids by those of your own account",
        )
        yield f"order-runner plan {MANIFESTS}", "what it would cost; buys nothing"
    if choice.pre_commit:
        yield "pre-commit install", "checks the orders before every commit"
    for system in choice.systems:
        yield f"head -n 20 {SYSTEMS[system]}", "the secrets it needs"

"""Shows the events of a run that come, pickled, from a named pipe: `python -m tests.terminal.player PIPE`."""

from __future__ import annotations

import pickle
import sys
from contextlib import suppress
from pathlib import Path

from runner.views.terminal import events
from runner.views.terminal.console import Console


def play(pipe: Path) -> None:
    """Each event as it comes, until nobody writes any more."""
    console = Console.detect(no_color=False)
    with pipe.open("rb") as stream, events.watching(console, quiet=False, verbose=False) as watch, suppress(EOFError):
        while True:
            watch(pickle.load(stream))


if __name__ == "__main__":
    play(Path(sys.argv[1]))

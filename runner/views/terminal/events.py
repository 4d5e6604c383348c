"""What happens during a run → stderr: redrawn on a terminal, one line an event elsewhere. Never stops a purchase."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from runner.core.progress import Progress, Watch, harmless
from runner.views.terminal.console import Console
from runner.views.terminal.event_log import EVERY, Lines, notice


@contextmanager
def watching(
    console: Console,
    *,
    quiet: bool,
    verbose: bool,
    rate: int = 0,
    every: float = EVERY,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Watch]:
    """A `Watch` for the length of a `with`. `quiet` shows notices only; `verbose` every quote and wait too.

    `rate` is how many requests may start in any 60 s, 0 for any number: what is left of quoting depends on it.
    """
    channel = console.err

    def plainly(event: Progress) -> None:
        channel.lines(notice(event, channel))

    if quiet:
        yield harmless(plainly, plainly)
    elif channel.terminal:
        from runner.views.terminal.live import Drawn

        drawn = Drawn(channel, verbose=verbose, clock=clock, rate=rate)
        try:
            yield harmless(drawn, plainly)
        finally:
            with suppress(Exception):
                drawn.end()
    else:
        with Lines(channel, verbose=verbose, every=every, clock=clock) as lines:
            yield harmless(lines, plainly)

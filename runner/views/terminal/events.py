"""What happens during a run → stderr: redrawn on a terminal, one line an event elsewhere. Never stops a purchase."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from runner.core.progress import Progress, Watch
from runner.views.terminal.console import Channel, Console
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
    if quiet:
        yield _harmless(lambda event: channel.lines(notice(event, channel)), channel)
    elif channel.terminal:
        from runner.views.terminal.live import Drawn

        drawn = Drawn(channel, verbose=verbose, clock=clock, rate=rate)
        try:
            yield _harmless(drawn, channel)
        finally:
            with suppress(Exception):
                drawn.end()
    else:
        with Lines(channel, verbose=verbose, every=every, clock=clock) as lines:
            yield _harmless(lines, channel)


def _harmless(watch: Watch, channel: Channel) -> Watch:
    """A watch made unable to stop whoever reports to it: a purchase is worth more than its picture."""

    def guarded(event: Progress) -> None:
        try:
            watch(event)
        except Exception:  # noqa: BLE001 - see above; what must be read is told plainly all the same
            channel.lines(notice(event, channel))

    return guarded

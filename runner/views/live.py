"""Progress redrawn on a terminal. Imports rich: only for a real terminal."""

from __future__ import annotations

from collections.abc import Callable

from rich.progress import BarColumn, ProgressColumn, Task, TaskID, TextColumn
from rich.progress import Progress as Bars
from rich.table import Column
from rich.text import Text

from runner.progress import Buying, Notice, Progress, Quoting, Sent, Waiting
from runner.views.console import Channel
from runner.views.progress import told
from runner.views.safe import cell
from runner.views.tables import rich_on
from runner.views.words import money

BAR_FROM = 60
"""A terminal of fewer cells has no room for bars."""


class Drawn:
    """One line for the batch, one for what is awaited; what is over scrolls up as plain lines.

    Nothing is drawn between the last quote and the first purchase, where a person may be asked to confirm.
    """

    def __init__(self, channel: Channel, *, verbose: bool, clock: Callable[[], float]) -> None:
        self._channel = channel
        self._verbose = verbose
        self._clock = clock
        self._bars: Bars | None = None
        self._batch: TaskID | None = None
        self._awaited: TaskID | None = None

    def __call__(self, event: Progress) -> None:
        if not isinstance(event, Notice):
            self._await_no_more()
        match event:
            case Quoting() if event.done >= event.total:
                self.end()
                self._print(event)
            case Quoting():
                self._advance(f"quoted {event.done} of {event.total}", event.done, event.total)
            case Buying():
                text = f"[{event.n}/{event.total}] {event.key} for {money(event.price)}"
                self._advance(text, event.n - 1, event.total)
            case Sent():
                self._await(f"{event.key} in flight", event.deadline)
            case Waiting() if self._bars is not None:
                self._await(f"waiting: {event.why}", event.seconds)
            case _:
                self._print(event)

    def end(self) -> None:
        """Leave the terminal as a log: drawn lines are taken away, what scrolled up stays."""
        bars, self._bars, self._batch, self._awaited = self._bars, None, None, None
        if bars is not None:
            bars.stop()

    def _begin(self) -> Bars:
        name = TextColumn("{task.description}", markup=False, table_column=_elastic())
        bar = [BarColumn(bar_width=16)] if self._channel.width >= BAR_FROM else []
        console = rich_on(self._channel)
        bars = Bars(name, *bar, _Times(), console=console, transient=True, expand=True, get_time=self._clock)
        bars.start()
        return bars

    def _print(self, event: Progress) -> None:
        lines = list(told(event, self._channel, verbose=self._verbose))
        if self._bars is None:
            self._channel.lines(lines)
            return
        for line in lines:
            self._bars.console.print(Text.from_ansi(line), soft_wrap=True)

    def _advance(self, text: str, done: int, total: int) -> None:
        if self._bars is None:
            self._bars = self._begin()
        if self._batch is None:
            self._batch = self._bars.add_task(cell(text), total=total, completed=done)
        else:
            self._bars.update(self._batch, description=cell(text), completed=done, total=total)

    def _await(self, text: str, seconds: float) -> None:
        if self._bars is None:
            self._bars = self._begin()
        self._awaited = self._bars.add_task(f"  {cell(text)}", total=seconds, deadline=seconds)

    def _await_no_more(self) -> None:
        if self._bars is not None and self._awaited is not None:
            self._bars.remove_task(self._awaited)
            self._awaited = None


class _Times(ProgressColumn):
    """Seconds since a line began, and seconds left where it has a deadline."""

    max_refresh = None

    def render(self, task: Task) -> Text:
        elapsed = task.elapsed or 0.0
        deadline = task.fields.get("deadline")
        if deadline is None:
            return Text(f"{elapsed:.0f} s")
        return Text(f"{elapsed:.0f} s, {max(deadline - elapsed, 0):.0f} s left")


def _elastic() -> Column:
    return Column(ratio=1, no_wrap=True, overflow="ellipsis")

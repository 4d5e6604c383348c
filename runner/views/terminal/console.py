"""Where text goes: stdout and stderr, what they can show, and what happens when nobody reads them any more.

Decided once, by `Console.detect`. A write never raises: a purchase is not lost because a pipe or a terminal went away.
Why text could not be written is remembered in `failure`, and the descriptor is pointed at nothing, so that leaving the
process does not fail on the same pipe again. A write waits for its reader, but for a signal or `Console.impatient`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final, Self, TextIO

from runner.views.terminal.writer import Delivery, Writer, writer_of

BATCH: Final = 1 << 16
"""Characters gathered before a write where many lines are at hand."""

PATIENCE: Final = 1.0
"""Seconds that a run which holds an account waits for a reader; what it then has to say is kept for later."""

PLAIN_WIDTH: Final = 80
MIN_WIDTH: Final = 20
STYLES: Final = {"error": "1;31", "warning": "1;33", "good": "32", "faint": "2", "strong": "1", "note": "36"}
"""SGR codes by meaning."""


@dataclass(slots=True, kw_only=True)
class Channel:
    """One of the two streams. `terminal`: a person watches it, so lines may be redrawn. `width` is in cells.

    `patience` is how many seconds a write waits for its reader, None for as long as it takes.
    """

    stream: TextIO | None
    terminal: bool = False
    colour: bool = False
    width: int = PLAIN_WIDTH
    failure: OSError | None = None
    patience: float | None = None
    _writer: Writer | None = field(init=False, default=None, repr=False)
    _has_begun: bool = field(init=False, default=False, repr=False)

    @property
    def unicode(self) -> bool:
        """Whether the stream can show more than ASCII."""
        encoding = getattr(self.stream, "encoding", None) or "ascii"
        try:
            "━…".encode(encoding)
        except (UnicodeEncodeError, LookupError):
            return False
        return True

    def write(self, text: str) -> None:
        """Hand `text` over now; never raises."""
        if self.failure is not None or not text:
            return
        if not self._has_begun:
            self._writer, self._has_begun = writer_of(self.stream), True
        if self._writer is not None:
            self._hand_over(self._writer, text)
            return
        try:
            self._put(text)
        except UnicodeEncodeError:
            encoding = getattr(self.stream, "encoding", None) or "ascii"
            self.write(text.encode(encoding, "backslashreplace").decode(encoding))
        except (OSError, ValueError) as error:
            self._give_up(error)
        except RuntimeError:
            # A signal handler wrote while the stream was writing: the stream refuses, the descriptor does not.
            self._put_past_buffer(text)

    def lines(self, lines: Iterable[str]) -> None:
        """Hand over whole lines in large pieces; stops reading `lines` once nobody listens."""
        gathered: list[str] = []
        size = 0
        for line in lines:
            gathered.append(line)
            size += len(line) + 1
            if size >= BATCH:
                self.write("\n".join(gathered) + "\n")
                gathered, size = [], 0
            if self.failure is not None:
                return
        if gathered:
            self.write("\n".join(gathered) + "\n")

    def paint(self, style: str, text: str) -> str:
        """`text`, already made safe, in the colour of a meaning of `STYLES`; unchanged where colour is off."""
        return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if self.colour and text else text

    def is_taken(self, seconds: float | None = None) -> bool:
        """Whether all that was written has been taken, now or within so many seconds, None for any time."""
        if self._writer is not None and self.failure is None:
            return self._wait(self._writer, None, seconds) and self.failure is None
        return self.failure is None

    def flush(self) -> None:
        """Nothing is held back; here for callers that expect a stream."""

    def _hand_over(self, writer: Writer, text: str) -> None:
        waits = self.patience is None or not writer.is_behind
        delivery = writer.hand_over(self._encode(text))
        if waits:
            self._wait(writer, delivery, self.patience)

    def _wait(self, writer: Writer, delivery: Delivery | None, seconds: float | None) -> bool:
        try:
            return writer.wait(delivery, seconds)
        finally:
            if writer.failure is not None and self.failure is None:
                self._give_up(writer.failure)

    def _encode(self, text: str) -> bytes:
        encoding = getattr(self.stream, "encoding", None) or "ascii"
        try:
            return text.encode(encoding, getattr(self.stream, "errors", None) or "strict")
        except UnicodeEncodeError:
            return text.encode(encoding, "backslashreplace")

    def _put(self, text: str) -> None:
        if self.stream is None:
            raise OSError("the stream is closed")
        self.stream.write(text)
        self.stream.flush()

    def _put_past_buffer(self, text: str) -> None:
        if self.stream is not None:
            with suppress(OSError, ValueError):
                os.write(self.stream.fileno(), text.encode(errors="backslashreplace"))

    def _give_up(self, error: OSError | ValueError) -> None:
        self.failure = error if isinstance(error, OSError) else OSError(str(error))
        with suppress(OSError, ValueError, AttributeError):
            descriptor = self.stream.fileno() if self.stream is not None else -1
            nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
            os.dup2(nowhere, descriptor)
            os.close(nowhere)


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """Both streams. `out` carries the product, `err` progress and errors."""

    out: Channel
    err: Channel

    @classmethod
    def detect(
        cls,
        *,
        no_color: bool,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> Self:
        """Look once at the streams and the environment: `--no-color` beats NO_COLOR beats FORCE_COLOR beats a terminal.

        With `CI` or `TERM=dumb` in the environment nothing is redrawn, terminal or not.
        """
        environ = os.environ if environ is None else environ
        out = sys.stdout if stdout is None else stdout
        err = sys.stderr if stderr is None else stderr
        return cls(out=_channel(out, no_color, environ), err=_channel(err, no_color, environ))

    @property
    def interactive(self) -> bool:
        """A person watches both streams."""
        return self.out.terminal and self.err.terminal

    @property
    def colour(self) -> bool:
        """Whether stdout takes colour."""
        return self.out.colour

    def write(self, text: str) -> None:
        """Text of the product, as it is."""
        self.out.write(text)

    def note(self, text: str) -> None:
        """Text beside the product, as it is."""
        self.err.write(text)

    @contextmanager
    def impatient(self) -> Iterator[None]:
        """For the length of a `with` that holds an account, nobody's reading is waited for longer than `PATIENCE`.

        What they did not take is kept, and written when they read on.
        """
        self.out.patience = self.err.patience = PATIENCE
        try:
            yield
        finally:
            self.out.patience = self.err.patience = None

    def aside(self) -> Console:
        """The same console with stdout left free: what would go there goes to stderr."""
        return Console(out=self.err, err=self.err)


def _channel(stream: TextIO | None, no_color: bool, environ: Mapping[str, str]) -> Channel:
    terminal = _is_terminal(stream)
    drawable = terminal and not environ.get("CI") and environ.get("TERM") != "dumb"
    colour = _colour(drawable, no_color, environ)
    return Channel(stream=stream, terminal=drawable, colour=colour, width=_width(stream, environ, terminal))


def _colour(terminal: bool, no_color: bool, environ: Mapping[str, str]) -> bool:
    if no_color or environ.get("NO_COLOR"):
        return False
    forced = environ.get("FORCE_COLOR", "")
    return terminal if forced in ("", "0") else True


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def _width(stream: TextIO | None, environ: Mapping[str, str], terminal: bool) -> int:
    columns = environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns) > 0:
        return max(int(columns), MIN_WIDTH)
    if terminal and stream is not None:
        with suppress(OSError, ValueError):
            return max(os.get_terminal_size(stream.fileno()).columns or PLAIN_WIDTH, MIN_WIDTH)
    return PLAIN_WIDTH

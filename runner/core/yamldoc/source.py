"""Bytes of a manifest on their way to the parser: bounded in size, hashed, and proved to be clean UTF-8.

The parser is never shown a byte that is not text. Where one is found, it gets a line that no YAML can hold, so that
everything before is still parsed and checked, and then stops; `Source.flaw` says what was really wrong.
"""

from __future__ import annotations

import codecs
import hashlib
import io
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final, Protocol, Self

from runner.core.errors import Problem, Span, UsageError

MAX_BYTES: Final = 64 * 1024 * 1024
"""The largest manifest that is read, in bytes."""

STDIN: Final = "-"

UNSAFE: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
    "|\r(?!\n)"
)
"""What no manifest may hold: control characters, line breaks that editors count differently, and the marks that
make text look like another text (bidirectional overrides, a byte order mark in the middle)."""

_CLEAN: Final = bytes([0x09, 0x0A, *range(0x20, 0x7F)])
_CHUNK: Final = 1 << 16
_POISON: Final = b"\n`\n"
_OTHER_ENCODINGS: Final = {
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}


class Flaw(Exception):
    """Reading one file cannot go on; carries the finding that says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


class TextSource:
    """One manifest, readable from its start as often as needed. `read` is what the parser calls.

    `listener` is called with each piece that the parser gets.
    """

    def __init__(self, raw: BinaryIO, *, path: str) -> None:
        """Take a seekable binary stream; `path` is the name that findings carry."""
        self.path = path
        self.flaw: Problem | None
        self.listener: Callable[[bytes], object] | None = None
        self._raw = raw
        self.rewind()

    @classmethod
    def of(cls, text: bytes, *, path: str) -> Self:
        """A source over bytes at hand; `Flaw` where they are too many."""
        if len(text) > MAX_BYTES:
            raise Flaw(_too_large(path))
        return cls(io.BytesIO(text), path=path)

    @classmethod
    def open(cls, path: str, *, stdin: BinaryIO | None = None) -> Self:
        """A file, or `stdin` for `-`. UsageError where it cannot be read, `Flaw` where it is too large."""
        if path == STDIN:
            return cls.of((stdin or io.BytesIO()).read(MAX_BYTES + 1), path=path)
        try:
            raw = Path(path).open("rb")  # noqa: SIM115 - closed by close()
        except OSError as error:
            raise UsageError(f"cannot read {path}: {error.strerror}") from error
        status = os.fstat(raw.fileno())
        if not stat.S_ISREG(status.st_mode):
            with raw:
                return cls.of(raw.read(MAX_BYTES + 1), path=path)
        if status.st_size > MAX_BYTES:
            raw.close()
            raise Flaw(_too_large(path))
        return cls(raw, path=path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._raw.close()

    def rewind(self) -> None:
        """Start over."""
        self._raw.seek(0)
        self._hash: Hash = hashlib.sha256()
        self._offset = 0
        self._held = b""
        self.flaw = None

    @property
    def offset(self) -> int:
        """How many bytes the parser was given since the start."""
        return self._offset

    @property
    def sha256(self) -> str:
        """Hash of the whole file, also of what was not parsed."""
        for chunk in iter(lambda: self._raw.read(_CHUNK), b""):
            self._hash.update(chunk)
        return self._hash.hexdigest()

    def read(self, _size: int = -1) -> bytes:
        """The next piece of clean text, empty at the end."""
        chunk = self._next()
        if self.listener is not None:
            self.listener(chunk)
        return chunk

    def _next(self) -> bytes:
        if self.flaw:
            return b""
        chunk = self._raw.read(_CHUNK)
        self._hash.update(chunk)
        start, self._offset = self._offset, self._offset + len(chunk)
        if self._offset > MAX_BYTES:  # the file grew while it was read
            self.flaw = _too_large(self.path)
            return _POISON
        if not self._held and not chunk.translate(None, _CLEAN):
            return chunk
        return self._inspect(chunk, start)

    def _inspect(self, chunk: bytes, start: int) -> bytes:
        """`chunk`, or as much of it as is clean; slower, for what is not plain ASCII."""
        if start == 0:
            if encoding := next((name for mark, name in _OTHER_ENCODINGS.items() if chunk.startswith(mark)), None):
                return self._refuse(b"", 0, "PSR001", f"the file is {encoding}, not UTF-8", "save it as UTF-8")
            chunk, start = _without_mark(chunk)
        data, start = self._held + chunk, start - len(self._held)
        try:
            text, consumed = codecs.utf_8_decode(data, "strict", not chunk)
        except UnicodeDecodeError as error:
            return self._undecodable(data, error.start, start)
        if chunk and text.endswith("\r"):  # whether a line feed follows is known with the next piece
            text, consumed = text[:-1], consumed - 1
        self._held = data[consumed:]
        if found := UNSAFE.search(text):
            return self._control(text, found, start)
        return data[:consumed] or (self._next() if chunk else b"")

    def _undecodable(self, data: bytes, at: int, start: int) -> bytes:
        text = data[:at].decode()
        if found := UNSAFE.search(text):
            return self._control(text, found, start)
        message = f"byte 0x{data[at]:02x} is not UTF-8 text"
        return self._refuse(data[:at], start + at, "PSR001", message, "save the file as UTF-8")

    def _control(self, text: str, match: re.Match[str], start: int) -> bytes:
        clean = text[: match.start()].encode()
        return self._refuse(clean, start + len(clean), "PSR002", unsafe_message(match[0]), "remove it")

    def _refuse(self, clean: bytes, offset: int, code: str, message: str, hint: str) -> bytes:
        line, column = self._place(offset)
        span = Span(line=line, column=column, end_line=line, end_column=column + 1)
        self.flaw = Problem(code=code, message=message, hint=hint, path=self.path, span=span)
        return clean + _POISON

    def _place(self, offset: int) -> tuple[int, int]:
        """Line and column, from 1, of the character at a byte offset: read again, because this happens once a file."""
        here = self._raw.tell()
        self._raw.seek(0)
        before, _ = _without_mark(self._raw.read(offset))
        self._raw.seek(here)
        line = before.replace(b"\r\n", b"\n").rpartition(b"\n")[2]
        return before.count(b"\n") + 1, len(line.decode(errors="replace")) + 1

    def head(self, characters: int) -> SourceHead:
        """The source again from its start, up to a number of characters. `listener` is not called a second time."""
        self.rewind()
        return SourceHead(self._next, characters)

    def line(self, number: int) -> str:
        """A line of the file, counted from 1, without its end; empty where there is none."""
        here = self._raw.tell()
        self._raw.seek(0)
        data = next((row for index, row in enumerate(self._raw, 1) if index == number), b"")
        self._raw.seek(here)
        return _without_mark(data)[0].decode(errors="replace").rstrip("\r\n")


class SourceHead:
    """The beginning of a source, for a parser that shall not see the rest."""

    def __init__(self, pieces: Callable[[], bytes], characters: int) -> None:
        """Take what gives the next piece of whole characters in UTF-8, and how many characters to let through."""
        self._pieces = pieces
        self._left = characters

    def read(self, _size: int = -1) -> bytes:
        """The next piece, empty at the end."""
        text = self._pieces().decode()[: self._left] if self._left else ""
        self._left -= len(text)
        return text.encode()


def unsafe_message(character: str) -> str:
    """What is wrong with a character that `UNSAFE` found."""
    kind = {"\r": "a carriage return without a line feed", "\ufeff": "a byte order mark inside the text"}
    return f"{kind.get(character, 'a control or invisible character')} (U+{ord(character):04X}) is not allowed"


def _without_mark(data: bytes) -> tuple[bytes, int]:
    """Data without the byte order mark at its start, and how many bytes that was."""
    mark = codecs.BOM_UTF8
    return (data[len(mark) :], len(mark)) if data.startswith(mark) else (data, 0)


def _too_large(path: str) -> Problem:
    limit = MAX_BYTES // 1024 // 1024
    return Problem(
        code="PSR003",
        message=f"the file is larger than {limit} MiB",
        hint="split the batch into several files",
        path=path,
    )

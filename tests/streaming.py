"""A whole answer as `Transport.stream` gives it: the body goes to a parser in pieces, and is gone."""

from __future__ import annotations

from collections.abc import Callable

from runner.vendors.wire import Begin, Response, Streamed


def streamed(
    response: Response, *, size: int = 1 << 16, redact: Callable[[str], str] = str
) -> Callable[[Begin], Response]:
    """The read that is answered so, in pieces of `size` bytes."""

    def read(begin: Begin) -> Response:
        parser = begin(redact)
        for start in range(0, len(response.body), size):
            parser.take(response.body[start : start + size])
        return Streamed(status=response.status, headers=response.headers, envelope=parser.close())

    return read

"""Every framing HTTP/1.1 knows, honest and lying, ends as a whole answer or as none."""

from __future__ import annotations

import gzip

import pytest

from runner.core.vendor import NotSent
from runner.vendors.failures import Lost
from runner.vendors.transport import MONEY_BODY_LIMIT
from runner.vendors.wire import Response
from tests.vendors.transport.peer import BUY, GOOD, LOOK, Script, Visit, client, go, ok, opened, serving


def then_close(*pieces: bytes) -> Script:
    def play(visit: Visit) -> None:
        visit.hear_request()
        for piece in pieces:
            visit.say(piece)

    return play


def buy(script: Script) -> Response | NotSent | Lost:
    with serving(script) as peer, client(peer.url()) as way, way.connect() as found:
        answer = opened(found).exchange(BUY, go)
    assert len(peer.visits) == 1
    return answer


def head(*lines: str, version: str = "HTTP/1.1") -> bytes:
    return "\r\n".join([f"{version} 200 OK", *lines, "", ""]).encode("latin-1")


CHUNKED = b"%x\r\n%s\r\n%x;ext=1\r\n%s\r\n0\r\nX-Trailer: 1\r\n\r\n" % (7, GOOD[:7], len(GOOD) - 7, GOOD[7:])

WHOLE = {
    "content-length": (ok(),),
    "content-length in pieces": tuple(bytes([byte]) for byte in ok()),
    "chunked": (head("Transfer-Encoding: chunked") + CHUNKED,),
    "chunked in pieces": (head("Transfer-Encoding: Chunked"), *(bytes([byte]) for byte in CHUNKED)),
    "until the end": (head("Content-Type: text/html"), GOOD),
    "HTTP/1.0": (head(version="HTTP/1.0") + GOOD,),
    "HTTP/1.0 with a length": (head(f"Content-Length: {len(GOOD)}", version="HTTP/1.0") + GOOD,),
    "after 100 and 103": (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok(),),
    "before a second answer": (ok() + ok(b"no", status="500 Oops"),),
    "said twice alike": (head(f"Content-Length: {len(GOOD)}", f"Content-Length: {len(GOOD)}") + GOOD,),
    "bare line feeds": (head(f"Content-Length: {len(GOOD)}").replace(b"\r\n", b"\n") + GOOD,),
}


@pytest.mark.parametrize("pieces", WHOLE.values(), ids=WHOLE.keys())
def test_a_whole_answer_is_read_whole(pieces: tuple[bytes, ...]) -> None:
    """However it is framed and however it arrives, the body is exactly what was sent."""
    answer = buy(then_close(*pieces))
    assert isinstance(answer, Response)
    assert (answer.status, answer.body) == (200, GOOD)


BROKEN = {
    "length above the body": head("Content-Length: 1000") + GOOD,
    "two lengths": head("Content-Length: 54", "Content-Length: 55") + GOOD,
    "negative length": head("Content-Length: -1") + GOOD,
    "length of words": head("Content-Length: many") + GOOD,
    "length beyond reason": head("Content-Length: " + "9" * 30) + GOOD,
    "chunk of words": head("Transfer-Encoding: chunked") + b"zz\r\n" + GOOD,
    "chunk above its data": head("Transfer-Encoding: chunked") + b"fff\r\n" + GOOD,
    "chunk beyond reason": head("Transfer-Encoding: chunked") + b"f" * 40 + b"\r\n" + GOOD,
    "chunk without an end": head("Transfer-Encoding: chunked") + b"5\r\nabcdeXX0\r\n\r\n",
    "unknown coding": head("Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n",
    "header without a colon": head("Content-Length 54") + GOOD,
    "header with a control": head("X-A: a\0b") + GOOD,
    "no status": b"HTTP/1.1\r\n\r\n",
    "a switch nobody asked for": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n" + GOOD,
    "another protocol": b"HTTP/2 200 OK\r\n\r\n",
    "a hundred thousand headers": head(*(f"X-{n}: 1" for n in range(100_000))) + GOOD,
    "a header without end": b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 300_000,
    "above the limit": head() + b" " * (MONEY_BODY_LIMIT + 1),
    "above the limit by its length": head(f"Content-Length: {MONEY_BODY_LIMIT + 1}") + b" " * (MONEY_BODY_LIMIT + 1),
}


@pytest.mark.parametrize("sent", BROKEN.values(), ids=BROKEN.keys())
def test_an_answer_that_lies_about_itself_is_lost(sent: bytes) -> None:
    """Nothing is guessed from a framing that does not hold, and nothing is sent again."""
    assert isinstance(buy(then_close(sent)), Lost)


def test_too_large_is_said() -> None:
    """The reason names the limit, and no more than the limit is handed on."""
    answer = buy(then_close(BROKEN["above the limit"]))
    assert isinstance(answer, Lost)
    assert answer.reason == "the answer is larger than 1 MiB"
    assert len(answer.body) <= MONEY_BODY_LIMIT


def test_an_answer_at_the_limit_is_whole() -> None:
    """1 MiB is not above 1 MiB."""
    answer = buy(then_close(ok(b" " * MONEY_BODY_LIMIT)))
    assert isinstance(answer, Response)
    assert len(answer.body) == MONEY_BODY_LIMIT


def test_a_length_below_the_body_cuts_it() -> None:
    """The length decides: what goes beyond it is not part of the answer."""
    answer = buy(then_close(head("Content-Length: 10") + GOOD))
    assert isinstance(answer, Response)
    assert answer.body == GOOD[:10]


def test_a_body_cut_before_its_end_without_a_length_comes_as_it_is() -> None:
    """Without any framing a cut cannot be seen here; only a whole envelope counts further up."""
    answer = buy(then_close(head(), GOOD[:20]))
    assert isinstance(answer, Response)
    assert answer.body == GOOD[:20]


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_no_coding_is_undone(coding: str) -> None:
    """`identity` is asked for; a body in another coding stays the bytes it was: no bomb can go off."""
    packed = gzip.compress(b" " * 10_000_000)
    with serving(then_close(ok(packed, f"Content-Encoding: {coding}"))) as peer, client(peer.url()) as way:
        assert way.read(LOOK).body == packed
    assert b"\r\naccept-encoding: identity\r\n" in peer.visits[0].received.lower()


def test_bytes_beyond_ascii_pass_unchanged() -> None:
    """Redaction touches the key and nothing else: every byte value comes through."""
    body = bytes(range(256)) * 64 + "Россия % \\ 100 %zz".encode()
    answer = buy(then_close(ok(body)))
    assert isinstance(answer, Response)
    assert answer.body == body

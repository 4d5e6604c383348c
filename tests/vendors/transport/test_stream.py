"""Lists that are read as they come, over real sockets: whole or not at all, without the key, and in little memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from runner.core.errors import VendorUnavailable
from runner.core.vendor import Look
from runner.vendors import incoming
from runner.vendors.transport import Timing
from runner.vendors.v1.adapter import V1Reader
from tests.vendors.transport.peer import (
    KEY,
    FakeClock,
    Script,
    TickingClock,
    Visit,
    answering,
    client,
    ok,
    serving,
    spellings,
    traces,
)

PATH = "proxy/list/ipv4"


def row(n: int, **changes: Any) -> dict[str, object]:
    """One proxy, ten to an order, as the vendor describes it."""
    usual = {
        "id": str(9_876_543 + n),
        "order_id": str(2_000_000 + n // 10),
        "order_number": f"{2_000_000 + n // 10}_{57_471_911 + n}",
        "base_order_number": f"{2_000_000 + n // 10}_57471911",
        "ip": f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}",
        "ip_only": f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}",
        "protocol": "HTTP",
        "port_socks": 50101,
        "port_http": 50100,
        "login": f"login{n}",
        "password": f"password{n}",
        "auth_ip": "",
        "rotation": "",
        "link_reboot": "https://example.test/api/reboot/0123456789abcdef0123456789abcdef",
        "country": "France",
        "country_alpha3": "FRA",
        "status": "Active",
        "status_type": "ACTIVE",
        "can_prolong": 1,
        "date_start": "02.11.2026",
        "date_end": "02.12.2026",
        "auto_renew": "N",
        "auto_renew_period": "",
        "comment": "",
    }
    return usual | changes


def rows_of(*rows: dict[str, object]) -> bytes:
    return json.dumps({"status": "success", "data": {"items": rows}, "errors": []}).encode()


EMPTY = ok(rows_of())


def in_pieces(body: bytes, size: int) -> Script:
    """The body in chunks of `size` bytes, then an empty list."""

    def play(visit: Visit) -> None:
        visit.hear_request()
        visit.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for start in range(0, len(body), size):
            piece = body[start : start + size]
            visit.say(b"%x\r\n%s\r\n" % (len(piece), piece))
        visit.say(b"0\r\n\r\n")
        answering(EMPTY)(visit)

    return play


def cut(body: bytes) -> Script:
    """The body is promised whole, and ends in the middle."""

    def play(visit: Visit) -> None:
        visit.hear_request()
        visit.say(ok(body)[: -len(body) // 2])

    return play


def look(*scripts: Script, clock: FakeClock | None = None, timing: Timing | None = None) -> Look:
    with serving(*scripts) as peer, client(peer.url(), clock=clock, timing=timing) as way:
        return V1Reader(way, clock or FakeClock()).look("ipv4")


@pytest.mark.parametrize("spelling", spellings(KEY))
def test_the_key_is_nowhere_in_what_is_kept(spelling: str) -> None:
    """Echoed in any field, in any spelling, split between any two pieces: it is masked."""
    fields = ("order_number", "base_order_number", "country_alpha3", "protocol", "date_start", "login")
    body = rows_of(*(row(n, **{name: "THERE"}) for n, name in enumerate(fields))).replace(b"THERE", spelling.encode())
    for size in (1, 7):
        seen = look(in_pieces(body, size))
        assert seen.orders[0].rows == len(fields)
        assert "***" in repr(seen)
        assert traces()(repr(seen)) == []


def test_a_key_for_an_order_id_is_not_believed() -> None:
    """An order that is called like the API key is refused, as it is no name that could be kept."""
    with pytest.raises(VendorUnavailable, match="a row without an order id"):
        look(in_pieces(rows_of(row(0, order_id=KEY)), 5))


def test_half_a_list_leaves_nothing_behind() -> None:
    """A list that breaks off and is read again counts each proxy once, also where ids are missing."""
    clock = FakeClock()
    rows = [row(n, id="") for n in range(20)]
    seen = look(cut(rows_of(*rows)), answering(ok(rows_of(*rows)), ok(rows_of(*rows))), clock=clock)
    assert [order.rows for order in seen.orders] == [10, 10]
    assert clock.sleeps == [1.0]


@pytest.mark.parametrize("status", ["500 Oops", "503 Busy", "429 Too Many Requests"])
def test_a_list_is_asked_for_again_as_other_reads_are(status: str) -> None:
    """5xx and 429, whatever comes with them, even rows: the next answer counts."""
    clock = FakeClock()
    bad = ok(rows_of(row(0), row(99)), status=status)
    seen = look(answering(bad, ok(rows_of(row(0))), EMPTY), clock=clock)
    assert [(order.order_id, order.rows) for order in seen.orders] == [("2000000", 1)]
    assert len(clock.sleeps) == 1


def test_a_whole_answer_that_is_refused_is_final_and_a_cut_one_is_not() -> None:
    """HTML that came whole is told at once; of HTML that broke off it is told, after three tries, that it did."""
    clock = FakeClock()
    with pytest.raises(VendorUnavailable, match="the answer is HTML, not JSON"):
        look(answering(ok(b"<html>" * 50)), clock=clock)
    assert clock.sleeps == []
    with pytest.raises(VendorUnavailable, match=f"^{PATH}: the connection ended without a complete, readable answer"):
        look(cut(b"<html>" * 50), clock=clock)
    assert clock.sleeps == [1.0, 3.0]


def test_rows_that_drip_for_ever_end_at_the_deadline() -> None:
    """However steadily rows come, the deadline is that of the whole answer."""

    def drip(visit: Visit) -> None:
        visit.hear_request()
        visit.drip(b'HTTP/1.1 200 OK\r\n\r\n{"status":"success","data":[{}', b",{}")

    with pytest.raises(VendorUnavailable, match=f"^{PATH}: no complete answer within 20 s$"):
        look(drip, clock=TickingClock(), timing=Timing(read=20.0, pauses=()))


def test_a_list_above_the_limit_is_given_up_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One connection, no second try, in plain words."""
    monkeypatch.setattr(incoming, "TOTAL_LIMIT", 3 << 20)
    clock = FakeClock()
    with pytest.raises(VendorUnavailable, match=f"^{PATH}: the answer is larger than 3 MiB$"):
        look(in_pieces(rows_of(*map(row, range(6_000))) * 2, 1 << 20), clock=clock)
    assert clock.sleeps == []


ROWS = 200_000
PEAK = 100
"""MB a process may have above what it had before the reading; the bodies together have over 200."""

CHILD = """
import json, resource, sys
from runner.core.clock import SystemClock
from runner.core.secrets import ApiKey
from runner.vendors.transport import Timing, Transport
from runner.vendors.v1.adapter import V1Reader

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

with Transport(sys.argv[1], ApiKey(sys.argv[2]), clock=SystemClock(), rate=0, timing=Timing(read=300)) as way:
    before = peak()
    orders = V1Reader(way, SystemClock()).look("ipv4").orders
print(json.dumps([len(orders), sum(order.rows for order in orders), (peak() - before) / 1024]))
"""


def pieces_of_a_list(rows: int) -> Iterator[bytes]:
    """Of a success envelope, a hundred rows each."""
    yield b'{"status":"success","data":{"items":[' + json.dumps(row(0)).encode()
    for start in range(1, rows, 100):
        yield b"".join(b"," + json.dumps(row(n)).encode() for n in range(start, min(start + 100, rows)))
    yield b']},"errors":[]}'


@pytest.mark.long
def test_an_account_of_200_000_proxies_takes_little_memory() -> None:
    """Two lists of 200,000 rows, over 100 MB each: all rows are counted once, and memory grows with ids, not bytes."""
    pieces = list(pieces_of_a_list(ROWS))
    sent: list[int] = []

    def play(visit: Visit) -> None:
        while visit.hear_request():
            visit.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            sent.append(0)
            for piece in pieces:
                visit.say(b"%x\r\n%s\r\n" % (len(piece), piece))
                sent[-1] += len(piece)
            visit.say(b"0\r\n\r\n")

    with serving(play) as peer:
        child = subprocess.run(
            [sys.executable, "-c", CHILD, peer.url(), KEY], capture_output=True, text=True, check=False, timeout=300
        )
    assert child.returncode == 0, child.stderr
    orders, rows, megabytes = json.loads(child.stdout)
    assert (orders, rows, len(sent)) == (ROWS // 10, ROWS, 2)
    assert min(sent) > 100_000_000
    assert megabytes < PEAK

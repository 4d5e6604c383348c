"""The server itself: HTTP over real sockets, the control endpoints, opening and closing."""

import http.client
import json
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from runner.sandbox.box import Sandbox
from runner.sandbox.options import SANDBOX_KEY, Options

BODIES: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "bodies.json").read_text())
ORDER = BODIES["ipv4"]
Staging = Callable[..., Any]


def talk(s: Any, data: bytes) -> bytes:
    """Sends raw bytes on a connection of their own and returns everything until the server closes it."""
    parts = urlsplit(s.server.base_url)
    with closing(socket.create_connection((parts.hostname, parts.port), timeout=10)) as sock:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: sock.recv(65536), b""))


def ping(s: Any, version: str = "1.1", *headers: str) -> bytes:
    lines = [f"GET {s.root}/{SANDBOX_KEY}/system/ping HTTP/{version}", "Host: x", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def test_the_key_and_the_url_are_those_of_the_real_api() -> None:
    """The base URL ends like the vendor's, the key is 32 letters and digits and the same in every run."""
    with Sandbox().serve() as server:
        assert server.base_url == f"http://127.0.0.1:{urlsplit(server.base_url).port}/personal/api/v1"
        assert server.api_key == SANDBOX_KEY == "SANDBOXsandboxSANDBOXsandbox0001"
        assert len(SANDBOX_KEY) == 32
        assert SANDBOX_KEY.isalnum()


def test_connections_are_kept_and_closed_as_http_says(stage: Staging) -> None:
    """HTTP/1.1 goes on unless told to close, HTTP/1.0 the other way round."""
    s = stage()
    assert talk(s, ping(s) * 3).count(b"HTTP/1.1 200 OK") == 3
    for first in (ping(s, "1.1", "Connection: close"), ping(s, "1.0")):
        answer = talk(s, first + ping(s))
        assert answer.count(b"HTTP/1.1 200 OK") == 1
        assert b"Connection: close" in answer
    kept = talk(s, ping(s, "1.0", "Connection: keep-alive") + ping(s))
    assert kept.count(b"Connection: keep-alive") == 2


def test_answers_are_json_with_length_and_date(stage: Staging) -> None:
    """Every ordinary answer says what it is."""
    reply = stage().get("system/ping")
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.headers["Content-Length"] == str(len(reply.body))
    assert reply.headers["Date"].endswith("GMT")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/3\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        (b"POST / HTTP/1.1\r\nContent-Length: 1048577\r\n\r\n", 413),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 20_000 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\n\r\n", 404),
    ],
)
def test_what_is_not_a_sound_request_is_refused(stage: Staging, head: bytes, status: int) -> None:
    """With a status that says why; the server lives on."""
    s = stage()
    assert talk(s, head).startswith(f"HTTP/1.1 {status} ".encode())
    assert s.get("system/ping").status == 200
    assert s.box.purchases == ()


def test_a_body_up_to_a_mebibyte_is_read(stage: Staging) -> None:
    """One byte more is refused even if it is all sent, and the refusal can be read."""
    s = stage()
    raw = json.dumps(ORDER).encode()
    path = f"{s.root}/{SANDBOX_KEY}/order/calc"
    s.connection.request("POST", path, raw.ljust(2**20))
    assert s.connection.getresponse().read().startswith(b'{"status":"success"')
    head = f"POST {path} HTTP/1.1\r\nContent-Length: {2**20 + 1}\r\n\r\n".encode()
    assert talk(s, head + raw.ljust(2**20 + 1)).startswith(b"HTTP/1.1 413 ")


def test_a_body_that_ends_early_is_no_order(stage: Staging) -> None:
    """A client that goes in the middle of its body has bought nothing."""
    s = stage()
    raw = json.dumps(ORDER).encode()
    head = f"POST {s.root}/{SANDBOX_KEY}/order/make HTTP/1.1\r\nContent-Length: {len(raw) + 1}\r\n\r\n".encode()
    assert talk(s, head + raw) == b""
    assert s.box.purchases == ()
    assert s.box.requests == ()


def test_a_client_may_ask_before_it_sends(stage: Staging) -> None:
    """`Expect: 100-continue` is answered."""
    s = stage()
    head = f"POST {s.root}/{SANDBOX_KEY}/order/calc HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    assert talk(s, head.encode() + b"{}").startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")


def test_many_clients_at_once_get_an_order_each(stage: Staging) -> None:
    """Concurrent purchases are made one after the other: every id once, every cent counted."""
    s = stage()
    parts = urlsplit(s.server.base_url)

    def buy(_number: int) -> int:
        with closing(http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)) as connection:
            connection.request("POST", f"{s.root}/{SANDBOX_KEY}/order/make", json.dumps(ORDER))
            return int(json.loads(connection.getresponse().read())["data"]["orderId"])

    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(buy, range(80)))
    assert sorted(ids) == [p.order_id for p in s.box.purchases]
    assert s.get("balance/get").data["summ"] == 10000 - 80 * 16.2


def test_a_closed_server_is_gone_and_its_box_lives_on() -> None:
    """Closing twice is fine, the port is free again, and another server goes on with the same state."""
    box = Sandbox()
    box.buy_as_stranger()
    server = box.serve()
    port = urlsplit(server.base_url).port or 0
    server.close()
    server.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=10)
    with box.serve(port=port) as again:
        assert urlsplit(again.base_url).port == port
    assert len(box.purchases) == 1


def test_only_loopback_is_served() -> None:
    """The emulator cannot be put on a network, and a taken port is an error."""
    box = Sandbox()
    for host in ("0.0.0.0", "192.0.2.1"):
        with pytest.raises(ValueError, match="loopback"):
            box.serve(host=host)
    with box.serve(host="localhost") as server, pytest.raises(OSError, match="in use"):
        box.serve(port=urlsplit(server.base_url).port or 0)


def test_other_processes_can_read_and_steer(stage: Staging) -> None:
    """The control endpoints show the truth, arm faults, set the balance and buy as a stranger, without a key."""
    s = stage(options=Options(provisioning_delay=0))
    assert s.send("POST", "/_sandbox/balance", {"balance": "12.50"}).status == 200
    assert s.send("POST", "/_sandbox/faults", {"spec": "500-after@1"}).status == 200
    stranger = s.send("POST", "/_sandbox/stranger", {"type": "isp", "quantity": 1}).json
    assert s.make(ORDER, quantity=1).status == 500
    state = s.send("GET", "/_sandbox/state").json
    assert [p["type"] for p in state["purchases"]] == ["isp", "ipv4"]
    assert state["purchases"][0] == stranger
    assert state["purchases"][1]["total"] == "1.80"
    assert state["purchases"][1]["body"] == {**ORDER, "quantity": 1}
    assert state["balances"] == {SANDBOX_KEY: "8.30"}
    assert state["fired"] == {"500-after": 1}
    assert [(r["method"], r["endpoint"], r["status"]) for r in state["requests"]] == [("POST", "order/make", 500)]


def test_a_reference_list_can_be_changed(stage: Staging) -> None:
    """A row of one type's list can be shown otherwise or no more; other types and what is sold stay as they are."""
    s = stage()
    to = {"id": 599, "name": "France (new)"}
    assert s.send("POST", "/_sandbox/reference", {"type": "ipv4", "section": "country", "id": 561, "to": to}).json
    s.box.edit_reference("ipv4", "period", "1m", None)
    shown = s.get("reference/list/ipv4").json["data"]["items"]
    assert shown["country"][0] == {"id": 599, "name": "France (new)", "alpha3": "FRA"}
    assert "1m" not in [row["id"] for row in shown["period"]]
    assert "1m" in [row["id"] for row in s.get("reference/list/isp").json["data"]["items"]["period"]]
    assert s.make(ORDER, quantity=1).json["status"] == "success"


@pytest.mark.parametrize(
    ("method", "name", "body", "status", "error"),
    [
        ("POST", "faults", {"spec": "reset-aftr"}, 400, "did you mean reset-after"),
        ("POST", "faults", {}, 400, "missing 'spec'"),
        ("POST", "balance", {"balance": "much"}, 400, "not a decimal amount"),
        ("POST", "balance", {"balance": "-1"}, 400, "whole cents"),
        ("POST", "stranger", {"type": "ipv5"}, 400, "legal types"),
        ("POST", "stranger", {"countryId": 1}, 400, "Country not exists"),
        ("POST", "reference", {"type": "ipv4", "section": "country", "id": 1, "to": None}, 400, "no row"),
        ("POST", "reference", {"type": "ipv5", "section": "country", "id": 561, "to": None}, 400, "no row"),
        ("POST", "reference", {"type": "ipv4"}, 400, "missing 'section'"),
        ("GET", "faults", None, 404, "GET state"),
        ("POST", "state", {}, 404, "GET state"),
    ],
)
def test_wrong_steering_is_told_so(stage: Staging, method: str, name: str, body: Any, status: int, error: str) -> None:
    """A test that steers wrongly learns why at once."""
    reply = stage().send(method, f"/_sandbox/{name}", body)
    assert reply.status == status
    assert error in reply.json["error"]

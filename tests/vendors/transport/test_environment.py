"""Requests go where the base URL says and nowhere else, whatever the environment or an answer suggests."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.core.errors import VendorUnavailable
from runner.core.vendor import NotSent
from runner.vendors.transport import tls_context
from runner.vendors.wire import Response
from tests.vendors.transport.peer import (
    AUTHORITY,
    BUY,
    LOOK,
    Visit,
    answering,
    client,
    go,
    ok,
    opened,
    server_tls,
    serving,
)

REDIRECTS = ["301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"]


@pytest.mark.parametrize("status", REDIRECTS)
def test_a_redirect_is_returned_and_not_followed(status: str) -> None:
    """Read or purchase: the 3xx comes back with its Location, and the server it names sees nobody."""
    with serving(Visit.until_gone) as other:
        target = f"http://127.0.0.1:{other.port}/x"
        moved = ok(b"", f"Location: {target}", status=status)
        with serving(answering(moved)) as peer, client(peer.url()) as way:
            answers: list[object] = [way.read(LOOK)]
            with way.connect() as found:
                answers.append(opened(found).exchange(BUY, go))
    for answer in answers:
        assert isinstance(answer, Response)
        assert (answer.status, answer.headers["location"]) == (int(status[:3]), target)
    assert other.visits == []
    assert sum(visit.received.count(b" HTTP/1.1\r\n") for visit in peer.visits) == 2


PROXIES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"]


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch, tls: bool) -> None:
    """With every proxy variable set, in both cases, the proxy sees nobody and the vendor both calls."""
    with serving(Visit.until_gone) as proxy:
        for name in PROXIES:
            for spelled in (name, name.lower()):
                monkeypatch.setenv(spelled, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", "")
        with serving(answering(ok()), tls=server_tls() if tls else None) as peer, client(peer.url()) as way:
            assert way.read(LOOK).status == 200
            with way.connect() as found:
                assert isinstance(opened(found).exchange(BUY, go), Response)
    assert (proxy.visits, len(peer.visits)) == ([], 2)


def test_netrc_is_not_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A password for the host in .netrc is not sent."""
    path = tmp_path / ".netrc"
    path.write_text("machine 127.0.0.1 login user password secret\n")
    path.chmod(0o600)
    monkeypatch.setenv("NETRC", str(path))
    monkeypatch.setenv("HOME", str(tmp_path))
    with serving(answering(ok())) as peer, client(peer.url()) as way:
        way.read(LOOK)
    assert b"authorization" not in peer.visits[0].received.lower()


def test_a_key_log_is_not_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """SSLKEYLOGFILE would let anyone read the traffic, key included: no such file appears."""
    log = tmp_path / "keys"
    monkeypatch.setenv("SSLKEYLOGFILE", str(log))
    with serving(answering(ok()), tls=server_tls()) as peer, client(peer.url()) as way:
        way.read(LOOK)
        with way.connect() as found:
            assert isinstance(opened(found).exchange(BUY, go), Response)
    assert not log.exists()


def test_authorities_of_the_environment_are_not_trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """SSL_CERT_FILE and its kind cannot make a stranger's certificate good: no request is made."""
    path = tmp_path / "ca.pem"
    AUTHORITY.cert_pem.write_to_path(str(path))
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(path))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    monkeypatch.setenv("PYTHONHTTPSVERIFY", "0")
    with serving(answering(ok()), tls=server_tls()) as peer, client(peer.url(), tls=tls_context) as way:
        with way.connect() as found:
            assert isinstance(found, NotSent)
        with pytest.raises(VendorUnavailable, match="certificate was not accepted"):
            way.read(LOOK)
    assert [visit.received for visit in peer.visits] == [b"", b""]

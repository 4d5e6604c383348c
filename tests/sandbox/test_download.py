"""The vendor's own export, over HTTP."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from runner.sandbox.options import Options

HERE = Path(__file__).parent
BODIES: dict[str, dict[str, Any]] = json.loads((HERE / "bodies.json").read_text())
Staging = Callable[..., Any]


def text(s: Any, endpoint: str) -> list[str]:
    """The lines of a download."""
    reply = s.get(f"proxy/download/{endpoint}")
    assert reply.headers["Content-Type"].startswith("text/")
    return str(reply.body.decode()).splitlines()


def test_a_download_has_a_line_for_each_row_of_a_type(stage: Staging) -> None:
    """As text with one port, with both, as CSV, or by a template; there is no filter by order."""
    s = stage()
    s.make(BODIES["ipv4"], quantity=2)
    s.make(BODIES["ipv4"], quantity=1, countryId=562)
    a, b, c = s.get("proxy/list/ipv4").data["items"]
    assert text(s, "ipv4?ext=txt&proto=https") == [
        f"{row['login']}:{row['password']}@{row['ip']}:{row['port_http']}" for row in (a, b, c)
    ]
    assert text(s, "ipv4?proto=socks5&country=DEU&orderId=1") == [f"{c['login']}:{c['password']}@{c['ip']}:50101"]
    assert text(s, "ipv4?country=DEU")[0].endswith(":50100")
    assert text(s, "ipv4?country=DEU")[1].endswith(":50101")
    assert text(s, "ipv4?ext=csv&proto=https")[0] == f"{a['ip']};50100;{a['login']};{a['password']}"
    template = quote("%protocol%://%user%:%password%@%ip%:%port% 100% %unknown%%", safe="")
    assert text(s, f"ipv4?proto=socks5&country=DEU&ext={template}") == [
        f"socks5://{c['login']}:{c['password']}@{c['ip']}:50101 100% %unknown%%"
    ]
    assert text(s, "isp") == []


def test_a_password_with_a_placeholder_in_it_is_not_filled_in(stage: Staging) -> None:
    """Hostile credentials come out as they are."""
    s = stage(options=Options(credentials="hostile"))
    s.make(BODIES["ipv4"], quantity=1)
    (row,) = s.get("proxy/list/ipv4").data["items"]
    assert text(s, "ipv4?proto=https") == [f"{row['login']}:{row['password']}@{row['ip']}:50100"]


def test_rows_that_end_soon_are_downloaded_with_their_filter(stage: Staging) -> None:
    """As in the list: with `ends=Y` those, and only where they are hidden not without."""
    s = stage(options=Options(ends_hidden=10))
    s.make(BODIES["ipv4"], quantity=1, periodId="1w")
    s.make(BODIES["ipv4"], quantity=1)
    assert len(text(s, "ipv4?proto=https")) == len(text(s, "ipv4?proto=https&ends=Y")) == 1


def test_an_unknown_type_has_its_own_code(stage: Staging) -> None:
    """22002, word for word."""
    sample = json.loads((HERE / "examples" / "v1-proxy-download-unknown-type.json").read_text())
    s = stage()
    for type_ in ("scraper", "subresident"):
        assert s.get(f"proxy/download/{type_}").json == sample


def test_resident_addresses_come_from_lists(stage: Staging) -> None:
    """A line for each port, of one list or of all, cut off where asked; protocol and country are ignored."""
    s = stage()
    s.make(BODIES["resident"])
    first, second = (
        s.ask("POST", "resident/list/add", {"title": "x", "geo": {}, "export": {"ports": ports}}).data
        for ports in (2, 3)
    )
    lines = text(s, "resident?proto=socks5&country=DEU")
    assert lines[:2] == [f"{first['login']}:{first['password']}@res.sandbox.invalid:{port}" for port in (10000, 10001)]
    assert text(s, f"resident?listId={second['id']}") == lines[2:]
    assert text(s, f"resident?id={second['id']}&maxLine=2") == lines[2:4]
    refused = s.get("proxy/download/resident?listId=1").json
    assert [(error["message"], error["code"]) for error in refused["errors"]] == [("not-found", 404)]


@pytest.mark.parametrize("kind", ["download-500", "download-html"])
def test_a_download_may_fail(stage: Staging, kind: str) -> None:
    """Once, with a page in place of the lines."""
    s = stage(faults=[kind])
    assert s.get("proxy/download/ipv4").headers["Content-Type"].startswith("text/html")
    assert text(s, "ipv4") == []

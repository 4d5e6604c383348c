"""The base URL: where the key may be sent, spelled one way, and nothing that hides another host."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runner.core.errors import UsageError
from runner.vendors.base_url import address_of, check_base_url

GOOD = {
    "https://proxy-seller.com/personal/api/v1": "https://proxy-seller.com/personal/api/v1",
    "https://proxy-seller.com/personal/api/v1/": "https://proxy-seller.com/personal/api/v1",
    "https://proxy-seller.com": "https://proxy-seller.com",
    "https://proxy-seller.com/": "https://proxy-seller.com",
    "HTTPS://Proxy-Seller.COM/Personal": "https://proxy-seller.com/Personal",
    "https://proxy-seller.com:443/x": "https://proxy-seller.com:443/x",
    "https://proxy-seller.com:0443/x": "https://proxy-seller.com:443/x",
    "https://proxy-seller.com:/x": "https://proxy-seller.com/x",
    "https://vendor/x": "https://vendor/x",
    "https://a--b.example.com": "https://a--b.example.com",
    "https://203.0.113.7/api": "https://203.0.113.7/api",
    "https://[2001:db8::1]:8443/api": "https://[2001:db8::1]:8443/api",
    "https://example.com/a.b/~c_d-e/...": "https://example.com/a.b/~c_d-e/...",
    "http://localhost:8080/v1": "http://localhost:8080/v1",
    "http://LocalHost": "http://localhost",
    "http://127.0.0.1:1": "http://127.0.0.1:1",
    "http://127.9.9.9/v1": "http://127.9.9.9/v1",
    "http://[::1]:8080/v1": "http://[::1]:8080/v1",
}


@pytest.mark.parametrize(("text", "plain"), GOOD.items())
def test_a_good_base_url_is_spelled_plainly(text: str, plain: str) -> None:
    """https to any plain host, http to loopback: accepted, lower-case host, no final slash; plain stays plain."""
    assert check_base_url(text) == plain
    assert check_base_url(plain) == plain


SECRET = "hunter2hunter2"

BAD = {
    "user": [
        f"https://vendor:{SECRET}@evil.example/x",
        "https://vendor@evil.example",
        f"https://{SECRET}@proxy-seller.com",
        "https://@proxy-seller.com",
        f"https://proxy-seller.com\\@{SECRET}",
        f"https:vendor:{SECRET}@proxy-seller.com",
        f"https://proxy-seller.com/{SECRET}@x",
    ],
    "query or a fragment": [
        f"https://proxy-seller.com/?key={SECRET}",
        f"https://proxy-seller.com/x#{SECRET}",
        "https://proxy-seller.com?",
        "https://proxy-seller.com/#",
    ],
    "only https": [
        f"http://proxy-seller.com/personal/api/v1/{SECRET}",
        "http://example.com",
        "http://10.0.0.1",
        "http://0.0.0.0",
        "http://[::]",
        "http://[2001:db8::1]",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://localhost.localdomain",
    ],
    "start with https": [
        "ftp://localhost/x",
        "file:///etc/passwd",
        "//proxy-seller.com/x",
        "proxy-seller.com/personal",
        "localhost:8080",
        "javascript:alert(1)",
        "httpss://proxy-seller.com",
    ],
    "host is not|cannot be read": [
        "https://",
        "https:///path",
        "https:proxy-seller.com",
        "https://0x7f.1",
        "https://0x7f000001",
        "https://0X7F.0.0.1",
        "https://2130706433",
        "https://127.1",
        "https://0177.0.0.1",
        "https://1.2.3.4.5",
        "https://256.1.1.1",
        "https://example.1",
        "http://0x7f.1",
        "http://127.1",
        "http://2130706433",
        "http://017700000001",
        "http://[::ffff:127.0.0.1]",
        "https://[::ffff:127.0.0.1]",
        "https://[::ffff:7f00:1]",
        "http://[::1%25lo]",
        "https://[fe80::1%eth0]",
        "https://[v1.x]",
        "https://[::1",
        "https://::1/",
        "https://proxy-seller.com.",
        "http://localhost.",
        "http://127.0.0.1.",
        "https://.example.com",
        "https://a..b",
        "https://-a.example",
        "https://a-.example",
        "https://a_b.example",
        "https://xn--prxy-seller-x8i.com",
        "https://www.XN--80ak6aa92e.com",
        "https://proxy%2dseller.com",
        "https://proxy-seller.com\\x",
        "https://a,b",
        "https://*",
        "https://" + "a" * 64 + ".com",
        "https://" + ".".join(["a" * 60] * 5),
        "https://example.com:0",
        "https://example.com:99999",
        "https://example.com:http",
        "https://example.com:-1",
        "https://example.com:80:80",
    ],
    "path has parts": [
        "https://example.com/..",
        "https://example.com/a/../b",
        "https://example.com/./a",
        "https://example.com/a/.",
        "https://example.com//evil.example",
        "https://example.com/a//b",
        "https://example.com/a//",
        "https://example.com/%2e%2e/a",
        "https://example.com/a;b",
        "https://example.com/a\\b",
        "https://example.com/***",
        "https://example.com/a:b",
        "https://example.com/{key}",
    ],
    "blanks or characters": [
        " https://proxy-seller.com",
        "https://proxy-seller.com ",
        "https://proxy-seller.com\n",
        "https://proxy-\tseller.com",
        "https://proxy-seller.com/a\r\nX: 1",
        "https://proxy-seller.com\0",
        "https://proxy-\u017feller.com",
        "https://\u0440roxy-seller.com",
        "https://proxy-seller。com",
        "https://ⓟroxy-seller.com",
        "http://localhost\u200b",
        "http://127.0.0.\uff11",
        "https://example.com/ключ",
    ],
    "empty": [""],
}


@pytest.mark.parametrize(("words", "text"), [(words, text) for words, texts in BAD.items() for text in texts])
def test_a_bad_base_url_is_refused_without_repeating_it(words: str, text: str) -> None:
    """What could send the key elsewhere is a usage error that says why and shows nothing that was pasted."""
    with pytest.raises(UsageError, match=words) as raised:
        check_base_url(text)
    assert SECRET not in f"{raised.value} {raised.value.hint}"
    assert raised.value.hint == "write it like https://proxy-seller.com/personal/api/v1, without the key"
    assert raised.value.__cause__ is None


@given(
    st.one_of(
        st.text(),
        st.from_regex(r"https?://[\[\]a-zA-Z0-9@:.%_\\/?#-]{0,30}", fullmatch=True),
        st.builds(str.__add__, st.sampled_from(["https://", "http://127.0.0.1", "https://a.b/"]), st.text()),
    )
)
@example("https://\u212a.com")
def test_what_is_accepted_means_one_host_to_everybody(text: str) -> None:
    """Any text is refused, or httpx sees in it the very host, port and path that were checked."""
    try:
        plain = check_base_url(text)
    except UsageError:
        return
    assert plain.isascii()
    assert check_base_url(plain) == plain
    url = httpx.URL(plain)
    assert (
        str(url).rstrip("/") == plain.removesuffix(":443" if plain.startswith("https") else ":80") or url.port is None
    )
    assert (url.userinfo, url.query, url.fragment) == (b"", b"", "")
    assert url.scheme == "https" or url.host in ("localhost", "::1") or url.host.startswith("127.")


@pytest.mark.parametrize(
    ("spellings", "address"),
    [
        (
            (
                "https://proxy-seller.com/personal/api/v1",
                "https://proxy-seller.com/personal/api/v1/",
                "HTTPS://Proxy-Seller.com/personal/api/v1",
                "https://proxy-seller.com:443/personal/api/v1",
                "https://proxy-seller.com/Personal/API/v1",
            ),
            "proxy-seller.com/personal/api/v1",
        ),
        (("https://proxy-seller.com:8443/v1",), "proxy-seller.com:8443/v1"),
        (("https://[2001:DB8::1]/v1", "https://[2001:db8::1]:443/v1"), "[2001:db8::1]/v1"),
        (
            ("http://127.0.0.1:4711/v1", "http://127.0.0.1:4712/v1", "http://localhost/v1", "https://[::1]:8443/v1"),
            "localhost/v1",
        ),
    ],
)
def test_an_address_has_one_spelling(spellings: tuple[str, ...], address: str) -> None:
    """However a base URL is spelled, it is one address; on loopback the port, new with every start, is left out."""
    assert {address_of(check_base_url(text)) for text in spellings} == {address}

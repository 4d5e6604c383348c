"""Delivered proxies for the tests of formats, with logins as hostile as a vendor may make them."""

from __future__ import annotations

import string
from dataclasses import replace
from datetime import date
from typing import Final

from hypothesis import strategies as st

from runner.core.deliveries import Proxy

PROXY: Final = Proxy(
    key="crawl/uk",
    order_id="1000001",
    ip="203.0.113.5",
    port_http=50100,
    port_socks=50101,
    login="us.er",
    password="plain-1",
    protocol="http",
    country="GBR",
    ends=date(2026, 12, 31),
)
SECOND: Final = replace(PROXY, ip="203.0.113.40", login="other", password="plain-2")
IPV6: Final = replace(PROXY, ip="2001:db8::5")
BY_ADDRESS: Final = replace(PROXY, login="", password="", auth_ip="198.51.100.7")
MOBILE: Final = replace(
    PROXY, key="crawl/mobile", order_id="1000002", rotation_link="https://rotate.example/?key=s%20e#c"
)

LOGIN: Final = "us:er@x"
PASSWORD: Final = "p:@/#%?&=+\"'\\$ ;41%40"
HOSTILE: Final = replace(PROXY, login=LOGIN, password=PASSWORD)
"""Every character that some program reads as something else; for http, only without the colon of the login."""

HOSTILE_HTTP: Final = replace(HOSTILE, login=LOGIN.replace(":", ""))

CHARACTERS: Final = string.punctuation + " "

EXAMPLES: Final = (
    *(replace(PROXY, login=f"a{character}b", password=f"{character}c{character}") for character in CHARACTERS),
    HOSTILE,
    HOSTILE_HTTP,
    replace(PROXY, login="1e3", password="0123"),
    replace(PROXY, login="no", password="null"),
    replace(PROXY, login="über", password="pässword"),
    replace(PROXY, login="a" * 127, password="b" * 128),
    replace(PROXY, login="a" * 255, password="b" * 255),
    replace(PROXY, login="a" * 256, password="b"),
    replace(PROXY, login="a", password="😀" * 64),
    replace(PROXY, login="line\nbreak"),
    replace(PROXY, password="nul\0"),
    replace(PROXY, password="tab\t"),
    replace(PROXY, login=" lead", password="trail "),
    replace(PROXY, login="*", password='"'),
    replace(PROXY, login="NEGOTIATE", password="${HOME}"),
    replace(PROXY, login="PASS", password="%41%zz"),
    replace(PROXY, login="", password="half"),
    replace(PROXY, login="half", password=""),
    replace(PROXY, login="", password=""),
    IPV6,
    BY_ADDRESS,
)
"""Each character alone, the combination, and lengths, letters and words that mean something to somebody."""

TEXTS: Final = st.one_of(
    st.text(alphabet=st.sampled_from(CHARACTERS + "ab1é\n\x7f"), max_size=8),
    st.text(max_size=8),
    st.integers(min_value=60, max_value=300).map(lambda length: "x" * length),
)
"""Logins and passwords: short ones of what is dangerous, any text, and long ones."""

PROXIES: Final = st.builds(
    replace,
    st.just(PROXY),
    login=TEXTS,
    password=TEXTS,
    ip=st.one_of(
        st.ip_addresses(v=4).map(str),
        st.ip_addresses(v=6).map(str),
        st.sampled_from(("", "host", "1.2.3.4:80", "::1%lo")),
    ),
    port_http=st.one_of(st.none(), st.integers(min_value=-1, max_value=65537)),
    port_socks=st.one_of(st.none(), st.integers(min_value=1, max_value=65535)),
    auth_ip=st.one_of(st.none(), st.just("198.51.100.7")),
)
"""Any row that a vendor's answer could become."""

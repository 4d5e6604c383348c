"""Credentials that break what is written without care."""

from typing import Any

import pytest

from runner.sandbox.logins import HOSTILE, credentials
from runner.sandbox.options import Options


def test_plain_credentials_are_words_and_a_number() -> None:
    """As every order had them before there was a switch."""
    assert credentials(7, Options()) == ("login7", "password7")


def test_the_hostile_ones_have_every_character_that_breaks_something() -> None:
    """In the password all of them, in the login all but the colon, which Basic authentication cannot carry."""
    login, password = HOSTILE["hostile"]
    dangerous = set(":@/#%?&=+\"'\\$; ")
    assert dangerous <= set(password)
    assert set(login) & dangerous == dangerous - {":"}
    assert (login + password).isascii()
    assert (login + password).isprintable()


@pytest.mark.parametrize("kind", HOSTILE)
def test_no_two_addresses_share_credentials(kind: Any) -> None:
    """The number is a part of both."""
    pairs = [credentials(number, Options(credentials=kind)) for number in range(20)]
    assert len({login for login, _ in pairs}) == len({password for _, password in pairs}) == 20

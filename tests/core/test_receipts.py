"""A receipt is one line of plain text that says which order it is, and nothing that is not exactly one is taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.receipts import LONGEST, Receipt, account_digest, digests_of, is_same, parse

PRINT = "sha256:9e107d9d372b" + "0" * 52
CLAIM = "5d41402abc4b" + "0" * 52
KEY = "crawl/fr-prices"


def receipt(key: str = KEY, *, id_only: bool = False) -> Receipt:
    return Receipt.of("default", key, PRINT, CLAIM, id_only=id_only)


def test_a_receipt_is_one_line_that_reads_back() -> None:
    """Account, key, fingerprint and claim, in that order."""
    text = receipt().text
    assert text == f"order-runner receipt or1 {account_digest('default')} crawl/fr-prices 9e107d9d372b 5d41402abc4b"
    assert parse(text) == parse(f" {text}\n") == receipt()


@given(st.from_regex(r"[a-z0-9][a-z0-9._-]{0,62}/[a-z0-9][a-z0-9._-]{0,62}(#[2-9])?", fullmatch=True))
def test_every_key_fits(key: str) -> None:
    """At most 256 characters, plain ASCII without angle brackets, and it still means that order."""
    text = receipt(key).text
    assert len(text) <= LONGEST
    assert text.isascii()
    assert text.isprintable()
    assert not {"<", ">", "&"} & set(text)
    assert parse(text) == receipt(key)
    assert receipt(key).means(key, PRINT)


def test_a_long_key_is_cut_and_still_means_no_other() -> None:
    """What is left of it has to be its beginning."""
    key = "b" * 150 + "/" + "n" * 150
    short = receipt(key)
    assert (len(short.text), short.key[-1]) == (LONGEST, "~")
    assert short.means(key, PRINT)
    assert not short.means("c" + key[1:], PRINT)


def test_a_private_name_is_left_out() -> None:
    """Without its name a receipt means whatever has the same content."""
    private = receipt(id_only=True)
    assert "crawl" not in private.text
    assert private.means("any/other", PRINT)
    assert not private.means(KEY, "sha256:" + "1" * 64)


def test_the_account_is_told_by_its_name_alone() -> None:
    """The digest outlives a ledger, and names nobody."""
    assert len(account_digest("default")) == 8
    assert account_digest("default") != account_digest("Default")
    assert digests_of(("a", "b")) == {account_digest("a"), account_digest("b")}


@pytest.mark.parametrize(
    "comment",
    [
        "",
        "my own proxies",
        "order-runner receipt or1 ",
        receipt().text[:-1],
        receipt().text + "0",
        receipt().text.replace("or1", "or2"),
        receipt().text.upper(),
        receipt().text.replace("crawl/fr-prices", "crawl fr-prices"),
        f"mine: {receipt().text}",
    ],
)
def test_a_changed_receipt_is_none(comment: str) -> None:
    """Cut, changed, of another form, with something before it: nothing is made of it."""
    assert parse(comment) is None


def test_a_comment_that_the_vendor_stripped_is_still_the_same() -> None:
    """Only letters and digits left: it is not written again and again."""
    text = receipt().text
    assert is_same(text.replace("-", "").replace("/", ""), text)
    assert not is_same("", text)
    assert not is_same("mine", text)

"""A digest proves rows and shows none."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from runner.core.errors import UsageError
from runner.deliver.proofs import ITERATIONS, Prover, read_proof
from tests.views.proxies.samples import HOSTILE, MOBILE, PROXY, SECOND

PROVER = Prover(salt="00" * 32)


def test_the_order_of_rows_does_not_count() -> None:
    assert PROVER.digest([PROXY, SECOND]) == PROVER.digest([SECOND, PROXY])


@pytest.mark.parametrize(
    "changes",
    [{"ip": "203.0.113.6"}, {"port_http": 1}, {"port_socks": None}, {"login": "x"}, {"password": "x"}],
)
def test_everything_that_opens_a_proxy_counts(changes: dict[str, object]) -> None:
    assert PROVER.digest([PROXY]) != PROVER.digest([replace(PROXY, **changes)])  # type: ignore[arg-type]


def test_a_rotation_link_counts() -> None:
    assert PROVER.digest([MOBILE]) != PROVER.digest([replace(MOBILE, rotation_link=None)])


def test_no_two_reports_have_one_salt() -> None:
    assert Prover.fresh().salt != Prover.fresh().salt


def test_a_digest_can_be_checked_by_hand_as_the_page_says() -> None:
    row = [HOSTILE.ip, HOSTILE.port_http, HOSTILE.port_socks, HOSTILE.login, HOSTILE.password, None]
    text = "[" + json.dumps(row, separators=(",", ":")) + "]"
    key = hashlib.pbkdf2_hmac("sha256", text.encode(), bytes(32), ITERATIONS)
    assert PROVER.digest([HOSTILE]) == f"pbkdf2-hmac-sha256:{key.hex()}"


def test_half_a_letter_has_a_digest_too() -> None:
    assert PROVER.digest([replace(PROXY, login="\ud83d")])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"digest": {"algorithm": "pbkdf2-hmac-sha256", "iterations": "x", "salt": "00"}, "orders": []}',
        '{"digest": {"algorithm": "pbkdf2-hmac-sha256", "iterations": 1, "salt": "zz"}, "orders": []}',
        '{"digest": {"algorithm": "pbkdf2-hmac-sha256", "iterations": 1, "salt": "00"}, "orders": [{"key": "x"}]}',
    ],
)
def test_what_is_no_report_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "report.json"
    path.write_text(text)
    with pytest.raises(UsageError, match="is no report"):
        read_proof(path)


def test_a_report_of_a_later_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text('{"digest": {"algorithm": "argon2", "iterations": 1, "salt": "00"}, "orders": []}')
    with pytest.raises(UsageError, match="argon2, which this version does not know"):
        read_proof(path)


def test_a_digest_that_would_never_be_done_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    made = {"algorithm": "pbkdf2-hmac-sha256", "iterations": 10**12, "salt": "00"}
    path.write_text(json.dumps({"digest": made, "orders": []}))
    with pytest.raises(UsageError):
        read_proof(path)

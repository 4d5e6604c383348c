"""The resident package as traffic and a day, in every form that was seen, and never its key."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from runner.core.errors import AccessError, VendorUnavailable
from runner.core.vendor import ResidentPackage
from runner.vendors.v1.traffic import decode_traffic
from runner.vendors.wire import Response

DOCUMENTED: dict[str, Any] = {
    "traffic_limit": "7516192768",
    "traffic_usage": "10",
    "traffic_left": "7516192758",
    "expired_at": "12.02.2027",
    "is_active": True,
    "package_key": "1234567890abcdefedcb",
    "auto_renew": "Y",
}


def answer(data: Any, **envelope: Any) -> Response:
    content = {"status": "success", "data": data, "errors": []} | envelope
    return Response(status=200, headers={"content-type": "application/json"}, body=json.dumps(content).encode())


def test_the_documented_form() -> None:
    """Texts of digits, a plain day; the key is kept nowhere."""
    package = decode_traffic(answer(DOCUMENTED))
    assert package == ResidentPackage(
        limit=7516192768, usage=10, rest=7516192758, ends=date(2027, 2, 12), active=True, auto_renewed=True
    )
    assert DOCUMENTED["package_key"] not in repr(package)


def test_the_form_of_2025() -> None:
    """Integers, a date object, and no word of renewals."""
    data = {"traffic_limit": 5, "traffic_usage": 0, "traffic_left": 5, "expired_at": {"date": "2025-02-12 23:59:59.0"}}
    assert decode_traffic(answer(data)) == ResidentPackage(limit=5, usage=0, rest=5, ends=date(2025, 2, 12))


@pytest.mark.parametrize("left", [None, "much", True, 1.5, "9" * 30])
def test_what_is_no_number_is_not_told(left: object) -> None:
    """A field that nobody can read is none, and no failure."""
    package = decode_traffic(answer({**DOCUMENTED, "traffic_left": left}))
    assert package is not None
    assert (package.rest, package.limit) == (None, 7516192768)


def test_more_may_be_used_than_there_was() -> None:
    """What was overdrawn is less than nothing."""
    package = decode_traffic(answer({**DOCUMENTED, "traffic_left": "-7"}))
    assert package is not None
    assert package.rest == -7


def test_no_package() -> None:
    """The vendor's words for none are none; other refusals are raised."""
    none = [{"message": "Tarif not found", "code": 0, "customData": None}]
    assert decode_traffic(answer(None, status="error", errors=none)) is None
    with pytest.raises(AccessError):
        decode_traffic(answer(None, status="error", errors=[{"message": "Error api key", "code": 503}]))
    with pytest.raises(VendorUnavailable):
        decode_traffic(answer({}))

"""`resident/package` as what is left of it (docs/vendor/api-v1.md#resident-package). Its key is never read."""

from __future__ import annotations

from runner.core.vendor import ResidentPackage
from runner.vendors.v1.listed import is_yes
from runner.vendors.v1.lists import day_of
from runner.vendors.v1.reads import package_data
from runner.vendors.wire import Response


def decode_traffic(response: Response) -> ResidentPackage | None:
    """The package, None where the account has none; VendorUnavailable where the answer is no package."""
    data = package_data(response)
    if data is None:
        return None
    active = data.get("is_active")
    return ResidentPackage(
        limit=_bytes(data.get("traffic_limit")),
        usage=_bytes(data.get("traffic_usage")),
        rest=_bytes(data.get("traffic_left")),
        ends=day_of(data.get("expired_at")),
        active=None if active is None else is_yes(active),
        auto_renewed=is_yes(data.get("auto_renew")),
    )


def _bytes(value: object) -> int | None:
    """A number, or a text of digits; a package that was overdrawn has less than nothing left."""
    if isinstance(value, bool):
        return None
    text = str(value)
    return int(text) if text.removeprefix("-").isdecimal() and len(text) <= 20 else None

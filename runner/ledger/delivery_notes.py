"""What was seen of deliveries, in SQL: one row an order of the vendor's, written anew where it changed.

It is no part of the account's history, follows from no event, and is in no export: whoever loses it compares from the
next look on. For any SQL engine, like `sql.py`: each call belongs inside a transaction that its caller opens.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from runner.core.orders import OrderKey
from runner.core.sightings import Sighting
from runner.ledger import statements
from runner.ledger.codec import json_text, moment_text, storable
from runner.ledger.connection import Call, Row
from runner.ledger.sql import AccountRows


def note_deliveries(rows: AccountRows, sightings: Iterable[Sighting]) -> None:
    """Keep each in the place of what was kept of its order."""
    noted = {storable(sighting.order_id): _values(sighting) for sighting in sightings}
    kept = deliveries(rows, noted)
    rows.connection.change_last(*(_change(rows.account, id_, noted[id_], is_kept=id_ in kept) for id_ in noted))


def _change(account: str, order_id: str, values: Mapping[str, Any], *, is_kept: bool) -> Call:
    if is_kept:
        return statements.UPDATE_DELIVERY, {**values, "b_account": account, "b_order_id": order_id}
    return statements.INSERT_DELIVERY, {**values, "account": account, "order_id": order_id}


def deliveries(rows: AccountRows, order_ids: Iterable[str]) -> dict[str, Sighting]:
    """What was last kept of these orders, by the vendor's id."""
    return {row["order_id"]: _sighting(row) for row in rows.of_each(statements.DELIVERIES, "b_ids", order_ids)}


def claim_times(rows: AccountRows, keys: Iterable[OrderKey]) -> dict[OrderKey, datetime]:
    """When these orders were claimed, or adopted, last; those that never were are left out."""
    claimed = rows.of_each(statements.CLAIM_TIMES, "b_keys", map(str, keys))
    return {OrderKey.parse(row["key"]): datetime.fromisoformat(row["claimed_at"]) for row in claimed}


def _values(sighting: Sighting) -> dict[str, Any]:
    return {
        "at": moment_text(sighting.at),
        "rows": sighting.rows,
        "salt": sighting.salt,
        "digests": json_text(list(sighting.digests)),
        "first_end": sighting.first_end and sighting.first_end.isoformat(),
        "last_end": sighting.last_end and sighting.last_end.isoformat(),
        "changed_at": sighting.changed_at and moment_text(sighting.changed_at),
        "losses": sighting.losses,
        "additions": sighting.additions,
        "moved_at": sighting.moved_at and moment_text(sighting.moved_at),
    }


def _sighting(row: Row) -> Sighting:
    return Sighting(
        order_id=row["order_id"],
        at=datetime.fromisoformat(row["at"]),
        rows=row["rows"],
        salt=row["salt"],
        digests=tuple(json.loads(row["digests"])),
        first_end=_day(row["first_end"]),
        last_end=_day(row["last_end"]),
        changed_at=_moment(row["changed_at"]),
        losses=row["losses"],
        additions=row["additions"],
        moved_at=_moment(row["moved_at"]),
    )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)

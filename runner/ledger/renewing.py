"""The terms that orders were renewed for, in SQL, under every name that an order ever had.

For any SQL engine, like `sql.py`: each call belongs inside a transaction that its caller opens.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping

from runner.core.orders import OrderKey
from runner.core.records import Record
from runner.ledger import statements
from runner.ledger.sql import AccountRows


def renewals(rows: AccountRows, keys: Iterable[OrderKey]) -> Mapping[OrderKey, tuple[Record, ...]]:
    """Every renewal of these orders that is known, in any state, the earliest term first; orders without any are left
    out. Those made before an order was renamed are among them."""
    names = _every_name(rows, keys)
    terms: defaultdict[OrderKey, list[Record]] = defaultdict(list)
    for record in rows.find(statements.TERMS, "b_keys", sorted(map(str, names))):
        # An engine may sort by rules of a language, and then has a few others between the bounds.
        if record.key.term and record.key.purchase in names:
            terms[names[record.key.purchase]].append(record)
    return {key: tuple(sorted(records, key=lambda record: record.key.term)) for key, records in terms.items()}


def _every_name(rows: AccountRows, keys: Iterable[OrderKey]) -> dict[OrderKey, OrderKey]:
    """The keys that these orders have and had, each with the one that was asked about."""
    names = {key: key for key in keys}
    step = names
    while step:
        taken = rows.of_each(statements.TAKEN_OVER, "b_keys", sorted(map(str, step)))
        step = {
            OrderKey.parse(json.loads(row["detail"])["renamed_from"]): step[OrderKey.parse(row["key"])] for row in taken
        }
        names = step | names
    return names

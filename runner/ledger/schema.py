"""The tables of a ledger, and what they refuse by themselves.

Every value is text or a whole number, written and read by `codec.py`, so that no engine's idea of times and amounts
touches it. The migrations build the same tables step by step; a test keeps the two equal.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, Integer, MetaData, Table, Text, text

from runner.core.orders import PRODUCT_TYPES
from runner.core.states import CLAIMABLE, MOVES, OPEN, Event, State


def _one_of(column: str, words: Iterable[str]) -> str:
    return f"{column} IN ({', '.join(repr(str(word)) for word in words)})"


def _keys(*names: str) -> list[Column[str]]:
    return [Column(name, Text, primary_key=True) for name in names]


def _texts(*names: str, nullable: bool = False) -> list[Column[str]]:
    return [Column(name, Text, nullable=nullable) for name in names]


IS_OPEN: Final = _one_of("state", [state for state in State if state in OPEN])
"""As text, because a partial index serves only queries that repeat its condition literally."""

IS_CLAIMABLE: Final = _one_of("state", [state for state in State if state in CLAIMABLE])

LEGAL_MOVE: Final = "after IS NULL OR " + _one_of(
    "before || ' ' || event || ' ' || after", [f"{move.before} {move.event} {move.after}" for move in MOVES]
)

metadata: Final = MetaData()

orders: Final = Table(
    "orders",
    metadata,
    *_keys("account", "key"),
    *_texts("type", "fields", "fingerprint", "state"),
    Column("attempt", Integer, nullable=False),
    *_texts("updated_at"),
    *_texts("claimed_at", "run_id", "quote_total", "order_id", nullable=True),
    *_texts("base_order_numbers"),
    *_texts("total", "balance", "reason", nullable=True),
    # An order id the vendor gave for this order which could not become its own; no claim until a person resolves it.
    *_texts("stray_order_id", nullable=True),
    CheckConstraint(_one_of("type", PRODUCT_TYPES), name="orders_type"),
    CheckConstraint(_one_of("state", State), name="orders_state"),
    CheckConstraint("(state = 'placed') = (order_id IS NOT NULL)", name="orders_placed_has_order_id"),
    CheckConstraint("attempt > 0 OR (attempt = 0 AND state = 'planned')", name="orders_attempt"),
    sqlite_with_rowid=False,
)
Index(
    "orders_order_id",
    orders.c.account,
    orders.c.order_id,
    unique=True,
    sqlite_where=text("order_id IS NOT NULL"),
    postgresql_where=text("order_id IS NOT NULL"),
)
Index("orders_open", orders.c.account, orders.c.claimed_at, sqlite_where=text(IS_OPEN), postgresql_where=text(IS_OPEN))

PRICE: Final = "CAST(COALESCE(total, quote_total) AS NUMERIC)"
IS_PLACED: Final = "state = 'placed'"
Index("orders_newest", orders.c.account, orders.c.updated_at, orders.c.key)
Index(
    "orders_stray",
    orders.c.account,
    orders.c.stray_order_id,
    sqlite_where=text("stray_order_id IS NOT NULL"),
    postgresql_where=text("stray_order_id IS NOT NULL"),
)
# What limits look for before they let an order of the same content be bought.
Index("orders_alike", orders.c.fingerprint)
Index("orders_price", orders.c.account, text(PRICE), sqlite_where=text(IS_PLACED), postgresql_where=text(IS_PLACED))

order_events: Final = Table(
    "order_events",
    metadata,
    Column("seq", Integer, primary_key=True),
    *_texts("account", "key"),
    Column("attempt", Integer, nullable=False),
    *_texts("event", "before"),
    # NULL: a fact that came when the order could no longer be moved by it.
    *_texts("after", nullable=True),
    *_texts("at"),
    *_texts("run_id", "reason", nullable=True),
    *_texts("detail"),
    # The account's chain: see `chain.py`.
    *_texts("prev_hash", "hash"),
    ForeignKeyConstraint(["account", "key"], ["orders.account", "orders.key"], name="order_events_order"),
    CheckConstraint(_one_of("event", Event), name="order_events_event"),
    CheckConstraint(_one_of("before", State), name="order_events_before"),
    CheckConstraint(LEGAL_MOVE, name="order_events_legal_move"),
    CheckConstraint("attempt > 0", name="order_events_attempt"),
)
Index("order_events_order", order_events.c.account, order_events.c.key)
Index("order_events_history", order_events.c.account, order_events.c.seq)

witnesses: Final = Table(
    "witnesses",
    metadata,
    *_keys("account", "digest"),
    *_texts("type", "order_ids", "at"),
    *_texts("package", nullable=True),
    CheckConstraint(_one_of("type", PRODUCT_TYPES), name="witnesses_type"),
)

runs: Final = Table(
    "runs",
    metadata,
    *_keys("id"),
    *_texts("account", "mode", "started_at", "host"),
    Column("pid", Integer, nullable=False),
    *_texts("ci_job", "finished_at", nullable=True),
    Column("exit_code", Integer),
)

holds: Final = Table(
    "holds",
    metadata,
    *_keys("account"),
    # Counts the holds of an account: who was overtaken cannot claim.
    Column("fence", Integer, nullable=False),
    *_texts("holder"),
)

strangers: Final = Table(
    "strangers",
    metadata,
    # The vendor's orders that somebody said are not this ledger's.
    *_keys("account", "order_id"),
    *_texts("who", "source", "reason", "at"),
    sqlite_with_rowid=False,
)

wants: Final = Table(
    "wants",
    metadata,
    # What a run did not buy because it may be at the vendor already: what its key stands for, until it is claimed.
    *_keys("account", "key"),
    *_texts("type", "fields", "fingerprint"),
    *_texts("quote_total", nullable=True),
    *_texts("at"),
    CheckConstraint(_one_of("type", PRODUCT_TYPES), name="wants_type"),
    sqlite_with_rowid=False,
)

deliveries: Final = Table(
    "deliveries",
    metadata,
    # What was seen last of an order's addresses, of which none can be read: see `core/sightings.py`.
    *_keys("account", "order_id"),
    *_texts("at"),
    Column("rows", Integer, nullable=False),
    *_texts("salt", "digests"),
    *_texts("first_end", "last_end", "changed_at", nullable=True),
    Column("losses", Integer, nullable=False),
    Column("additions", Integer, nullable=False),
    *_texts("moved_at", nullable=True),
    sqlite_with_rowid=False,
)

days: Final = Table(
    "days",
    metadata,
    # What the orders claimed on a day of UTC come to: how many are in each state, and what they may have cost. It
    # follows from `orders`, and is kept by whatever moves one; see `days.py`. No day: orders that were never claimed.
    *_keys("account", "day"),
    *_texts("orders", "spent"),
    sqlite_with_rowid=False,
)

chains: Final = Table(
    "chains",
    metadata,
    *_keys("account"),
    # The head of the account's chain, moved by whatever enters an event.
    Column("events", Integer, nullable=False),
    *_texts("hash"),
    sqlite_with_rowid=False,
)

account_keys: Final = Table(
    "account_keys",
    metadata,
    # Counts the entries of the whole ledger, so that who enters one has seen every other.
    Column("n", Integer, primary_key=True, autoincrement=False),
    *_texts("account"),
    # All NULL: the name was entered on purpose, its key is not known yet.
    *_texts("salt", "digest", "address", nullable=True),
    *_texts("at", "who"),
    CheckConstraint(
        "(digest IS NULL) = (salt IS NULL) AND (digest IS NULL) = (address IS NULL)", name="account_keys_whole"
    ),
    CheckConstraint("n > 0", name="account_keys_n"),
)

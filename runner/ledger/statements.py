"""The statements of a ledger, built once so that SQLAlchemy compiles each once.

Conditions take parameters that begin with `b_`; every other parameter is a column to set. No engine is named: there is
nothing here but what SQLite and PostgreSQL both understand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Insert,
    Integer,
    Select,
    Text,
    TextClause,
    Update,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    select,
    text,
)

from runner.ledger.schema import (
    IS_CLAIMABLE,
    IS_OPEN,
    IS_PLACED,
    account_keys,
    chains,
    days,
    holds,
    order_events,
    orders,
    runs,
    strangers,
    wants,
    witnesses,
)


class Prepared:
    """A statement compiled once an engine and run on the driver's cursor: a fifth of the cost of executing it anew.

    It runs inside the transaction that is open on the connection, and raises the driver's own errors.
    """

    def __init__(self, statement: Select[Any] | Insert | Update | TextClause, *columns: str) -> None:
        """`columns` are those that an INSERT or UPDATE sets."""
        self._statement = statement
        self._columns = list(columns) or None
        self._compiled: dict[str, tuple[str, list[str] | None]] = {}

    @property
    def text(self) -> str:
        """The statement as no engine in particular would have it."""
        return str(self._statement)

    def one(self, connection: Connection, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """The first row, by the names of its columns."""
        return _row(self.run(connection, values))

    def change(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """How many rows were changed."""
        cursor = self.run(connection, values)
        changed: int = cursor.rowcount
        cursor.close()
        return changed

    def run(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """The driver's cursor after the statement."""
        sql, names = self._compiled.get(connection.dialect.name) or self._compile(connection)
        cursor = connection.connection.cursor()
        cursor.execute(sql, values if names is None else [values[name] for name in names])
        return cursor

    def _compile(self, connection: Connection) -> tuple[str, list[str] | None]:
        compiled: Any = self._statement.compile(dialect=connection.dialect, column_keys=self._columns)
        self._compiled[connection.dialect.name] = str(compiled), compiled.positiontup
        return self._compiled[connection.dialect.name]


Call = tuple[Prepared, Mapping[str, Any]]


def read_together(connection: Connection, *calls: Call) -> list[dict[str, Any] | None]:
    """The first row of each of these reads, made in this order, in one journey where the driver can."""
    return [_row(cursor) for cursor in _run_together(connection, calls)]


def change_together(connection: Connection, *calls: Call) -> None:
    """Make these changes in this order, in one journey where the driver can."""
    for cursor in _run_together(connection, calls):
        cursor.close()


def _run_together(connection: Connection, calls: Iterable[Call]) -> list[Any]:
    pipeline = getattr(connection.connection.driver_connection, "pipeline", nullcontext)
    with pipeline():
        return [statement.run(connection, values) for statement, values in calls]


def _row(cursor: Any) -> dict[str, Any] | None:
    row = cursor.fetchone()
    values = None if row is None else dict(zip([column[0] for column in cursor.description], row, strict=True))
    cursor.close()
    return values


def of_account(table: FromClause, *columns: str) -> ColumnElement[bool]:
    """The account's rows in which each of these columns is what the parameter `b_` and its name says."""
    return and_(*(table.c[name] == bindparam(f"b_{name}") for name in ("account", *columns)))


def one_of(column: ColumnElement[str], name: str) -> ColumnElement[bool]:
    """The rows in which a column is in the list of the parameter `name`."""
    return column.in_(bindparam(name, expanding=True))


_OTHER: Final = orders.alias()
_OWNER: Final = select(_OTHER.c.key).where(of_account(_OTHER, "order_id"), _OTHER.c.key != bindparam("b_key"))
_OF_ORDER: Final = of_account(orders, "key")

ROWS: Final = select(orders).where(of_account(orders), one_of(orders.c.key, "b_keys"))
PAGE: Final = (
    select(orders)
    .where(of_account(orders), orders.c.key > bindparam("b_after"))
    .order_by(orders.c.key)
    .limit(bindparam("b_size", type_=Integer))
)
OPEN_ROWS: Final = select(orders).where(of_account(orders), text(IS_OPEN)).order_by(orders.c.claimed_at, orders.c.key)
NEWEST: Final = (
    select(orders)
    .where(of_account(orders), text(f"NOT ({IS_OPEN})"))
    .order_by(orders.c.updated_at.desc(), orders.c.key.desc())
    .limit(bindparam("b_size", type_=Integer))
)
STRAY_ROWS: Final = (
    select(orders)
    .where(of_account(orders), orders.c.stray_order_id.is_not(None), text(IS_CLAIMABLE))
    .order_by(orders.c.stray_order_id)
)
"""The orders that nothing buys because the vendor also answered them with an order id that could not become theirs."""

ROW: Final = Prepared(select(orders).where(_OF_ORDER))
ROW_AND_OWNER: Final = Prepared(select(orders, _OWNER.scalar_subquery().label("owner")).where(_OF_ORDER))
"""`owner`: the key of another order that has the vendor's order id already."""
INSERT_ORDER: Final = Prepared(
    orders.insert(),
    *("account", "key", "type", "fields", "fingerprint", "state", "attempt", "updated_at", "base_order_numbers"),
)
_IS_HELD: Final = exists().where(of_account(holds, "fence"))
_CLAIMED: Final = (
    *("type", "fields", "fingerprint", "state", "attempt", "updated_at", "claimed_at", "run_id", "quote_total"),
    "reason",
)
_NEW: Final = [orders.c[name] for name in ("account", "key", "base_order_numbers", *_CLAIMED)]
CLAIM: Final = Prepared(
    orders.update().where(
        of_account(orders, "key", "attempt"), text(IS_CLAIMABLE), orders.c.stray_order_id.is_(None), _IS_HELD
    ),
    *_CLAIMED,
)
"""The one conditional move that makes an attempt."""
CLAIM_NEW: Final = Prepared(
    orders.insert().from_select(
        [column.name for column in _NEW],
        select(*(bindparam(column.name, type_=column.type) for column in _NEW)).where(_IS_HELD),
    )
)
"""The same for an order that has no row yet; its key is free, or the statement fails."""
MOVE: Final = Prepared(
    orders.update().where(_OF_ORDER),
    *("state", "updated_at", "reason", "order_id", "base_order_numbers", "total", "balance", "stray_order_id"),
)
ADOPT: Final = Prepared(
    orders.update().where(of_account(orders, "key", "attempt"), text(IS_CLAIMABLE), _IS_HELD),
    *("type", "fields", "fingerprint", "state", "attempt", "updated_at", "claimed_at", "quote_total", "reason"),
    *("order_id", "base_order_numbers", "total", "balance", "stray_order_id"),
)
"""The one move to `placed` without a claim."""
_TAKEN_OVER: Final = (
    *("type", "fields", "fingerprint", "state", "attempt", "updated_at", "claimed_at", "run_id", "quote_total"),
    *("reason", "order_id", "base_order_numbers", "total", "balance", "stray_order_id"),
)
TAKE_OVER: Final = Prepared(
    orders.update().where(
        of_account(orders, "key", "attempt"), text(IS_CLAIMABLE), orders.c.stray_order_id.is_(None), _IS_HELD
    ),
    *_TAKEN_OVER,
)
"""The move of a key that takes over a purchase from another one."""
GIVE_UP: Final = Prepared(
    orders.update().where(of_account(orders, "key", "attempt"), text(IS_PLACED), _IS_HELD),
    *("state", "updated_at", "reason", "quote_total", "order_id", "base_order_numbers", "total", "balance"),
    "stray_order_id",
)
"""The move of the key that had it."""

STRANGERS: Final = select(strangers).where(of_account(strangers)).order_by(strangers.c.order_id)
STRANGER: Final = Prepared(select(strangers.c.order_id).where(of_account(strangers, "order_id")))
INSERT_STRANGER: Final = Prepared(strangers.insert())
WANTS: Final = select(wants).where(of_account(wants), one_of(wants.c.key, "b_keys"))
UPDATE_WANT: Final = Prepared(
    wants.update().where(of_account(wants, "key")), "type", "fields", "fingerprint", "quote_total", "at"
)
INSERT_WANT: Final = Prepared(wants.insert())

_DAY: Final = literal_column("substr(COALESCE(claimed_at, ''), 1, 10)", Text)
DAYS: Final = select(days).where(of_account(days), days.c.day >= bindparam("b_day")).order_by(days.c.day)
DAY: Final = Prepared(select(days).where(of_account(days, "day")))
DAY_OF_ORDER: Final = Prepared(
    select(days).where(
        of_account(days), days.c.day == select(_DAY).select_from(orders).where(_OF_ORDER).scalar_subquery()
    )
)
"""What is kept of the day that an order was claimed on."""
INSERT_DAY: Final = Prepared(days.insert())
UPDATE_DAY: Final = Prepared(days.update().where(of_account(days, "day")), "orders", "spent")
COSTS: Final = (
    select(
        _DAY.label("day"),
        orders.c.state,
        func.coalesce(orders.c.total, orders.c.quote_total).label("cost"),
        orders.c.stray_order_id.is_not(None).label("stray"),
        func.count().label("orders"),
    )
    .where(of_account(orders))
    .group_by(text("1"), text("2"), text("3"), text("4"))
    .order_by(text("1"))
)
"""What `DAYS` follow from. Grouped by the amount's text: no engine's arithmetic touches money."""

WITNESS: Final = Prepared(select(witnesses.c.type).where(of_account(witnesses, "digest")))
INSERT_WITNESS: Final = Prepared(witnesses.insert())

INSERT_EVENT: Final = Prepared(
    order_events.insert(), *(column.name for column in order_events.c if not column.primary_key)
)
SAME_EVENT: Final = Prepared(select(order_events.c.seq).where(of_account(order_events, "key", "attempt", "detail")))

HOLD: Final = Prepared(select(holds.c.fence).where(of_account(holds)))
INSERT_HOLD: Final = Prepared(holds.insert())
UPDATE_HOLD: Final = Prepared(holds.update().where(of_account(holds)).values(fence=text("fence + 1")), "holder")

ACCOUNT_KEYS: Final = select(account_keys).order_by(account_keys.c.n)
CHAINED: Final = select(chains.c.account).where(chains.c.events > 0)
"""The accounts that have events."""
_ENTRY: Final = [column.name for column in account_keys.c]
ENTER_KEY: Final = Prepared(
    text(
        f"INSERT INTO account_keys ({', '.join(_ENTRY)}) VALUES ({', '.join(f':{name}' for name in _ENTRY)}) "  # noqa: S608 - names of our own columns
        "ON CONFLICT DO NOTHING"
    )
)
"""Of two that enter the same number at once, one changes nothing: it has not seen what the other entered."""
ACCOUNTS: Final = select(holds.c.account).order_by(holds.c.account)

INSERT_RUN: Final = Prepared(runs.insert(), "id", "account", "mode", "started_at", "host", "pid", "ci_job")
FINISH_RUN: Final = Prepared(runs.update().where(of_account(runs, "id")), "finished_at", "exit_code")

_HEAD: Final = select(chains.c.events, chains.c.hash).where(of_account(chains))
CHAIN: Final = Prepared(_HEAD.with_for_update())
"""The head, and on engines that lock rows its lock: whoever enters an event reads it first, so that no chain forks."""
INSERT_CHAIN: Final = Prepared(chains.insert())
MOVE_CHAIN: Final = Prepared(chains.update().where(of_account(chains)), "events", "hash")

HEAD: Final = Prepared(_HEAD)
EVENT_BEFORE_THE_END: Final = Prepared(
    select(order_events.c.seq, order_events.c.hash)
    .where(of_account(order_events))
    .order_by(order_events.c.seq.desc())
    .limit(literal_column("1", Integer))
    .offset(bindparam("b_beyond", type_=Integer))
)
"""The event that has `b_beyond` events of the account after it."""
HISTORY: Final = (
    select(order_events)
    .where(of_account(order_events), order_events.c.seq > bindparam("b_after"))
    .order_by(order_events.c.seq)
    .limit(bindparam("b_size", type_=Integer))
)
"""A page of it: read by its index, sorted by nothing."""
EVENTS_OF: Final = (
    select(order_events)
    .where(of_account(order_events), one_of(order_events.c.key, "b_keys"))
    .order_by(order_events.c.key, order_events.c.seq)  # by key first: else SQLite reads the account's whole history
)
ORPHAN: Final = Prepared(
    select(order_events.c.seq, order_events.c.key)
    .where(
        of_account(order_events),
        ~exists().where(orders.c.account == order_events.c.account, orders.c.key == order_events.c.key),
    )
    .order_by(order_events.c.seq)
)
"""Events whose order is gone."""
KEPT_WITNESS: Final = Prepared(select(witnesses).where(of_account(witnesses, "digest")))
RESTORE_ORDER: Final = Prepared(orders.insert())
REDO_ORDER: Final = Prepared(
    orders.update().where(_OF_ORDER), *(column.name for column in orders.c if not column.primary_key)
)

"""The statements of a ledger, as SQLAlchemy builds them from its tables: the source of `statements.py`.

    python -m runner.ledger.definitions

writes that module, which is all that a run imports. Every public name here that is a statement is one there, compiled
for each engine. Conditions take parameters that begin with `b_`; every other parameter is a column to set.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Dialect,
    FromClause,
    Insert,
    Integer,
    Select,
    Table,
    Text,
    TextClause,
    Update,
    and_,
    bindparam,
    case,
    cast,
    column,
    exists,
    func,
    literal_column,
    or_,
    select,
    text,
    true,
)
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from runner.core.states import Event, State
from runner.ledger import migrations
from runner.ledger.schema import (
    IS_CLAIMABLE,
    IS_OPEN,
    IS_PLACED,
    PRICE,
    account_keys,
    chains,
    days,
    deliveries,
    holds,
    order_events,
    orders,
    runs,
    strangers,
    wants,
    witnesses,
)


@dataclass(frozen=True, slots=True)
class Definition:
    """A statement; `columns` are those that an INSERT or UPDATE sets."""

    statement: Select[Any] | Insert | Update | TextClause
    columns: tuple[str, ...] = ()

    def on(self, dialect: Dialect) -> str:
        """Its text for an engine."""
        compiled = self.statement.compile(dialect=dialect, column_keys=list(self.columns) or None)
        if any(re.search(r"_\d+$", name) for name in compiled.params):  # how SQLAlchemy names a value of its own
            raise ValueError(f"nobody would give it the values that are not named here: {compiled}")
        return " ".join(str(compiled).split())


def _define(statement: Select[Any] | Insert | Update | TextClause, *columns: str) -> Definition:
    return Definition(statement, columns)


def _enter_once(table: Table) -> Definition:
    """An INSERT that changes nothing where its key is there."""
    names = [column.name for column in table.c]
    values = ", ".join(f":{name}" for name in names)
    return _define(text(f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({values}) ON CONFLICT DO NOTHING"))  # noqa: S608 - names of our own


class _TextsIn(FunctionElement[str]):
    """The texts in a list that is stored as JSON, a row each, in the column `value`."""

    inherit_cache = True


@compiles(_TextsIn, "sqlite")
def _on_sqlite(texts: _TextsIn, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_each({compiler.process(texts.clauses, **options)})"


@compiles(_TextsIn, "postgresql")
def _on_postgres(texts: _TextsIn, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_array_elements_text(CAST({compiler.process(texts.clauses, **options)} AS JSON))"


class _AccountAfter(FunctionElement[str]):
    """An account, for SQLite as if it hung on another value, so that it begins with that one."""

    inherit_cache = True


@compiles(_AccountAfter, "sqlite")
def _after_on_sqlite(element: _AccountAfter, compiler: SQLCompiler, **options: Any) -> str:
    account, other = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{account} || substr({other}, 1, 0)"


@compiles(_AccountAfter, "postgresql")
def _after_on_postgres(element: _AccountAfter, compiler: SQLCompiler, **options: Any) -> str:
    account, _ = element.clauses
    return compiler.process(account, **options)


def of_account(table: FromClause, *columns: str) -> ColumnElement[bool]:
    """The account's rows in which each of these columns is what the parameter `b_` and its name says."""
    return and_(*(table.c[name] == bindparam(f"b_{name}") for name in ("account", *columns)))


def one_of(column: ColumnElement[str], name: str) -> ColumnElement[bool]:
    """The rows in which a column is in the list that the parameter `name` holds as JSON."""
    return column.in_(select(_TextsIn(bindparam(name, type_=Text)).table_valued("value").c.value))


_OTHER: Final = orders.alias()
_OWNER: Final = select(_OTHER.c.key).where(of_account(_OTHER, "order_id"), _OTHER.c.key != bindparam("b_key"))
_OF_ORDER: Final = of_account(orders, "key")

ROWS: Final = _define(select(orders).where(of_account(orders), one_of(orders.c.key, "b_keys")))
PAGE: Final = _define(
    select(orders)
    .where(of_account(orders), orders.c.key > bindparam("b_after"))
    .order_by(orders.c.key)
    .limit(bindparam("b_size", type_=Integer))
    .offset(literal_column("0"))
)
OPEN_ROWS: Final = _define(
    select(orders).where(of_account(orders), text(IS_OPEN)).order_by(orders.c.claimed_at, orders.c.key)
)

NEWEST: Final = _define(
    select(orders)
    .where(of_account(orders), text(f"NOT ({IS_OPEN})"))
    .order_by(orders.c.updated_at.desc(), orders.c.key.desc())
    .limit(bindparam("b_size", type_=Integer))
    .offset(literal_column("0"))
)
STRAY_ROWS: Final = _define(
    select(orders)
    .where(of_account(orders), orders.c.stray_order_id.is_not(None), text(IS_CLAIMABLE))
    .order_by(orders.c.stray_order_id)
)
"""The orders that nothing buys because the vendor also answered them with an order id that could not become theirs."""

ROW: Final = _define(select(orders).where(_OF_ORDER))
ROW_AND_OWNER: Final = _define(select(orders, _OWNER.scalar_subquery().label("owner")).where(_OF_ORDER))
"""`owner`: the key of another order that has the vendor's order id already."""
INSERT_ORDER: Final = _define(
    orders.insert(),
    *("account", "key", "type", "fields", "fingerprint", "state", "attempt", "updated_at", "base_order_numbers"),
)
_IS_HELD: Final = exists().where(of_account(holds, "fence"))
_CLAIMED: Final = (
    *("type", "fields", "fingerprint", "state", "attempt", "updated_at", "claimed_at", "run_id", "quote_total"),
    "reason",
)
_NEW: Final = [orders.c[name] for name in ("account", "key", "base_order_numbers", *_CLAIMED)]
CLAIM: Final = _define(
    orders.update().where(
        of_account(orders, "key", "attempt"), text(IS_CLAIMABLE), orders.c.stray_order_id.is_(None), _IS_HELD
    ),
    *_CLAIMED,
)
"""The one conditional move that makes an attempt."""
IS_CLAIMED: Final = _define(
    select(
        cast(
            case(
                (
                    exists().where(of_account(orders, "key", "attempt", "state", "run_id")),
                    literal_column("'1'"),
                ),
                else_=literal_column("'the claim found its order changed'"),
            ),
            Integer,
        )
    )
)
"""Fails, on engines that are strict about numbers, where a claim did not hit."""
CLAIM_NEW: Final = _define(
    orders.insert().from_select(
        [column.name for column in _NEW],
        select(*(bindparam(column.name, type_=column.type) for column in _NEW)).where(_IS_HELD),
    )
)
"""The same for an order that has no row yet; its key is free, or the statement fails."""
MOVE: Final = _define(
    orders.update().where(_OF_ORDER),
    *("state", "updated_at", "reason", "order_id", "base_order_numbers", "total", "balance", "stray_order_id"),
)
ADOPT: Final = _define(
    orders.update().where(of_account(orders, "key", "attempt"), text(IS_CLAIMABLE), _IS_HELD),
    *("type", "fields", "fingerprint", "state", "attempt", "updated_at", "claimed_at", "quote_total", "reason"),
    *("order_id", "base_order_numbers", "total", "balance", "stray_order_id"),
)
"""The one move to `placed` without a claim."""
_TAKEN_OVER: Final = (
    *("type", "fields", "fingerprint", "state", "attempt", "updated_at", "claimed_at", "run_id", "quote_total"),
    *("reason", "order_id", "base_order_numbers", "total", "balance", "stray_order_id"),
)
TAKE_OVER: Final = _define(
    orders.update().where(
        of_account(orders, "key", "attempt"), text(IS_CLAIMABLE), orders.c.stray_order_id.is_(None), _IS_HELD
    ),
    *_TAKEN_OVER,
)
"""The move of a key that takes over a purchase from another one."""
GIVE_UP: Final = _define(
    orders.update().where(of_account(orders, "key", "attempt"), text(IS_PLACED), _IS_HELD),
    *("state", "updated_at", "reason", "quote_total", "order_id", "base_order_numbers", "total", "balance"),
    "stray_order_id",
)
"""The move of the key that had it."""

STRANGERS: Final = _define(select(strangers).where(of_account(strangers)).order_by(strangers.c.order_id))
STRANGER: Final = _define(select(strangers.c.order_id).where(of_account(strangers, "order_id")))
INSERT_STRANGER: Final = _define(strangers.insert())
WANTS: Final = _define(select(wants).where(of_account(wants), one_of(wants.c.key, "b_keys")))
UPDATE_WANT: Final = _define(
    wants.update().where(of_account(wants, "key")), "type", "fields", "fingerprint", "quote_total", "at"
)
INSERT_WANT: Final = _define(wants.insert())

DELIVERIES: Final = _define(select(deliveries).where(of_account(deliveries), one_of(deliveries.c.order_id, "b_ids")))
UPDATE_DELIVERY: Final = _define(
    deliveries.update().where(of_account(deliveries, "order_id")),
    *(column.name for column in deliveries.c if not column.primary_key),
)
INSERT_DELIVERY: Final = _define(deliveries.insert())
CLAIM_TIMES: Final = _define(
    select(orders.c.key, orders.c.claimed_at).where(
        of_account(orders), one_of(orders.c.key, "b_keys"), orders.c.claimed_at.is_not(None)
    )
)

_DAY: Final = literal_column("substr(COALESCE(claimed_at, ''), 1, 10)", Text)
DAYS: Final = _define(select(days).where(of_account(days), days.c.day >= bindparam("b_day")).order_by(days.c.day))
DAY: Final = _define(select(days).where(of_account(days, "day")))
DAY_OF_ORDER: Final = _define(
    select(days).where(
        of_account(days), days.c.day == select(_DAY).select_from(orders).where(_OF_ORDER).scalar_subquery()
    )
)
"""What is kept of the day that an order was claimed on."""
INSERT_DAY: Final = _define(days.insert())
UPDATE_DAY: Final = _define(days.update().where(of_account(days, "day")), "orders", "spent")
_COST: Final = func.coalesce(orders.c.total, orders.c.quote_total)
COSTS: Final = _define(
    select(
        _DAY.label("day"),
        orders.c.state,
        _COST.label("cost"),
        orders.c.stray_order_id.is_not(None).label("stray"),
        func.count().label("orders"),
    )
    .where(of_account(orders))
    .group_by(text("1"), text("2"), text("3"), text("4"))
    .order_by(text("1"))
)
"""What `DAYS` follow from. Grouped by the amount's text: no engine's arithmetic touches money."""

INSERT_WITNESS: Final = _enter_once(witnesses)

INSERT_EVENT: Final = _define(
    order_events.insert(), *(column.name for column in order_events.c if not column.primary_key)
)
SAME_EVENT: Final = _define(select(order_events.c.seq).where(of_account(order_events, "key", "attempt", "detail")))

HOLD: Final = _define(select(holds.c.fence).where(of_account(holds)))
KEEP_HOLD: Final = _define(select(holds.c.fence).where(of_account(holds)).with_for_update(read=True))
"""The same, and on engines that lock rows nobody can overtake until the transaction is over."""
INSERT_HOLD: Final = _define(holds.insert())
UPDATE_HOLD: Final = _define(holds.update().where(of_account(holds)).values(fence=text("fence + 1")), "holder")

ACCOUNT_KEYS: Final = _define(select(account_keys).order_by(account_keys.c.n))
CHAINED: Final = _define(select(chains.c.account).where(chains.c.events > literal_column("0")))
"""The accounts that have events."""
ENTER_KEY: Final = _enter_once(account_keys)
"""Of two that enter the same number at once, one changes nothing: it has not seen what the other entered."""
ACCOUNTS: Final = _define(select(holds.c.account).order_by(holds.c.account))

INSERT_RUN: Final = _define(runs.insert(), "id", "account", "mode", "started_at", "host", "pid", "ci_job")
FINISH_RUN: Final = _define(runs.update().where(of_account(runs, "id")), "finished_at", "exit_code")

_HEAD: Final = select(chains.c.events, chains.c.hash).where(of_account(chains))
CHAIN: Final = _define(_HEAD.with_for_update())
"""The head, and on engines that lock rows its lock: whoever enters an event reads it first, so that no chain forks."""
INSERT_CHAIN: Final = _define(chains.insert())
MOVE_CHAIN: Final = _define(chains.update().where(of_account(chains)), "events", "hash")

HEAD: Final = _define(_HEAD)
EVENT_BEFORE_THE_END: Final = _define(
    select(order_events.c.seq, order_events.c.hash)
    .where(of_account(order_events))
    .order_by(order_events.c.seq.desc())
    .limit(literal_column("1", Integer))
    .offset(bindparam("b_beyond", type_=Integer))
)
"""The event that has `b_beyond` events of the account after it."""
HISTORY: Final = _define(
    select(order_events)
    .where(of_account(order_events), order_events.c.seq > bindparam("b_after"))
    .order_by(order_events.c.seq)
    .limit(bindparam("b_size", type_=Integer))
    .offset(literal_column("0"))
)
"""A page of it: read by its index, sorted by nothing."""
EVENTS_OF: Final = _define(
    select(order_events)
    .where(of_account(order_events), one_of(order_events.c.key, "b_keys"))
    .order_by(order_events.c.key, order_events.c.seq)  # by key first: else SQLite reads the account's whole history
)
ORPHAN: Final = _define(
    select(order_events.c.seq, order_events.c.key)
    .where(
        of_account(order_events),
        ~exists().where(orders.c.account == order_events.c.account, orders.c.key == order_events.c.key),
    )
    .order_by(order_events.c.seq)
)
"""Events whose order is gone."""
KEPT_WITNESS: Final = _define(select(witnesses).where(of_account(witnesses, "digest")))
RESTORE_ORDER: Final = _define(orders.insert())
REDO_ORDER: Final = _define(
    orders.update().where(_OF_ORDER), *(column.name for column in orders.c if not column.primary_key)
)

# What is asked about claims.
EVENTS: Final = _define(
    select(*(order_events.c[name] for name in ("seq", "attempt", "event", "after", "at", "detail")))
    .where(of_account(order_events, "key"))
    .order_by(order_events.c.seq)
)
EARLIER: Final = _define(
    select(order_events.c.seq)
    .where(of_account(order_events), order_events.c.seq < bindparam("b_seq"))
    .order_by(order_events.c.seq.desc())
    .limit(literal_column("1", Integer))
    .offset(bindparam("b_events", type_=Integer))
)
"""The event that has `b_events` events of the account between it and number `b_seq`."""
OWNERS: Final = _define(
    select(orders.c.order_id, orders.c.key).where(of_account(orders), one_of(orders.c.order_id, "b_ids"))
)
_NUMBERS: Final = _TextsIn(orders.c.base_order_numbers).table_valued("value")
OWNED_NUMBERS: Final = _define(
    select(_NUMBERS.c.value)
    .select_from(orders.join(_NUMBERS, true()))
    .where(of_account(orders), one_of(_NUMBERS.c.value, "b_numbers"))
)
BOUGHT: Final = _define(
    select(orders.c.key, orders.c.claimed_at).where(
        of_account(orders), text(IS_PLACED), orders.c.updated_at >= bindparam("b_at")
    )
)
_OF_KEYS: Final = of_account(order_events) & one_of(order_events.c.key, "b_keys")
CLAIMED: Final = _define(
    select(order_events.c.key, order_events.c.detail)
    .where(_OF_KEYS, text(f"event = '{Event.CLAIMED}'"))
    .order_by(order_events.c.key, order_events.c.seq)
)
RENAMED: Final = _define(
    select(order_events.c.key, order_events.c.detail)
    .where(_OF_KEYS, text(f"event = '{Event.RENAMED}' AND \"after\" = '{State.RENAMED}'"))
    .order_by(order_events.c.key, order_events.c.seq)
)
TAKEN_OVER: Final = _define(
    select(order_events.c.key, order_events.c.detail)
    .where(_OF_KEYS, text(f"event = '{Event.RENAMED}' AND \"after\" = '{State.PLACED}'"))
    .order_by(order_events.c.key, order_events.c.seq)
)
_NAMES: Final = _TextsIn(bindparam("b_keys", type_=Text)).table_valued(column("value", Text))
TERMS: Final = _define(
    select(orders).select_from(
        _NAMES.join(
            orders,
            and_(
                orders.c.account == _AccountAfter(bindparam("b_account"), _NAMES.c.value),
                orders.c.key >= _NAMES.c.value.concat(literal_column("'@0000-00-00'")),
                orders.c.key <= _NAMES.c.value.concat(literal_column("'@9999-99-99'")),
            ),
        )
    )
)
"""The renewals of orders, a piece of the index for each. By the rules of any language, two keys that differ in digits
alone are sorted by them; what else is between the bounds is left to the reader."""
BEGINNINGS: Final = _define(
    select(*(order_events.c[name] for name in ("key", "attempt", "event", "after", "at", "detail")))
    .where(_OF_KEYS, or_(text(f"event = '{Event.CLAIMED}'"), text(f"\"after\" = '{State.PLACED}'")))
    .order_by(order_events.c.key, order_events.c.seq)
)
"""What begins an attempt (a claim, an adoption, a purchase taken over), and what makes it the one that bought."""

# What limits ask.
_MAYBE_BOUGHT: Final = or_(text(IS_PLACED), text(IS_OPEN))
SPENDINGS: Final = _define(
    select(*(orders.c[name] for name in ("key", "type", "state", "claimed_at", "total", "quote_total")))
    .add_columns(orders.c.stray_order_id)
    .where(
        of_account(orders),
        orders.c.key > bindparam("b_after"),
        orders.c.claimed_at >= bindparam("b_since"),
        orders.c.claimed_at < bindparam("b_end"),
        or_(_MAYBE_BOUGHT, orders.c.stray_order_id.is_not(None)),
    )
    .order_by(orders.c.key)
    .limit(bindparam("b_size", type_=Integer))
    .offset(literal_column("0"))
)
"""A page of the orders that `days` count an amount for. An order that was never claimed has none."""
DEAREST: Final = _define(
    select(_COST.label("cost"))
    .where(of_account(orders), text(IS_PLACED), literal_column(PRICE).is_not(None))
    .order_by(orders.c.account.desc(), literal_column(PRICE).desc())
    .limit(literal_column("1"))
    .offset(literal_column("0"))
)
ALIKE: Final = _define(
    select(orders.c.key, orders.c.claimed_at)
    .where(
        one_of(orders.c.fingerprint, "b_fingerprints"),
        _MAYBE_BOUGHT,
        # As expressions: by what is alike SQLite reads a few orders, by account or time all there are.
        orders.c.account.concat(literal_column("''")) == bindparam("b_account"),
        orders.c.claimed_at.concat(literal_column("''")) >= bindparam("b_at"),
    )
    .order_by(orders.c.claimed_at, orders.c.key)
)


MODULE: Final = Path(__file__).with_name("statements.py")
_HEAD_OF_MODULE: Final = '''"""The statements of a ledger, for SQLite and for PostgreSQL, and the tables of a new file.

Written by `python -m runner.ledger.definitions`, which tells what each is for: change it there.
"""

from typing import Final

from runner.ledger.connection import Statement
'''


def module_text() -> str:
    """What `statements.py` has to be."""
    return "\n".join((_HEAD_OF_MODULE, *_statements(), *_tables(), ""))


def _statements() -> Iterator[str]:
    dialects = sqlite_dialect(paramstyle="named"), PGDialect_psycopg()  # type: ignore[no-untyped-call]
    for name, value in globals().items():
        if isinstance(value, Definition):
            yield from (f"{name}: Final = Statement(", *(f"    {value.on(dialect)!r}," for dialect in dialects), ")")


def _tables() -> Iterator[str]:
    """What SQLite keeps of the tables that all migrations together make."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as raw:
        migrations.upgrade(raw, "sqlite")
        made = raw.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid").fetchall()
    version = f"INSERT INTO alembic_version VALUES ('{migrations.HEAD}')"  # noqa: S608 - our own number
    yield "NEW_FILE: Final = ("
    yield from (f"    {' '.join(str(text).split())!r}," for text in (*(row[0] for row in made), version))
    yield ")"


if __name__ == "__main__":
    MODULE.write_text(module_text())

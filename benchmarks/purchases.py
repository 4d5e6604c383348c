"""What is bought in the benchmarks of the ledger, and the cost of recording it beside bare commits, in turn."""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from runner.core.errors import Span  # noqa: E402 - a script finds the project beside it
from runner.core.ledger import Hold, Ledger  # noqa: E402
from runner.core.orders import OrderKey, OrderRequest, Quote, Source  # noqa: E402
from runner.core.records import Claim, Entry, Head, Holder, Settlement  # noqa: E402  # noqa: E402
from runner.core.states import Event, State  # noqa: E402
from runner.core.vendor import Witness  # noqa: E402
from runner.ledger.chain import event_hash  # noqa: E402
from runner.ledger.codec import claim_detail, json_text, moment_text, values_of  # noqa: E402
from runner.ledger.sqlite import open_sqlite  # noqa: E402

AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SOURCE = Source(path="orders.yaml", span=Span(line=1, column=1, end_line=1, end_column=2))
WITNESS = Witness(type="ipv4", order_ids=frozenset(str(1_000_000 + n) for n in range(50)), at=AT)


def request(batch: str, n: int, quantity: int = 5) -> OrderRequest:
    fields: dict[str, str | int] = {
        "countryId": 561,
        "customTargetName": "price monitoring",
        "paymentId": 1,
        "periodId": "1m",
        "quantity": quantity,
    }
    return OrderRequest(key=OrderKey(batch, f"order-{n:07}"), type="ipv4", fields=fields, source=SOURCE)


def claim(wanted: OrderRequest, at: datetime) -> Claim:
    return Claim(
        request=wanted,
        quote=Quote(total=Decimal("12.30"), at=at, unit_price=Decimal("2.46"), balance=Decimal("100.00")),
        ceiling=Decimal("13.00"),
        witness=WITNESS,
        balance=Decimal("100.00"),
        run_id="20261123T120000Z-0a1b2c3d",
        at=at,
    )


def placed(n: int, at: datetime) -> Settlement:
    return Settlement(
        event=Event.PLACED,
        after=State.PLACED,
        at=at,
        order_id=str(2_000_000 + n),
        base_order_numbers=(f"{n}_1",),
        total=Decimal("12.30"),
        balance=Decimal("87.70"),
        evidence={"http_status": 200, "body_sha256": "0" * 64},
    )


@dataclass(slots=True)
class Turns:
    """Milliseconds of what is measured in turn."""

    ledger: list[float] = field(default_factory=list)
    commits: list[float] = field(default_factory=list)
    fsync: list[float] = field(default_factory=list)


PAYLOAD = "x" * 1200
"""About what claim and settlement of one order write, each."""


def on_sqlite(folder: Path, count: int) -> Turns:
    """`count` orders on SQLite, each beside two bare commits and a bare fsync."""
    with (
        closing(open_sqlite(folder / "purchases.db", "bench")) as ledger,
        closing(sqlite3.connect(folder / "bare.db", isolation_level=None)) as bare,
    ):
        bare.execute("PRAGMA journal_mode = WAL")
        bare.execute("PRAGMA synchronous = FULL")
        bare.execute("CREATE TABLE bare (text)")
        return _turns(ledger, lambda: _commit_twice(bare.execute, "BEGIN IMMEDIATE", "?"), folder, count)


def on_postgres(folder: Path, count: int, delay: float = 0.0) -> Turns | str:
    """The same on a PostgreSQL server of its own; why there is none, where there is none.

    With a `delay`, in seconds, a question and its answer take that much more, and a bare commit is one question.
    """
    try:
        import psycopg

        from runner.ledger.postgres import open_postgres
        from tests.pgproxy import proxy
        from tests.pgserver import NoServer, server
    except ImportError as error:
        return f"{error.name} is not installed"
    try:
        with ExitStack() as open_here:
            url = open_here.enter_context(server()).create()
            if delay:
                url = open_here.enter_context(proxy(url, delay)).url
            ledger = open_here.enter_context(closing(open_postgres(url, "bench", folder=folder)))
            bare = open_here.enter_context(psycopg.connect(url, autocommit=True))
            bare.execute("CREATE TABLE bare (text text)")
            begin = None if delay else "BEGIN"
            return _turns(ledger, lambda: _commit_twice(bare.execute, begin, "%s"), folder, count)
    except NoServer as error:
        return str(error)


def _turns(ledger: Ledger, commit_twice: Callable[[], None], folder: Path, count: int) -> Turns:
    turns = Turns()
    holder = Holder(host="bench", pid=os.getpid(), since=AT, run_id="bench")
    with (folder / "bare.bin").open("ab") as file, ledger.hold(holder, timeout=0) as hold:
        for n in range(count):
            wanted = claim(request("bench", n), AT + timedelta(seconds=n))
            answer = placed(n, AT + timedelta(seconds=n, milliseconds=500))
            # Both are known before an order is claimed: the plan has the fingerprint, the reading its digest.
            _ = wanted.request.fingerprint, wanted.witness.digest
            turns.ledger.append(_timed(lambda: _buy(hold, wanted, answer)))  # noqa: B023 - called at once
            turns.commits.append(_timed(commit_twice))
            turns.fsync.append(_timed(lambda: _sync(file.fileno())))
    return turns


def _timed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


def _buy(hold: Hold, wanted: Claim, answer: Settlement) -> None:
    hold.settle(hold.claim(wanted), answer)


def _commit_twice(execute: Callable[..., object], begin: str | None, mark: str) -> None:
    for _ in range(2):
        if begin:
            execute(begin)
        execute(f"INSERT INTO bare VALUES ({mark})", (PAYLOAD,))  # noqa: S608 - a constant
        if begin:
            execute("COMMIT")


def _sync(descriptor: int) -> None:
    os.write(descriptor, b"x" * 4096)
    os.fsync(descriptor)


def history(count: int, quantity: int = 5) -> Iterator[Entry | Witness]:
    """`count` orders that were bought, as a ledger would tell it."""
    yield WITNESS
    head = Head()
    for n in range(count):
        wanted, answer = (
            claim(request("old", n, quantity), AT + timedelta(seconds=n)),
            placed(n, AT + timedelta(seconds=n)),
        )
        moves = (
            (Event.CLAIMED, State.PLANNED, State.SUBMITTED, json_text(claim_detail(wanted, 0))),
            (Event.PLACED, State.SUBMITTED, State.PLACED, json_text(values_of(answer))),
        )
        for event, before, after, detail in moves:
            values = {
                "account": "bench",
                "key": str(wanted.request.key),
                "attempt": 1,
                "event": event.value,
                "before": before.value,
                "after": after.value,
                "at": moment_text(wanted.at),
                "run_id": wanted.run_id,
                "reason": None,
                "detail": detail,
                "prev_hash": head.hash,
            }
            entry = Entry(**values, hash=event_hash(values))  # type: ignore[arg-type]
            head = Head(head.events + 1, entry.hash)
            yield entry


def fill(path: Path, count: int, quantity: int = 5) -> None:
    """A ledger of `count` bought orders, each of as many proxies."""
    holder = Holder(host="bench", pid=os.getpid(), since=AT, run_id="bench")
    with closing(open_sqlite(path, "bench")) as ledger, ledger.hold(holder, timeout=0) as hold:
        hold.restore(history(count, quantity))

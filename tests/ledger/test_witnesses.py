"""Witnesses as differences: as good as whole ones to whoever reads, and a fraction of their size."""

from __future__ import annotations

import io
import json
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.ledger import Hold
from runner.core.vendor import Witness
from runner.ledger import witnesses
from runner.ledger.export import BrokenHistory, Export, Header, check_ledger, lines
from runner.ledger.migrations import HEAD
from tests import make
from tests.ledger.conftest import AT, SqliteStore, bring_to, holder, request

ids = st.frozensets(st.text("0123456789", min_size=1, max_size=3), max_size=60)
seen = st.builds(
    Witness,
    type=st.just("ipv4"),
    order_ids=ids,
    at=st.integers(0, 9).map(lambda minutes: AT + timedelta(minutes=minutes)),
    package=st.none(),
    numbers=st.none() | ids,
)


@given(st.lists(seen, min_size=1, max_size=12))
def test_a_chain_of_differences_reads_as_what_was_stored(told: list[Witness]) -> None:
    """Whatever comes and goes between two witnesses, each is read with its own digest."""
    rows: dict[str, witnesses.Row] = {}
    base = None
    for witness in told:
        rows.setdefault(witness.digest, witnesses.columns_of(witness, base))
        base = witness
    for witness in told:
        assert witnesses.read(rows[witness.digest], rows.get) == witness


def many(minute: int, count: int = 10_000) -> Witness:
    """An account's list, in which every minute one order comes and one goes."""
    numbers = range(minute, minute + count)
    return Witness(
        type="ipv4",
        order_ids=frozenset(str(1_000_000 + n) for n in numbers),
        numbers=frozenset(f"{n}_1" for n in numbers),
        at=AT + timedelta(minutes=minute),
    )


def buy(hold: Hold, minutes: range, count: int = 10_000) -> None:
    """Claim an order each minute, each with the list of its minute."""
    for minute in minutes:
        hold.claim(
            make.claim(
                request(f"order-{minute}"),
                quote=make.quote("12.30", balance=Decimal("100.00")),
                ceiling=Decimal("13.00"),
                witness=many(minute, count),
                balance=Decimal("100.00"),
                run_id="run-1",
                at=AT + timedelta(minutes=minute),
            )
        )


def sizes(store: SqliteStore) -> list[int]:
    return [size for (size,) in store.sql("SELECT length(order_ids) FROM witnesses ORDER BY at")]


def test_a_list_that_hardly_changes_is_stored_once(store: SqliteStore, hold: Hold) -> None:
    """Of twenty witnesses of ten thousand orders two are whole, one for every so many, and the rest takes next to nothing."""
    buy(hold, range(20))
    whole = sizes(store)[0]
    assert [n for n, size in enumerate(sizes(store)) if size > whole / 2] == [0, witnesses.LONGEST + 1]
    assert sum(sizes(store)) < 2.02 * whole
    assert [claim.witness for claim in store.open().open_claims()] == [many(minute) for minute in range(20)]


def test_another_list_is_stored_whole(store: SqliteStore, hold: Hold) -> None:
    """A difference that is not much smaller than the list itself is none."""
    buy(hold, range(0, 200, 100), count=100)
    assert min(sizes(store)) * 2 > max(sizes(store))


def test_each_hold_begins_with_a_whole_one(store: SqliteStore) -> None:
    """Nothing that another run stored is differed from: no chain grows from run to run."""
    for minute in range(3):
        with store.open().hold(holder(), timeout=0) as hold:
            buy(hold, range(minute, minute + 1))
    assert min(sizes(store)) * 2 > max(sizes(store))


def test_an_export_has_whole_witnesses(sqlite_store: SqliteStore, tmp_path: Path) -> None:
    """Whoever reads exports knows nothing of differences, and a ledger that is filled from one exports the same."""
    with sqlite_store.open().hold(holder(), timeout=0) as hold:
        buy(hold, range(3), count=50)
    ledger = sqlite_store.open()
    header = Header(account="acme", ledger="here", tool="test", at=AT, head=ledger.head())
    told = list(lines(ledger, header))
    kept = [line["order_ids"] for line in map(json.loads, told) if line["kind"] == "witness"]
    assert kept == [sorted(many(minute, 50).order_ids) for minute in range(3)]
    with closing(SqliteStore(tmp_path / "other.db")) as other:
        with other.open().hold(holder(), timeout=0) as hold:
            hold.restore(Export(io.StringIO("".join(told))).parts())
        assert list(lines(other.open(), header)) == told


@pytest.mark.parametrize(
    "change", ["DELETE FROM witnesses WHERE at LIKE '%12:00:00%'", "UPDATE witnesses SET order_ids = '[]'"]
)
def test_a_lost_or_changed_base_is_found(sqlite_store: SqliteStore, change: str) -> None:
    """`verify` names the claim whose witness cannot be had any more."""
    with sqlite_store.open().hold(holder(), timeout=0) as hold:
        buy(hold, range(2), count=50)
    for trigger in ("UPDATE", "DELETE"):
        sqlite_store.sql(f"DROP TRIGGER witnesses_no_{trigger}")
    sqlite_store.sql(change)
    with pytest.raises(BrokenHistory, match="witness"):
        check_ledger(sqlite_store.open())


def test_older_programs_stay_away(empty_store: SqliteStore) -> None:
    """A ledger that may hold differences has a version that those who cannot read them do not know."""
    bring_to(empty_store, "0007")
    empty_store.open()
    assert empty_store.sql("SELECT version_num FROM alembic_version") == [(HEAD,)]

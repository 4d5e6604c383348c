"""The terms of an order, found among a million others, under every name that it ever had."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from runner.core.ledger import Hold
from runner.core.orders import OrderKey
from runner.core.states import State
from runner.ledger import statements
from tests import make
from tests.ledger.conftest import WAYS, PostgresStore, SqliteStore, bring, claim, key, renaming, settlement
from tests.ledger.test_days import nodes

FIRST, SECOND = "2026-12-29", "2027-01-28"


def renew(hold: Hold, name: str, end: str, state: State = State.PLACED, generation: int = 1) -> OrderKey:
    """Claim the renewal of an order, and bring it to a state."""
    request = make.renewal(name, end, batch="batch", generation=generation, renews=f"order-{name}")
    attempt = hold.claim(replace(claim(), request=request))
    for event, after in WAYS[state]:
        hold.settle(attempt, settlement(event, after, f"order-{name}@{end}"))
    return request.key


def terms(store: SqliteStore, *names: str, account: str = "acme") -> dict[str, list[str]]:
    asked = [key(name) for name in names]
    return {str(one): [str(term.key) for term in own] for one, own in store.open(account).renewals(asked).items()}


def test_every_term_of_an_order_is_there_the_earliest_first(store: SqliteStore, hold: Hold) -> None:
    """Those of orders whose names are alike, of another generation and of another account are not among them."""
    for name, end in (("one", SECOND), ("one", FIRST), ("one-2", FIRST), ("one2", FIRST), ("on", FIRST)):
        renew(hold, name, end)
    renew(hold, "one", FIRST, generation=2)
    bring(hold, "one", State.PLACED)
    assert terms(store, "one", "on", "never") == {
        "batch/one": [f"batch/one@{FIRST}", f"batch/one@{SECOND}"],
        "batch/on": [f"batch/on@{FIRST}"],
    }
    second = store.open().renewals([replace(key("one"), generation=2)])
    assert [[str(term.key) for term in own] for own in second.values()] == [[f"batch/one#2@{FIRST}"]]
    assert terms(store, "one", account="beta") == {}


@pytest.mark.parametrize("state", sorted(set(State) - {State.RENAMED}))
def test_a_term_is_there_in_any_state(store: SqliteStore, hold: Hold, state: State) -> None:
    """What is in doubt, was refused or bought nothing is told as it stands."""
    renewal = renew(hold, "one", FIRST, state)
    (record,) = store.open().renewals([key("one")])[key("one")]
    assert (record.key, record.state, record.renews) == (renewal, state, "order-one")


def test_a_renamed_order_keeps_the_terms_that_it_had_by_every_name(store: SqliteStore, hold: Hold) -> None:
    """However often it was renamed, and a term that was bought since is beside them."""
    bring(hold, "one", State.PLACED)
    renew(hold, "one", FIRST)
    hold.rename([renaming("one", "two")])
    renew(hold, "two", SECOND)
    hold.rename([renaming("two", "three")])
    renew(hold, "three", "2027-02-27", State.UNKNOWN)
    assert terms(store, "three") == {
        "batch/three": [f"batch/one@{FIRST}", f"batch/two@{SECOND}", "batch/three@2027-02-27"]
    }
    assert terms(store, "one") == {"batch/one": [f"batch/one@{FIRST}"]}, "what it was called later is not looked for"


def test_nothing_is_asked_for_nothing(empty_store: SqliteStore) -> None:
    """A ledger without tables knows no terms, and neither does a question about no order."""
    assert empty_store.open(read_only=True).renewals([key()]) == {}
    assert empty_store.open().renewals([]) == {}


FILLED = """
    INSERT INTO orders (account, key, type, fields, fingerprint, state, attempt, updated_at, base_order_numbers)
        SELECT 'acme', 'batch/o' || n || e, 'ipv4', '{}', 'f', 'rejected', 1, '2026-11-23T12:00:00Z', '[]'
        FROM generate_series(1, 5000) n, (VALUES (''), ('@2026-12-29')) AS ends (e);
    ANALYZE orders
"""


def test_postgresql_reads_a_piece_of_the_index_for_each_order(pg_store: PostgresStore) -> None:
    """Of 10,000 rows no more are read than the orders have terms, whatever the database sorts by."""
    pg_store.open()
    with psycopg.connect(str(pg_store.path), autocommit=True) as raw:
        for statement in FILLED.split(";"):
            raw.execute(statement.encode())
        values = {"b_account": "acme", "b_keys": '["batch/o1", "batch/o22"]'}
        (explained,) = (
            raw.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statements.TERMS.postgres}".encode(), values).fetchone() or ()
        )
        reads = [node for node in nodes(explained[0]["Plan"]) if node.get("Relation Name") == "orders"]
        assert [node["Node Type"] for node in reads] == ["Index Scan"]
        assert all(node["Actual Rows"] <= 1 and not node.get("Rows Removed by Filter") for node in reads)
    assert terms(pg_store, "o22") == {"batch/o22": ["batch/o22@2026-12-29"]}


def test_a_language_may_sort_keys(pg_store: PostgresStore) -> None:
    """Under the rules of a language, too, every term of an order is between the bounds that are read."""
    inside = f"SELECT %(k)s || '@{FIRST}' COLLATE \"{{}}\" BETWEEN %(k)s || '@0000-00-00' AND %(k)s || '@9999-99-99'"
    with psycopg.connect(str(pg_store.path), autocommit=True) as raw:
        known = raw.execute("SELECT collname FROM pg_collation WHERE collname ~ '^(C|(en|de|und)-x-icu|en_US.utf8)$'")
        rules = [str(row[0]) for row in known]
        for rule in rules:
            for name in ("o", "o-1", "o1", "o.a", "o#2", "o_"):
                assert raw.execute(inside.format(rule).encode(), {"k": f"batch/{name}"}).fetchone() == (True,), rule
    assert "C" in rules

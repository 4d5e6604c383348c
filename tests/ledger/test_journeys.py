"""How often a ledger far away is asked: counted on the way to the server, not timed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from runner.core.states import State
from runner.ledger.postgres import open_postgres
from tests.ledger.conftest import PostgresStore, bring, claim, holder, placed
from tests.pgproxy import Proxy, proxy

ORDERS = 20


@pytest.fixture
def way(pg_store: PostgresStore) -> Iterator[Proxy]:
    with proxy(str(pg_store.path)) as found:
        yield found


def test_an_order_takes_four_journeys(pg_store: PostgresStore, way: Proxy) -> None:
    """Two to claim and two to settle, whether the order is new or was refused before; all by one session."""
    with (
        closing(open_postgres(way.url, "acme", folder=pg_store.folder)) as ledger,
        ledger.hold(holder(), timeout=0) as hold,
    ):
        bring(hold, "refused", State.REJECTED)
        before = way.journeys
        for n in range(ORDERS):
            hold.settle(hold.claim(claim(f"order-{n}")), placed(f"id-{n}"))
        assert way.journeys - before == 4 * ORDERS
        before = way.journeys
        hold.settle(hold.claim(claim("refused")), placed("id-refused"))
        assert (way.journeys - before, way.sessions) == (4, 1)


def test_a_run_begins_with_few_journeys(pg_store: PostgresStore, way: Proxy) -> None:
    """Opening a ledger that was used here before, and holding its account, by one session."""
    with pg_store.open().hold(holder(), timeout=0) as hold:
        bring(hold, "one", State.PLACED)
    with closing(open_postgres(way.url, "acme", folder=pg_store.folder)) as ledger:
        opened = way.journeys
        with ledger.hold(holder(), timeout=0):
            held = way.journeys
    assert (opened, held - opened, way.sessions) == (4, 9, 1)

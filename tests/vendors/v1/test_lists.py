"""The two lists of a type, as a sandbox serves them: which are asked for when, and what they give together."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from runner.core.clock import SystemClock
from runner.core.secrets import ApiKey
from runner.sandbox.box import Sandbox
from runner.sandbox.options import SANDBOX_KEY, Options
from runner.vendors.transport import Transport
from runner.vendors.v1.adapter import V1Reader


@pytest.fixture(params=["query", "body"])
def box(request: pytest.FixtureRequest) -> Sandbox:
    """A vendor that shows what ends within a week in the list of ending proxies only, by either form of the filter."""
    return Sandbox(options=Options(order_numbers="marked", ends_hidden=7, filters=request.param))


@pytest.fixture
def reader(box: Sandbox) -> Iterator[V1Reader]:
    clock = SystemClock()
    with box.serve() as server, Transport(server.base_url, ApiKey(SANDBOX_KEY), clock=clock, rate=0) as transport:
        yield V1Reader(transport, clock)


def test_a_look_unites_both_lists(box: Sandbox, reader: V1Reader) -> None:
    """An order that ends soon is seen beside the others, each with the base of its number and all its proxies."""
    sales = [box.buy_as_stranger(periodId=period, quantity=2) for period in ("1m", "1w")]
    orders = {order.order_id: order for order in reader.look("ipv4").orders}
    assert orders.keys() == {str(sale.order_id) for sale in sales}
    assert [orders[str(sale.order_id)].numbers for sale in sales] == [{*sale.base_order_numbers} for sale in sales]
    assert {order.rows for order in orders.values()} == {2}

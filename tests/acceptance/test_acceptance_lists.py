"""What the vendor's lists may do: numbers with a mark from birth, and proxies that only the list of ending ones shows."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from harness import CANARY, MANIFEST, World, ipv4

from runner.sandbox.replies import Reply
from runner.sandbox.server import SandboxServer

STRICT = {"ORDER_RUNNER_STRICT_ACCOUNT": "1"}
MARKED = {"order_numbers": "marked"}
HIDDEN = {"ends_hidden": 7.0}
VENDORS = pytest.mark.parametrize("switches", [MARKED, HIDDEN, MARKED | HIDDEN | {"filters": "body"}])


def short(name: str, **changes: Any) -> dict[str, Any]:
    """An order for a week: where rows of the last 7 days are hidden, it is in the list of ending ones from birth."""
    return ipv4(name, periodId="1w", **changes)


def in_doubt(world: World, fault: str, *orders: dict[str, Any]) -> Decimal:
    """A batch whose first order is in doubt, because nobody answered; the balance from before."""
    before = world.balance
    world.manifest(*orders)
    world.box.add_fault(fault)
    assert world.apply().code == 7
    return before


def top_up(world: World, balance: Decimal) -> None:
    """What the order took is paid in again, to the cent: the balance is blind."""
    world.box.set_balance(balance, key=CANARY)


@VENDORS
def test_a_lost_ledger_is_noticed(world: World, switches: dict[str, Any]) -> None:
    """Whatever its numbers look like and whichever list has it, an order that was forgotten is not bought again."""
    world.serve(**switches)
    world.manifest(short("a"), short("b"))
    assert world.apply(env=STRICT).code == 0
    for path in world.root.glob("orders.ledger*"):
        path.unlink()
    assert world.apply("--strict-account", MANIFEST).code == 5
    assert [world.order(name)["errors"][0]["code"] for name in "ab"] == ["PSR420", "PSR420"]
    assert world.bought == ["a", "b"]


@VENDORS
def test_an_order_in_doubt_is_found(world: World, switches: dict[str, Any]) -> None:
    """An order whose answer was lost is proved to be bought, and the next run buys the rest."""
    world.serve(**switches)
    in_doubt(world, "reset-after@1", short("a"), short("b"))
    result = world.run("reconcile", "--exclusive")
    assert (result.code, world.bought) == (0, ["a"]), result.said
    assert world.apply().code == 0
    assert world.order("a")["status"] == "already_placed"
    assert world.bought == ["a", "b"]


@VENDORS
@pytest.mark.parametrize("exclusive", [(), ("--exclusive",)])
def test_a_top_up_does_not_hide_an_order(world: World, switches: dict[str, Any], exclusive: tuple[str, ...]) -> None:
    """An order that was bought is never called absent because its price came back: the list shows it."""
    world.serve(**switches)
    before = in_doubt(world, "reset-after@1", short("a"))
    top_up(world, before)
    result = world.run("reconcile", "--settle-after", "0s", *exclusive)
    assert result.code == 7, result.said
    assert str(world.purchases[0].order_id) in result.said
    assert world.apply().code == 7
    assert world.bought == ["a"]


@VENDORS
def test_what_was_shown_before_is_no_candidate(world: World, switches: dict[str, Any]) -> None:
    """The lists before a purchase have what ends soon, too: an order that was never made is proved absent beside it."""
    world.serve(**switches)
    world.manifest(short("theirs"))
    assert world.apply("--ledger", "theirs.ledger", MANIFEST).code == 0
    in_doubt(world, "reset-before@2", short("a"))
    result = world.run("reconcile", "--settle-after", "0s")
    assert result.code == 0, result.said
    assert world.apply().code == 0
    assert world.bought == ["theirs", "a"]


@VENDORS
@pytest.mark.parametrize("new_id", [False, True])
def test_a_renewal_is_no_candidate(world: World, switches: dict[str, Any], new_id: bool) -> None:
    """What somebody renews while an order is in doubt was there before it: the order is absent all the same."""
    world.serve(**switches)
    world.manifest(short("theirs"))
    assert world.apply("--ledger", "theirs.ledger", MANIFEST).code == 0
    in_doubt(world, "reset-before@2", short("a"))
    world.box.renew(world.purchases[0].order_id, new_id=new_id, charge=False)
    result = world.run("reconcile", "--settle-after", "0s")
    assert result.code == 0, result.said
    assert world.apply().code == 0
    assert world.bought == ["theirs", "a"]


def test_a_list_of_ending_proxies_that_is_not_whole(world: World) -> None:
    """A list is whole only with that of the ending proxies: without it nothing is bought, and nothing settled."""
    world.manifest(ipv4("a"))
    world.box.add_fault("list-html@2")
    assert world.apply().code == 5
    assert world.money_requests == 0
    in_doubt(world, "reset-before@1", ipv4("a"))
    world.box.add_fault("list-html@6")
    result = world.run("reconcile", "--settle-after", "0s")
    assert result.code == 7
    assert "could not be read completely" in result.said
    assert world.run("reconcile", "--settle-after", "0s").code == 0


def test_an_account_of_many_proxies_buys(world: World) -> None:
    """130,000 proxies of somebody else, a list of over 64 MiB: an order in doubt is found, and the rest bought."""
    theirs = (
        b'{"id":"%d","order_id":"1%05d","base_order_number":"1%05d_1","ip":"192.0.2.1","protocol":"HTTP",'
        b'"login":"login","password":"password","country_alpha3":"ITA","date_start":"01.01.2020",'
        b'"date_end":"01.01.2030","link_reboot":"' + b"x" * 400 + b'"}'
    )
    rows = b",".join(theirs % (n, n // 10, n // 10) for n in range(130_000))
    assert len(rows) > 64 << 20

    def crowded(method: str, target: str, raw: bytes) -> Reply:
        reply = world.box.respond(method, target, raw)
        if not target.endswith("/proxy/list/ipv4"):
            return reply
        head, items, tail = reply.body.partition(b'"items":[')
        return replace(reply, body=head + items + rows + (b"" if tail.startswith(b"]") else b",") + tail)

    world.server.close()
    world.server = SandboxServer(crowded, "127.0.0.1", 0)
    in_doubt(world, "reset-after@1", ipv4("a"), ipv4("b"))
    result = world.run("reconcile", "--exclusive")
    assert (result.code, world.bought) == (0, ["a"]), result.said
    assert world.apply().code == 0
    assert world.bought == ["a", "b"]

"""What the vendor's lists may do: numbers with a mark from birth, and proxies that only the list of ending ones shows."""

from dataclasses import replace
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from harness import CANARY, MANIFEST, SEVEN, World, ipv4

from runner.sandbox.replies import Reply
from runner.sandbox.server import SandboxServer

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


def rows_of(endpoint: str, document: Any) -> Any:
    return document["data"]["items"] if endpoint.startswith("proxy/list") else ()


@VENDORS
def test_a_lost_ledger_is_noticed(world: World, switches: dict[str, Any]) -> None:
    """Whatever its numbers look like and whichever list has it, an order that was forgotten is not bought again."""
    world.serve(**switches)
    world.manifest(short("a"), short("b"))
    assert world.apply().code == 0
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
    assert (result.code, world.bought) == (0, ["a"]), result.output
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
    assert result.code == 7, result.output
    assert str(world.purchases[0].order_id) in result.output
    assert world.apply().code == 7
    assert world.bought == ["a"]


@VENDORS
def test_what_was_shown_before_is_no_candidate(world: World, switches: dict[str, Any]) -> None:
    """The lists before a purchase have what ends soon, too: an order that was never made is proved absent beside it."""
    world.serve(**switches)
    world.buy_as_stranger(short("theirs"))
    in_doubt(world, "reset-before@2", short("a"))
    result = world.run("reconcile", "--settle-after", "0s")
    assert result.code == 0, result.output
    assert world.apply().code == 0
    assert world.bought == ["theirs", "a"]


@VENDORS
@pytest.mark.parametrize("new_id", [False, True])
def test_a_renewal_is_no_candidate(world: World, switches: dict[str, Any], new_id: bool) -> None:
    """What somebody renews while an order is in doubt was there before it: the order is absent all the same."""
    world.serve(**switches)
    world.buy_as_stranger(short("theirs"))
    in_doubt(world, "reset-before@2", short("a"))
    world.box.renew(world.purchases[0].order_id, new_id=new_id, charge=False)
    result = world.run("reconcile", "--settle-after", "0s")
    assert result.code == 0, result.output
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
    assert "could not be read completely" in result.output
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
    assert (result.code, world.bought) == (0, ["a"]), result.output
    assert world.apply().code == 0
    assert world.bought == ["a", "b"]


@VENDORS
@pytest.mark.parametrize("exclusive", [(), ("--exclusive",)])
def test_a_renewal_does_not_hide_an_order(world: World, switches: dict[str, Any], exclusive: tuple[str, ...]) -> None:
    """An order that was renewed while it was in doubt, and paid in again, is never called absent: it ends later."""
    world.serve(**switches)
    before = in_doubt(world, "reset-after@1", short("a"))
    world.box.renew(world.purchases[0].order_id)
    top_up(world, before)
    result = world.run("reconcile", "--settle-after", "0s", *exclusive)
    assert result.code == 7, result.output
    assert str(world.purchases[0].order_id) in result.output
    assert world.apply().code == 7
    assert world.bought == ["a"]


@pytest.mark.parametrize("start", ["01.01.1970", "0000-00-00", "", None])
def test_a_date_of_nothing(world: World, start: str | None) -> None:
    """A date that stands for none does not say when an order began: one that was bought is never called absent."""

    def undate(endpoint: str, document: Any) -> None:
        for row in rows_of(endpoint, document):
            row["date_start"] = start

    world.rewrite = undate
    before = in_doubt(world, "reset-after@1", short("a"))
    top_up(world, before)
    assert world.run("reconcile", "--settle-after", "0s").code == 7
    for path in world.root.glob("orders.ledger*"):
        path.unlink()
    assert world.apply("--strict-account", MANIFEST).code == 5
    assert world.bought == ["a"]


def test_a_renewal_between_two_lists(world: World) -> None:
    """A proxy whose row has another id in the second list counts once: an order is not ruled out by its number."""
    ids = count(1000)
    world.serve(filters="ignored")
    world.rewrite = lambda endpoint, document: [row.update(id=next(ids)) for row in rows_of(endpoint, document)]
    before = in_doubt(world, "reset-after@1", short("a"))
    top_up(world, before)
    assert world.run("reconcile", "--settle-after", "0s").code == 7
    assert world.bought == ["a"]


@pytest.mark.parametrize("protocol", ["HTTP/SOCKS5", "ALL", "socks"])
def test_words_for_a_protocol(world: World, protocol: str) -> None:
    """A word that may mean the protocol asked for rules no order out."""
    world.rewrite = lambda endpoint, document: [row.update(protocol=protocol) for row in rows_of(endpoint, document)]
    before = in_doubt(world, "reset-after@1", next(order for order in SEVEN if order["type"] == "ipv6"))
    top_up(world, before)
    assert world.run("reconcile", "--settle-after", "0s").code == 7
    assert world.bought == ["v6"]


def test_what_a_person_disowned_is_no_candidate(world: World) -> None:
    """An order that a person has called somebody else's does not keep one of ours in doubt."""
    in_doubt(world, "reset-before@1", ipv4("a"))
    world.buy_as_stranger(ipv4("theirs", paymentId=43))
    theirs = str(world.purchases[0].order_id)
    assert world.run("reconcile", "--settle-after", "0s").code == 7
    assert world.run("resolve", "--not-mine", theirs, "--reason", "Bo's", "--yes", env={"USER": "ann"}).code == 7
    result = world.run("reconcile", "--settle-after", "0s")
    assert result.code == 0, result.output
    assert world.apply().code == 0
    assert world.bought == ["theirs", "a"]


def test_what_a_person_disowned_explains_no_charge(world: World) -> None:
    """What a disowned order cost is not taken off: the balance fell, so nothing is called absent."""
    in_doubt(world, "reset-before@1", ipv4("a"))
    world.buy_as_stranger(ipv4("theirs"))
    theirs = str(world.purchases[0].order_id)
    assert world.run("resolve", "--not-mine", theirs, "--reason", "Bo's", "--yes", env={"USER": "ann"}).code == 7
    for exclusive in ((), ("--exclusive",)):
        assert world.run("reconcile", "--settle-after", "0s", *exclusive).code == 7
    assert world.bought == ["theirs"]


LEFT_OUT = [{"data": None}, {"data": ""}, {"data": {}}, {}, {"data": {"items": None}}, {"data": {"items": ""}}]
NOTHING = [{"data": {"items": {}}}, {"data": {"ipv4": {}}}, {"data": []}]


def listing_nothing(world: World, form: dict[str, Any]) -> None:
    """Lists without rows are answered in this form."""

    def leave_out(endpoint: str, document: Any) -> None:
        if endpoint.startswith("proxy/list") and not document["data"]["items"]:
            del document["data"]
            document |= form

    world.rewrite = leave_out


@pytest.mark.parametrize("form", [*LEFT_OUT, *NOTHING], ids=str)
def test_a_new_account_buys(world: World, form: dict[str, Any]) -> None:
    """In whatever form the vendor says that there is nothing yet, a new account buys its first orders."""
    listing_nothing(world, form)
    in_doubt(world, "reset-before@1", ipv4("a"))
    assert world.run("reconcile", "--settle-after", "0s").code == 0
    assert world.apply("--strict-account", MANIFEST).code == 0
    assert world.bought == ["a"]


@pytest.mark.parametrize("form", LEFT_OUT, ids=str)
def test_a_list_that_is_left_out_later(world: World, form: dict[str, Any]) -> None:
    """Where something was bought, an answer without a list is none: nothing is bought, nothing called absent."""
    world.manifest(ipv4("a"))
    assert world.apply().code == 0
    world.serve(provisioning_delay=1000.0)
    listing_nothing(world, form)
    world.manifest(ipv4("a"), ipv4("b"))
    assert world.apply("--strict-account", MANIFEST).code == 5
    assert world.report()["errors"][0]["code"] == "PSR506"
    assert "is left out" in world.report()["errors"][0]["message"]
    assert world.bought == []


def test_one_list_that_is_left_out(world: World) -> None:
    """Where one list is there and the other left out, not both are whole: a lost ledger is noticed."""
    world.manifest(ipv4("a"))
    assert world.apply().code == 0
    for path in world.root.glob("orders.ledger*"):
        path.unlink()
    reads = count()

    def leave_out(endpoint: str, document: Any) -> None:
        if endpoint.startswith("proxy/list") and not next(reads) % 2:
            document["data"] = None

    world.rewrite = leave_out
    assert world.apply("--strict-account", MANIFEST).code == 5
    assert world.bought == ["a"]


def in_pages(endpoint: str, document: Any) -> None:
    """The first row of each list, with the numbers of pages beside it."""
    if endpoint.startswith("proxy/list"):
        data = document["data"]
        rows = len(data["items"])
        data |= {"items": data["items"][:1], "page": 1, "per_page": 1, "total": rows, "total_pages": rows}


def test_a_page_is_no_list(world: World) -> None:
    """Of one page of several nothing follows: no order on the others is bought again, or called absent."""
    world.rewrite = in_pages
    world.buy_as_stranger(short("theirs"))
    before = in_doubt(world, "reset-after@2", short("a"))
    top_up(world, before)
    assert world.run("reconcile", "--settle-after", "0s").code == 7
    for path in world.root.glob("orders.ledger*"):
        path.unlink()
    assert world.apply("--strict-account", MANIFEST).code == 5
    assert world.bought == ["theirs", "a"]


@pytest.mark.parametrize("number", ["0", "null", "NS_e_{}_e_hash"])
def test_numbers_that_name_nothing(world: World, number: str) -> None:
    """An order is not known from before by a number that others have: one that was bought is never called absent."""

    def renumber(endpoint: str, document: Any) -> None:
        for row in rows_of(endpoint, document):
            row["order_number"] = row["base_order_number"] = number.format(row["order_id"])

    world.rewrite = renumber
    world.buy_as_stranger(short("theirs"))
    before = in_doubt(world, "reset-after@2", short("a"))
    top_up(world, before)
    assert world.run("reconcile", "--settle-after", "0s").code == 7
    assert world.run("reconcile", "--settle-after", "0s", "--exclusive").code == 7
    assert world.bought == ["theirs", "a"]

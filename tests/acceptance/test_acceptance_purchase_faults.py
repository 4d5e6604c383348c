"""Everything that can go wrong with `order/make`: at most one purchase an order, and every possible charge by name."""

import select
import socket
import threading
from contextlib import suppress
from decimal import Decimal
from urllib.parse import urlsplit

import pytest
from harness import ASKED_EACH_TIME, CANARY, FIRST_ID, MANIFEST, PRICE, SECOND, World, ipv4

IMPATIENT = ("--money-timeout", "1", "--allow-short-money-timeout")
NOT_MADE = (
    "reset-before",
    "close-before",
    "silent-before",
    "500-before",
    "502-before",
    "html-before",
    "empty-before",
    "error-with-data-before",
)
MADE = (
    "reset-after",
    "close-after",
    "silent-after",
    "500-after",
    "502-after",
    "html-after",
    "empty-after",
    "cut-body",
    "no-id",
    "error-with-data",
    "drip",
)
SILENT = ("silent-before", "silent-after", "silent-later", "drip")
WAITS = {"silent-later": 600, "drip": 1}


def three(world: World, fault: str) -> None:
    """Three orders, of which the second meets a fault."""
    world.box.add_fault(fault)
    world.manifest(ipv4("a"), ipv4("b"), ipv4("c"))


@pytest.mark.parametrize("fault", [*NOT_MADE, *MADE, "silent-later"])
def test_a_lost_answer_is_an_unknown_outcome_that_stops_the_batch(world: World, fault: str) -> None:
    """Whatever hides the answer, and whether the order was made: it is unknown, and the later ones are not begun."""
    three(world, f"{fault}@2:{WAITS[fault]}" if fault in WAITS else f"{fault}@2")
    result = world.apply(*(IMPATIENT if fault in SILENT else ()), MANIFEST)
    assert result.code == 7
    assert world.money_requests == 2
    assert world.bought == (["a", "b"] if fault in MADE else ["a"])
    report = world.report()
    assert [entry["status"] for entry in report["orders"]] == ["placed", "unknown", "planned"]
    assert (report["orders"][1]["attempts"][0]["outcome"], report["orders"][2]["attempts"]) == ("unknown", [])
    assert [error["code"] for error in report["orders"][1]["errors"]] == ["PSR504"]
    assert Decimal(report["money"]["spent_confirmed"]) == Decimal(report["money"]["spent_possible"]) == PRICE
    assert "crawl/b" in result.out
    assert "may have been charged" in result.out


@pytest.mark.parametrize("fault", ["close-before", "close-after"])
def test_the_next_run_refuses_by_name_and_says_what_to_do(world: World, fault: str) -> None:
    """An open order stops the next run before any money request: exit 7, which order, how much, and the way out."""
    three(world, f"{fault}@2")
    assert world.apply().code == 7
    refused = world.apply()
    assert refused.code == 7
    assert world.money_requests == 2
    for words in ("crawl/b", "1.80", "vendor's dashboard", "order-runner status"):
        assert words in refused.output
    report = world.report()
    assert [entry["status"] for entry in report["orders"]] == ["already_placed", "unknown", "planned"]
    assert Decimal(report["money"]["spent_possible"]) == PRICE
    assert Decimal(report["money"]["spent_confirmed"]) == 0


@pytest.mark.parametrize("fault", ["slow:0.5", "drip:0.001"])
def test_a_slow_answer_is_an_answer(world: World, fault: str) -> None:
    """An answer that comes in time settles the order, however it dawdles."""
    kind, _, argument = fault.partition(":")
    three(world, f"{kind}@2:{argument}")
    assert world.apply().code == 0
    assert world.bought == ["a", "b", "c"]


def test_an_unknown_order_is_shown_by_status(world: World) -> None:
    """`status` exits 7 while an order is open, puts it first, and says what it may have cost and what to do."""
    three(world, "close-after@2")
    assert world.apply().code == 7
    result = world.run("status", MANIFEST)
    assert result.code == 7
    assert result.out.index("crawl/b") < result.out.index("crawl/a")
    assert "1 open order may have cost 1.80 USD" in result.out
    data = world.run("status", "-f", "json")
    assert data.code == 7
    open_row, *others = data.json["orders"]
    assert (open_row["key"], open_row["state"], open_row["open"]) == ("crawl/b", "unknown", True)
    assert Decimal(open_row["claim"]["balance"]) == Decimal(world.report()["orders"][0]["result"]["balance"])
    assert [command in result.out for command in open_row["settled_by"]] == [True] * 3
    assert [(row["claim"], row["settled_by"]) for row in others] == [(None, [])]


def test_an_unknown_order_blocks_other_manifests_of_its_account(world: World) -> None:
    """A possible charge stops every batch of the account, and no other account."""
    world.serve(accounts={CANARY: Decimal(1000), SECOND: Decimal(1000)})
    world.box.add_fault("close-after@1")
    world.manifest(ipv4("a"))
    assert world.apply().code == 7
    other = world.manifest(ipv4("x"), name="other.yaml", batch="other")
    blocked = world.apply(other)
    assert (blocked.code, world.bought) == (7, ["a"])
    assert "crawl/a" in blocked.output
    report = world.report()
    assert [(entry["name"], entry["status"]) for entry in report["orders"]] == [("x", "planned")]
    assert Decimal(report["money"]["spent_possible"]) == PRICE
    assert any("crawl/a" in error["message"] for error in report["errors"])
    second = {"PROXY_SELLER_API_KEY": SECOND}
    assert world.apply("--account", "second", "--new-account", other, env=second).code == 0
    assert world.bought == ["a", "x"]


def test_plan_and_dry_run_name_an_unknown_order(world: World) -> None:
    """Whoever only looks is told of an open charge with the same exit code."""
    three(world, "close-after@2")
    assert world.apply().code == 7
    for call in (("plan",), ("apply", "--dry-run"), ("apply", "--dry-run=offline")):
        result = world.run(*call, MANIFEST)
        assert result.code == 7, call
        assert "crawl/b" in result.output
    assert world.money_requests == 2


def test_an_order_made_after_we_gave_up_is_never_bought_again(world: World) -> None:
    """The vendor makes the order once nobody waits any more; later runs refuse all the same."""
    world.box.add_fault("silent-later@1:2")
    world.manifest(ipv4("a"))
    assert world.apply(*IMPATIENT, MANIFEST).code == 7
    world.wait_for(lambda: world.bought == ["a"])
    assert world.apply().code == 7
    assert (world.bought, world.money_requests) == (["a"], 1)


def test_an_unknown_outcome_keeps_its_evidence(world: World) -> None:
    """Status, a digest and the head of a doubtful answer are in the report, and none of them is the key."""
    three(world, "502-after@2")
    assert world.apply().code == 7
    entry = world.order("b")
    assert entry["attempts"][0]["http_status"] == 502
    assert "502 Bad Gateway" in entry["evidence"]["body_head"]


@pytest.mark.parametrize("fault", ["429@2", "429@2:1"])
def test_a_throttled_order_is_tried_again_and_bought_once(world: World, fault: str) -> None:
    """HTTP 429 proves that nothing was bought: the order is sent again, after `Retry-After`, and placed."""
    three(world, fault)
    assert world.apply().code == 0
    assert world.bought == ["a", "b", "c"]
    assert world.money_requests == 4
    assert [(attempt["n"], attempt["outcome"]) for attempt in world.order("b")["attempts"]] == [
        (1, "not_sent"),
        (2, "placed"),
    ]
    tries = [request.at for request in world.box.requests if request.endpoint == "order/make"]
    assert tries[2] - tries[1] >= 1


def test_endless_throttling_is_a_matter_of_access(world: World) -> None:
    """A vendor that only ever says 429 is asked a bounded number of times: exit 3, nothing bought, nothing unknown."""
    world.box.add_fault("429x*:0")
    world.manifest(ipv4("a"), ipv4("b"))
    assert world.apply().code == 3
    assert world.bought == []
    assert 2 <= world.money_requests <= 4
    report = world.report()
    assert [entry["status"] for entry in report["orders"]] == ["planned", "planned"]
    assert report["orders"][0]["errors"][0]["category"] == "access"
    assert Decimal(report["money"]["spent_possible"]) == 0


@pytest.mark.parametrize("items", [1, 2, 3])
def test_a_refused_access_stops_the_batch(world: World, items: int) -> None:
    """The access refusal in the middle: exit 3, that order rejected, later ones not begun, the next run goes on."""
    world.serve(triple_items=items)
    three(world, "triple@2")
    result = world.apply()
    assert result.code == 3
    assert (world.bought, world.money_requests) == (["a"], 2)
    assert [entry["status"] for entry in world.report()["orders"]] == ["placed", "rejected", "planned"]
    (finding, *_) = world.order("b")["errors"]
    assert (finding["code"], finding["category"]) == ("PSR502", "access")
    assert "allowed addresses" in finding["hint"]
    assert world.apply().code == 0
    assert world.bought == ["a", "b", "c"]


def test_funds_that_end_in_the_middle_lose_nothing(world: World) -> None:
    """The order that cannot be paid is rejected with exit 6, earlier ones stay placed, and a top-up buys the rest."""
    world.box.add_fault("no-funds@3")
    world.manifest(*(ipv4(name) for name in "abcd"))
    result = world.apply()
    assert result.code == 6
    assert world.bought == ["a", "b"]
    statuses = [entry["status"] for entry in world.report()["orders"]]
    assert statuses[:3] == ["placed", "placed", "rejected"]
    assert statuses[3] in ("refused", "rejected", "planned")
    vendor = world.order("c")["errors"][0]["vendor"]
    assert vendor["message"].startswith("Insufficient funds")
    assert vendor["message"] in result.out
    world.box.set_balance(Decimal(100), CANARY)
    assert world.apply().code == 0
    assert world.bought == ["a", "b", "c", "d"]


def test_a_rejected_order_points_at_its_line_and_may_be_mended(world: World) -> None:
    """A refusal at the purchase names field, line and column in the manifest; the mended order is bought."""
    world.serve(require_target=False)
    world.box.add_fault("no-funds@1")
    world.manifest(ipv4("a"))
    assert world.apply().code == 6
    (finding,) = world.order("a")["errors"]
    assert (finding["code"], finding["category"], finding["file"]) == ("PSR501", "rejected", MANIFEST)
    assert world.run("status", MANIFEST).code == 0
    world.box.set_balance(Decimal(100), CANARY)
    world.manifest(ipv4("a", quantity=2))
    assert world.apply().code == 0
    assert world.purchases[0].body["quantity"] == 2
    assert [attempt["n"] for attempt in world.order("a")["attempts"]] == [2]


def test_fail_fast_stops_at_the_first_refusal(world: World) -> None:
    """With `--fail-fast` nothing is begun after an order that the vendor refuses."""
    world.box.add_fault("no-funds@2")
    world.manifest(*(ipv4(name) for name in "abc"))
    assert world.apply("--fail-fast", MANIFEST).code == 6
    assert world.bought == ["a"]
    assert [entry["status"] for entry in world.report()["orders"]] == ["placed", "rejected", "planned"]


def test_a_price_that_rises_between_plan_and_purchase_is_not_paid(world: World) -> None:
    """A dearer second quote is refused with both amounts; nothing of it is bought, and the next run shows the price."""
    world.box.add_fault("price-up-quote@3:10")
    world.manifest(*(ipv4(name, **ASKED_EACH_TIME) for name in "abc"))
    result = world.apply()
    assert result.code == 5
    assert world.bought == []
    (finding,) = world.order("a")["errors"]
    assert finding["code"] == "PSR408"
    assert "1.98" in finding["message"]
    assert "1.80" in finding["message"]
    assert world.apply().code == 0
    assert [purchase.total for purchase in world.purchases] == [Decimal("1.98")] * 3


def test_a_price_within_the_tolerance_is_paid(world: World) -> None:
    """`price_tolerance` lets a price rise that far between plan and purchase."""
    world.box.add_fault("price-up-quote@1:10")
    world.manifest(ipv4("a", **ASKED_EACH_TIME), budget={"price_tolerance": "0.10"})
    assert world.apply().code == 0
    assert [purchase.total for purchase in world.purchases] == [Decimal("1.98")]
    assert world.order("a")["errors"] == []


@pytest.mark.parametrize("fault", ["overcharge@2", "price-up@2"])
def test_an_overcharge_is_recorded_flagged_and_stops_the_batch(world: World, fault: str) -> None:
    """Charged above the quote: placed, because it is bought, with a finding; nothing more is bought by this run."""
    three(world, fault)
    result = world.apply()
    assert world.bought == ["a", "b"]
    assert [entry["status"] for entry in world.report()["orders"]] == ["placed", "placed", "planned"]
    (finding,) = world.order("b")["errors"]
    assert (finding["code"], finding["category"]) == ("PSR505", "warning")
    assert Decimal(world.order("b")["result"]["total"]) == Decimal("1.98")
    assert "1.98" in finding["message"]
    assert "overcharged" in result.out
    assert result.code == 5
    assert Decimal(world.report()["money"]["spent_confirmed"]) == Decimal("3.78")


@pytest.mark.parametrize("charge", ["25,00", "$25.00 USD", -1.8, True, {"amount": 1.8}])
def test_a_charge_nobody_can_read_stops_the_batch(world: World, charge: object) -> None:
    """What is no amount is not taken for the quote: placed, with a finding that shows it, and nothing more is bought."""
    world.rewrite = lambda endpoint, document: endpoint == "order/make" and document["data"].update(total=charge)
    world.manifest(ipv4("a"), ipv4("b"))
    result = world.apply()
    assert world.bought == ["a"]
    assert [entry["status"] for entry in world.report()["orders"]] == ["placed", "planned"]
    (finding,) = world.order("a")["errors"]
    assert (finding["code"], finding["category"], result.code) == ("PSR505", "warning", 5)
    assert "which is no amount; 1.80 quoted" in finding["message"]


@pytest.mark.parametrize("charge", [None, ""])
def test_a_charge_that_is_left_out_is_the_quote(world: World, charge: object) -> None:
    """An answer without a charge says nothing against its quote: the batch goes on."""
    world.rewrite = lambda endpoint, document: endpoint == "order/make" and document["data"].update(total=charge)
    world.manifest(ipv4("a"), ipv4("b"))
    assert world.apply().code == 0
    assert world.bought == ["a", "b"]


def test_a_purchase_is_known_by_the_vendors_number(world: World) -> None:
    """Every placed order has its own vendor id in report and ledger, in order of purchase, without base numbers too."""
    world.serve(base_order_numbers=False)
    world.manifest(*(ipv4(name) for name in "abc"))
    assert world.apply().code == 0
    ids = [entry["result"]["order_id"] for entry in world.report()["orders"]]
    assert ids == [str(FIRST_ID + n) for n in range(3)]
    assert [row["order_id"] for row in world.run("status", "-f", "json").json["orders"]] == ids


class Door:
    """A way to the vendor that lets in only so many connections, and then is closed like a port without a server."""

    def __init__(self, world: World, guests: int) -> None:
        self._vendor = urlsplit(world.server.base_url)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.base_url = f"http://127.0.0.1:{self.port}{self._vendor.path}"
        self._let_in(guests)

    def open(self, guests: int) -> None:
        """Lets in more, at the same port."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._let_in(guests)

    def _let_in(self, guests: int) -> None:
        threading.Thread(target=self._receive, args=(guests,), daemon=True).start()

    def _receive(self, guests: int) -> None:
        for left in reversed(range(guests)):
            guest, _ = self._listener.accept()
            if not left:
                self._listener.close()
            threading.Thread(target=self._carry, args=(guest,), daemon=True).start()

    def _carry(self, guest: socket.socket) -> None:
        address = (self._vendor.hostname or "", self._vendor.port or 0)
        with suppress(OSError), guest, socket.create_connection(address) as vendor:
            while True:
                for end in select.select([guest, vendor], [], [])[0]:
                    data = end.recv(65536)
                    if not data:
                        return
                    (vendor if end is guest else guest).sendall(data)


def test_a_connection_that_cannot_be_made_means_not_sent(world: World) -> None:
    """The port closes between quote and purchase: tried a few times, nothing unknown, the order stays planned."""
    door = Door(world, guests=1)
    world.manifest(ipv4("a"), ipv4("b"))
    result = world.apply(env={"PROXY_SELLER_BASE_URL": door.base_url})
    assert result.code == 6
    assert (world.bought, world.money_requests) == ([], 0)
    report = world.report()
    assert [entry["status"] for entry in report["orders"]] == ["planned", "planned"]
    (finding,) = world.order("a")["errors"]
    assert (finding["code"], finding["category"]) == ("PSR503", "not_sent")
    assert "refused" in finding["message"]
    assert Decimal(report["money"]["spent_possible"]) == 0
    assert world.apply().code == 0
    assert world.bought == ["a", "b"]


def test_a_connection_that_can_be_made_again_buys_once(world: World) -> None:
    """The port opens again while the order waits for another try: bought once, by the same run."""
    door = Door(world, guests=1)
    world.manifest(ipv4("a"))
    arguments = ("apply", "--yes", "-v", MANIFEST)
    process = world.start(*arguments, env={"PROXY_SELLER_BASE_URL": door.base_url})
    assert process.stderr is not None
    while b"was not sent" not in (line := process.stderr.readline()):
        assert line, "it gave up without a word"
    door.open(guests=1)
    assert world.finish(process, *arguments).code == 0
    assert (world.bought, world.money_requests) == (["a"], 1)

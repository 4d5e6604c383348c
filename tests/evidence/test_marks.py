"""What receipts prove, and what they do not: copied, mixed, changed and foreign ones give nobody an order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runner.core.orders import OrderRequest
from runner.core.receipts import Receipt, digests_of
from runner.core.vendor import ListedProxy, SeenOrder
from runner.evidence.marks import others, read_receipts, receipt_of, rows_to_mark
from tests import make

OWN = digests_of(("default",))


def text(request: OrderRequest, account: str = "default", claim: str = "a" * 12, *, id_only: bool = False) -> str:
    return Receipt.of(account, str(request.key), request.fingerprint, claim, id_only=id_only).text


def marked(order_id: str, *receipts: str) -> SeenOrder:
    return replace(make.seen(order_id), receipts=frozenset(receipts))


A, B = make.order("a"), make.order("b", fields={"quantity": 3})
TWIN = make.order("twin")


def test_a_receipt_gives_its_order_to_the_one_request_it_means() -> None:
    """By key and content, with some rows without one, too."""
    reading = read_receipts([marked("1", text(A)), marked("2", text(B, claim="b" * 12), "")], [A, B, TWIN], OWN)
    assert {order_id: request.key for order_id, request in reading.owners.items()} == {"1": A.key, "2": B.key}
    assert reading.reasons == {}


@pytest.mark.parametrize(
    ("orders", "why"),
    [
        ([marked("1", text(A, "other"))], "another account name"),
        ([marked("1", text(A)), marked("2", text(A))], "one was copied"),
        ([marked("1", text(A)), marked("2", text(A, claim="b" * 12))], "2 orders have a receipt that means b/a"),
        ([marked("1", text(make.order("gone")))], "no order of the manifests fits"),
        ([marked("1", text(make.order("a", fields={"quantity": 9})))], "no order of the manifests fits"),
        ([marked("1", text(A, id_only=True))], "2 orders of the manifests fit"),
        ([marked("1", text(A), text(B))], "different receipts"),
        ([marked("1", "order-runner receipt or1 spoiled")], "different receipts"),
    ],
    ids=["foreign", "copied", "twice", "unknown key", "other content", "nameless twins", "mixed", "changed"],
)
def test_what_is_not_plain_is_left_with_a_reason(orders: list[SeenOrder], why: str) -> None:
    """Nothing is guessed from a receipt."""
    reading = read_receipts(orders, [A, B, TWIN], OWN)
    assert reading.owners == {}
    assert set(reading.reasons) == {order.order_id for order in orders}
    assert all(why in reason for reason in reading.reasons.values())


def test_only_a_whole_unique_foreign_receipt_makes_an_order_anothers() -> None:
    """Every row has it, and no other order the same claim."""
    whole = marked("1", text(A, "other"))
    assert others([whole], OWN) == {"1"}
    assert others([marked("1", text(A, "other"), "")], OWN) == frozenset()
    assert others([whole, marked("2", text(A, "other"))], OWN) == frozenset()
    assert others([marked("1", text(A))], OWN) == frozenset()
    assert others([whole], digests_of(("default", "other"))) == frozenset()
    assert others([marked("1", "order-runner receipt or1 spoiled"), marked("2")], OWN) == frozenset()


def test_a_receipt_of_an_order_is_the_only_one() -> None:
    """Without one, or with two, there is none."""
    assert receipt_of(marked("1")) is None
    assert receipt_of(marked("1", text(A), text(B))) is None
    assert receipt_of(marked("1", text(A), "")) == Receipt.of("default", "b/a", A.fingerprint, "a" * 12)


def row(row_id: str, comment: str) -> ListedProxy:
    return ListedProxy(type="ipv4", order_id="1", row_id=row_id, ip="192.0.2.1", comment=comment)


def test_a_receipt_is_written_over_nothing_but_our_own() -> None:
    """Empty comments and earlier receipts of ours; a person's, another name's and what is there already stay."""
    receipt = Receipt.of("default", "b/a", A.fingerprint, "a" * 12)
    rows = [
        row("empty", " "),
        row("there", receipt.text),
        row("stripped", receipt.text.replace("-", "")),
        row("renamed", text(make.order("before"))),
        row("person", "mine"),
        row("cut", receipt.text[:-4]),
        row("foreign", text(A, "other")),
    ]
    wanted, left = rows_to_mark(rows, receipt, OWN)
    assert wanted == ("empty", "renamed")
    assert left == ("2 of its rows have a comment of its own", "1 of its rows have a receipt of another account name")

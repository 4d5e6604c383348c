"""The vendor behind the emulated API: accounts, quotes, orders. A pure state machine, no I/O and no clock of its own.

Decisions (`buy`, `renew`) change nothing and return an event; `apply` is the only way the state changes. So the
state is always the fold of its events, and a restart is a replay.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from functools import partial
from typing import Any

from runner.sandbox import basket, goods, shelf
from runner.sandbox.basket import BALANCE, Basket, RefusedError
from runner.sandbox.memory import Sale
from runner.sandbox.options import DEFAULT_BALANCE, SANDBOX_KEY, Options
from runner.sandbox.shelf import Lot, Shelf

Event = dict[str, Any]
Body = Mapping[str, Any]
FIRST_ORDER, FIRST_PREFIX, FIRST_NUMBER = 2_426_273, 3_388_485, 57_471_911


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What an order costs now, in USD; `short` is what the balance lacks, 0 when it suffices or is not asked."""

    quantity: int
    price: Decimal
    total: Decimal
    discount: Decimal
    balance: Decimal
    short: Decimal

    @property
    def warning(self) -> str:
        """The vendor's words for a short balance, where "Total" is the balance; empty if there is enough."""
        if not self.short:
            return ""
        held = f"{self.balance:f}"
        held = held.rstrip("0").rstrip(".") if "." in held else held
        return f"Insufficient funds. Total ${held}. Not enough ${self.short:.2f}"


@dataclass(slots=True, kw_only=True)
class Package:
    """The resident traffic of an account, in bytes; every resident order adds to it."""

    limit: int
    tariff: int
    ends: float


@dataclass(slots=True, kw_only=True)
class Customer:
    """A customer: its balance in USD and what it was delivered or is owed."""

    key: str
    balance: Decimal
    shelves: dict[str, Shelf]
    lots: dict[int, Lot] = field(default_factory=dict)
    residents: list[Lot] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """An order received and not made yet: it will be at `due`, if the money is there then."""

    due: float
    account: str
    body: dict[str, Any]


def mark_of(key: str) -> str:
    """The name of an account in events, which must not hold API keys."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


class Vendor:
    """All accounts and their orders."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.purchases: list[Sale] = []
        self.later: dict[int, Later] = {}
        self.rise = Decimal(1)
        self.edits: list[goods.Edit] = []
        self._orders = self._laters = self._addresses = 0
        self._accounts: dict[str, Customer] = {}
        for key, balance in {SANDBOX_KEY: DEFAULT_BALANCE, **options.accounts}.items():
            self._accounts[mark_of(key)] = self._new_account(key, balance)

    def accounts(self) -> list[Customer]:
        """All accounts, the default one first."""
        return list(self._accounts.values())

    def account(self, key: str) -> Customer:
        """The account of an API key. Raises KeyError."""
        return self._accounts[mark_of(key)]

    def quote(self, account: Customer, body: Body) -> Price:
        """What the order costs this account. Raises RefusedError."""
        return self._quote(account, self._read(body))

    def _read(self, body: Body) -> Basket:
        order = basket.read(body)
        basket.check_switches(order, body, self.options)
        return order

    def _quote(self, account: Customer, order: Basket, surcharge: Decimal = Decimal(0)) -> Price:
        price = goods.raise_price(order.price, self.rise)
        total = goods.raise_price(price * order.quantity, 1 + surcharge / 100)
        short = max(total - account.balance, Decimal(0)) if order.payment == BALANCE else Decimal(0)
        return Price(
            quantity=order.quantity,
            price=price,
            total=total,
            discount=order.discount,
            balance=account.balance,
            short=short,
        )

    def buy(
        self,
        account: Customer,
        body: Body,
        at: float,
        *,
        surcharge: Decimal = Decimal(0),
        stranger: bool = False,
        later: int | None = None,
    ) -> Event:
        """The event of an order made now, `surcharge` percent dearer than its price. Raises RefusedError."""
        order = self._read(body)
        quote = self._quote(account, order, surcharge)
        if quote.short:
            raise RefusedError(quote.warning)
        paid = quote.total if order.payment == BALANCE else Decimal(0)
        order_id = FIRST_ORDER + self._orders
        return {
            "event": "purchase",
            "order_id": order_id,
            "account": mark_of(account.key),
            "type": order.type,
            "body": dict(body),
            "total": str(quote.total),
            "balance": str(account.balance - paid),
            "numbers": [self._base_number(order_id, at)],
            "at": at,
            "stranger": stranger,
            "later": later,
        }

    def _base_number(self, order_id: int, at: float) -> str:
        if self.options.order_numbers == "marked":  # the millisecond of its making, and two characters more
            return f"NS_{int(at * 1000) + self._orders}-{self._orders % 256:02X}"
        prefix = order_id if self.options.number_prefix == "order" else FIRST_PREFIX + self._orders
        return f"{prefix}_{FIRST_NUMBER + self._orders}"

    def renew(self, order_id: int, at: float, *, new_id: bool, charge: bool) -> Event:
        """The event of a renewal for the order's own period. Raises KeyError, or RefusedError on a short balance."""
        account, lot = self._find(order_id)
        quote = self._quote(account, lot.basket)
        if charge and quote.short:
            raise RefusedError(quote.warning)
        paid = quote.total if charge and lot.basket.payment == BALANCE else Decimal(0)
        left = str(account.balance - paid)
        return {"event": "renewal", "order_id": order_id, "balance": left, "at": at, "new_id": new_id}

    def apply(self, event: Event) -> None:
        """Changes the state by one event."""
        match event["event"]:
            case "purchase":
                self._apply_purchase(event)
            case "balance":
                self._account_of(event["account"]).balance = Decimal(event["balance"])
            case "renewal":
                self._apply_renewal(event)
            case "later":
                self._laters += 1
                self.later[self._laters] = Later(due=event["due"], account=event["account"], body=event["body"])
            case "dropped":
                self.later.pop(event["later"], None)
            case "prices":
                self.rise = Decimal(event["rise"])
            case other:
                raise KeyError(other)

    def _new_account(self, key: str, balance: Decimal) -> Customer:
        types = (type_ for type_ in goods.TYPES if type_ != "resident")
        draw = partial(shelf.render, options=self.options)
        balance = balance.quantize(goods.CENT, ROUND_CEILING)
        return Customer(key=key, balance=balance, shelves={type_: Shelf(draw) for type_ in types})

    def _account_of(self, mark: str) -> Customer:
        """The account of an event; one that the options no longer name keeps its history under its mark."""
        if mark not in self._accounts:
            self._accounts[mark] = self._new_account(f"({mark})", Decimal(0))
        return self._accounts[mark]

    def _find(self, order_id: int) -> tuple[Customer, Lot]:
        for account in self._accounts.values():
            if order_id in account.lots:
                return account, account.lots[order_id]
        raise KeyError(f"no order {order_id} with addresses to renew")

    def _apply_purchase(self, event: Event) -> None:
        account = self._account_of(event["account"])
        purchase = Sale(
            order_id=event["order_id"],
            key=account.key,
            type=event["type"],
            body=event["body"],
            total=Decimal(event["total"]),
            balance=Decimal(event["balance"]),
            base_order_numbers=tuple(event["numbers"]),
            at=event["at"],
            stranger=event["stranger"],
        )
        account.balance = purchase.balance
        self.purchases.append(purchase)
        self.later.pop(event["later"], None)
        self._orders += 1
        self._deliver(account, purchase)

    def _deliver(self, account: Customer, purchase: Sale) -> None:
        order = basket.read(purchase.body)
        lot = Lot(
            purchase=purchase,
            basket=order,
            serial=self._addresses,
            count=(order.quantity + 1) // 2 if self.options.partial_delivery else order.quantity,
            due=purchase.at + self._delay(order.type),
            ends=shelf.end_of(purchase.at, order.period or "1m"),
            shown_id=purchase.order_id,
            marked=self.options.order_numbers == "marked",
        )
        if order.tariff:
            account.residents.append(lot)
            return
        self._addresses += order.quantity
        account.lots[purchase.order_id] = lot
        account.shelves[order.type].add(lot)

    def _delay(self, type_: str) -> float:
        mobile = self.options.mobile_delay
        return mobile if type_ == "mobile" and mobile is not None else self.options.provisioning_delay

    def _apply_renewal(self, event: Event) -> None:
        account, lot = self._find(event["order_id"])
        account.balance = Decimal(event["balance"])
        lot.renewals += 1
        lot.serial, self._addresses = self._addresses, self._addresses + lot.basket.quantity
        lot.ends = shelf.end_of(lot.ends, lot.basket.period)
        if event["new_id"]:
            lot.shown_id, self._orders = FIRST_ORDER + self._orders, self._orders + 1
        account.shelves[lot.basket.type].stale()

    def due_orders(self, now: float) -> list[tuple[int, Customer, Later]]:
        """The late orders that are due, in the order of their time."""
        due = sorted(
            ((n, late) for n, late in self.later.items() if late.due <= now),
            key=lambda pair: pair[1].due,
        )
        return [(number, self._account_of(late.account), late) for number, late in due]


def package_of(account: Customer, now: float) -> Package | None:
    """The account's resident traffic as delivered by now; None if there is none."""
    lots = [lot for lot in account.residents if lot.due <= now]
    tariffs = [lot.basket.tariff for lot in lots if lot.basket.tariff]
    if not tariffs:
        return None
    return Package(limit=sum(t.traffic for t in tariffs), tariff=tariffs[-1].id, ends=lots[-1].ends)

"""The vendor behind the emulated API: accounts, quotes, orders. A pure state machine, no I/O and no clock of its own.

Decisions (`buy`, `renew`, those in `prolong`) change nothing and return an event; `apply` is the only way the state
changes. So the state is always the fold of its events, and a restart is a replay.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import ROUND_CEILING, Decimal
from functools import partial
from typing import Any, Literal

from runner.sandbox import basket, dashboard, goods, notes, prolong, shelf
from runner.sandbox.basket import BALANCE, Basket, RefusedError
from runner.sandbox.customers import Customer, Event, Later, NoOrderError, Price, mark_of
from runner.sandbox.dates import end_of
from runner.sandbox.memory import Extension, Sale
from runner.sandbox.options import DEFAULT_BALANCE, SANDBOX_KEY, Options
from runner.sandbox.shelf import Lot, Shelf

Body = Mapping[str, Any]
FIRST_ORDER, FIRST_PREFIX, FIRST_NUMBER = 2_426_273, 3_388_485, 57_471_911


class Vendor:
    """All accounts and their orders."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.purchases: list[Sale] = []
        self.renewals: list[Extension] = []
        self.later: dict[int, Later] = {}
        self.rise = Decimal(1)
        self.edits: list[goods.Edit] = []
        self.clock_offset = 0.0
        self.auto_renewals: dict[int, Lot] = {}
        self._orders = self._laters = self._addresses = 0
        self._lots: list[Lot] = []
        self._renumbered: dict[int, tuple[Lot, int]] = {}
        self._appliers: dict[str, Callable[[Event], object]] = {
            "purchase": self._apply_purchase,
            "renewal": self._apply_renewal,
            "balance": self._set_balance,
            "prices": self._set_prices,
            "later": self._receive,
            "dropped": lambda event: self.later.pop(event["later"], None),
            "edit": partial(dashboard.apply, self),
            "unpaid": lambda event: self.auto_renewals.pop(event["order_id"]),
            "comment": self._comment,
            "list": self._add_list,
            "traffic": self._use_traffic,
            "clock": self._set_clock,
        }
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
        order_id = self.order_id
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

    def renew(
        self,
        order_id: int,
        at: float,
        *,
        period: str | None = None,
        new_id: bool = False,
        charge: bool = True,
        by: Literal["hand", "vendor"] = "hand",
    ) -> Event:
        """The event of a renewal outside the API, for the order's own period unless another is given.

        Raises KeyError for an order without addresses, RefusedError on a short balance.
        """
        account, lot = self.find(order_id)
        if not lot.count:
            raise NoOrderError(f"no rows of order {order_id} to renew")
        chosen = prolong.Chosen(
            type=lot.basket.type,
            lots=((lot, tuple(range(lot.count))),),
            period=period or lot.basket.period,
            payment=lot.basket.payment,
        )
        return prolong.event_of(self, account, chosen, at, by=by, charge=charge, new_id=new_id)

    @property
    def order_id(self) -> int:
        """The id that the next order gets."""
        return FIRST_ORDER + self._orders

    def next_order_id(self) -> int:
        """The id that the next order would get, which now is taken."""
        self._orders += 1
        return FIRST_ORDER + self._orders - 1

    def next_addresses(self, lot: Lot, indexes: Sequence[int]) -> int:
        """The first of as many numbers as there are indexes, which are the rows of those addresses from now on."""
        first, self._addresses = self._addresses, self._addresses + len(indexes)
        self._renumbered.update((first + n, (lot, index)) for n, index in enumerate(indexes))
        return first

    def addresses(self, account: Customer, ids: Iterable[int | None], now: float) -> list[tuple[Lot, int] | None]:
        """The order and index of each address that the account's lists show under these row ids; None without one."""
        on_shelf: dict[int, set[int]] = {}
        places: list[tuple[Lot, int] | None] = []
        for id_ in ids:
            number = (id_ or 0) - shelf.FIRST_ROW
            lot, index = self._renumbered.get(number) or self._delivered_as(number)
            if lot is None or account.lots.get(lot.purchase.order_id) is not lot or lot.view(index, now).row != number:
                places.append(None)
                continue
            if lot.serial not in on_shelf:
                on_shelf[lot.serial] = set(account.shelves[lot.basket.type].indexes_of(lot, now))
            places.append((lot, index) if index in on_shelf[lot.serial] else None)
        return places

    def _delivered_as(self, number: int) -> tuple[Lot | None, int]:
        place = bisect_right(self._lots, number, key=lambda lot: lot.serial) - 1
        lot = self._lots[place] if place >= 0 else None
        return (lot, number - lot.serial) if lot and number < lot.serial + lot.basket.quantity else (None, 0)

    def apply(self, event: Event) -> None:
        """Changes the state by one event. Raises KeyError for an unknown one."""
        self._appliers[event["event"]](event)

    def _set_balance(self, event: Event) -> None:
        self._account_of(event["account"]).balance = Decimal(event["balance"])

    def _receive(self, event: Event) -> None:
        self._laters += 1
        self.later[self._laters] = Later(
            due=event["due"], account=event["account"], body=event["body"], type=event.get("type")
        )

    def _comment(self, event: Event) -> None:
        notes.apply(self._account_of(event["account"]), event)

    def _add_list(self, event: Event) -> None:
        self._account_of(event["account"]).lists.append(event["list"])

    def _use_traffic(self, event: Event) -> None:
        self._account_of(event["account"]).traffic_used += event["used"]

    def _set_prices(self, event: Event) -> None:
        self.rise = Decimal(event["rise"])

    def _set_clock(self, event: Event) -> None:
        self.clock_offset = event["offset"]

    def _new_account(self, key: str, balance: Decimal) -> Customer:
        types = (type_ for type_ in goods.TYPES if type_ != "resident")
        balance = balance.quantize(goods.CENT, ROUND_CEILING)
        return Customer(key=key, balance=balance, shelves={type_: Shelf(self.options) for type_ in types})

    def _account_of(self, mark: str) -> Customer:
        """The account of an event; one that the options no longer name keeps its history under its mark."""
        if mark not in self._accounts:
            self._accounts[mark] = self._new_account(f"({mark})", Decimal(0))
        return self._accounts[mark]

    def find(self, order_id: int) -> tuple[Customer, Lot]:
        """The account and addresses of an order. Raises KeyError."""
        for account in self._accounts.values():
            if order_id in account.lots:
                return account, account.lots[order_id]
        raise NoOrderError(f"no order {order_id} with addresses")

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
            start=purchase.at,
            ends=end_of(purchase.at, order.period or "1m"),
            shown_id=purchase.order_id,
            marked=self.options.order_numbers == "marked",
        )
        if order.tariff:
            account.residents.append(lot)
            return
        self._addresses += order.quantity
        self._lots.append(lot)
        account.lots[purchase.order_id] = lot
        account.shelves[order.type].add(lot)

    def _delay(self, type_: str) -> float:
        mobile = self.options.mobile_delay
        return mobile if type_ == "mobile" and mobile is not None else self.options.provisioning_delay

    def _apply_renewal(self, event: Event) -> None:
        if "rows" not in event:
            event = prolong.upgrade(event, *self.find(event["order_id"]))
        prolong.apply(self, self._account_of(event["account"]), event)

    def due_orders(self, now: float) -> list[tuple[int, Customer, Later]]:
        """The late orders that are due, in the order of their time."""
        due = sorted(
            ((n, late) for n, late in self.later.items() if late.due <= now),
            key=lambda pair: pair[1].due,
        )
        return [(number, self._account_of(late.account), late) for number, late in due]

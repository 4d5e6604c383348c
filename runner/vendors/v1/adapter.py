"""A vendor account over API v1: the pure adapter and the transport, put together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import TypeVar

from runner.core.clock import Clock
from runner.core.errors import AccessError
from runner.core.orders import OrderRequest, ProductType, Quote
from runner.core.vendor import (
    Answer,
    Authorization,
    Choice,
    ListedProxy,
    Look,
    NotSent,
    Placed,
    QuoteRefused,
    Rejected,
    ResidentList,
    ResidentPackage,
    SeenOrder,
    Unknown,
    Witness,
)
from runner.vendors.failures import Lost
from runner.vendors.transport import HttpConnection, Transport
from runner.vendors.v1 import prolong, reads
from runner.vendors.v1 import purchases as v1
from runner.vendors.v1.authorizations import decode_authorizations, decode_resident_lists
from runner.vendors.v1.listed import decode_proxies
from runner.vendors.v1.lists import decode_look
from runner.vendors.v1.offline import V1Encoder
from runner.vendors.v1.traffic import decode_traffic
from runner.vendors.wire import Request, Response

T = TypeVar("T")


class V1Reader(V1Encoder):
    """Reads an account; has no way to buy."""

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self.base_url = transport.base_url
        self.identity = transport.identity
        self._transport = transport
        self._clock = clock

    def quote(self, request: OrderRequest) -> Quote | QuoteRefused:
        call = v1.calc(request) if request.renews is None else prolong.calc(request)
        return self._patiently(lambda: reads.decode_calc(self._transport.read(call), self._clock.now(), call.path))

    def balance(self) -> Decimal:
        return self._patiently(lambda: reads.decode_balance(self._transport.read(v1.BALANCE_GET)))

    def witness(self, product: ProductType) -> Witness:
        return self.look(product).witness

    def look(self, product: ProductType) -> Look:
        """The default list first: an order that comes to its last days between both is in one of them then."""
        at = self._clock.now()
        if product == "resident":
            package = self._patiently(lambda: reads.decode_package(self._transport.read(v1.RESIDENT_PACKAGE)))
            return Look(type=product, at=at, package=package)
        return Look(type=product, at=at, orders=self._orders(product, v1.proxy_list, v1.ending_list))

    def proxies(
        self, product: ProductType, order_ids: Collection[str] | None = None, numbers: Collection[str] = ()
    ) -> tuple[ListedProxy, ...]:
        if product == "resident":
            return ()
        lists = [partial(self._transport.stream, call(product)) for call in (v1.proxy_list, v1.ending_list)]
        return self._patiently(lambda: decode_proxies(lists, product, order_ids, numbers))

    def authorizations(self) -> tuple[Authorization, ...]:
        return self._patiently(lambda: decode_authorizations(self._transport.read(v1.AUTH_LIST)))

    def resident_lists(self) -> tuple[ResidentList, ...]:
        return self._patiently(lambda: decode_resident_lists(self._transport.read(v1.RESIDENT_LISTS)))

    def resident_package(self) -> ResidentPackage | None:
        return self._patiently(lambda: decode_traffic(self._transport.read(v1.RESIDENT_PACKAGE)))

    def reference(self, product: ProductType) -> tuple[Choice, ...]:
        return self._patiently(
            lambda: reads.decode_reference(self._transport.read(v1.reference_list(product)), product)
        )

    def _orders(self, product: ProductType, *calls: Callable[[ProductType], Request]) -> tuple[SeenOrder, ...]:
        lists = [partial(self._transport.stream, call(product)) for call in calls]
        return self._patiently(lambda: decode_look(lists, product))

    def _patiently(self, ask: Callable[[], T]) -> T:
        """The answer; asked again, more slowly, while a refusal may be due to a rate that climbed."""
        while True:
            try:
                return ask()
            except AccessError:
                if not self._transport.slow_down():
                    raise


class V1Annotator(V1Reader):
    """Reads an account, and sets comments."""

    def annotate(self, row_ids: Sequence[str], comment: str) -> int:
        request = v1.comment_set(row_ids, comment)
        return self._patiently(lambda: reads.decode_comment(self._transport.write(request)))


class V1Buyer(V1Annotator):
    """Reads an account, and buys on it."""

    @contextmanager
    def connect(self) -> Iterator[V1Connection | NotSent]:
        with self._transport.connect() as connection:
            yield connection if isinstance(connection, NotSent) else V1Connection(connection)


class V1Connection:
    """One open connection, good for one purchase."""

    def __init__(self, connection: HttpConnection) -> None:
        self._connection = connection

    def send(self, request: OrderRequest, guard: Callable[[], str | None]) -> Answer:
        is_renewal = request.renews is not None
        decode = partial(prolong.decode_renewal, request=request) if is_renewal else v1.decode_make
        answer = self._connection.exchange((prolong if is_renewal else v1).make(request), guard)
        if isinstance(answer, NotSent):
            return Answer(outcome=answer)
        if isinstance(answer, Lost):
            return _lost_answer(answer, decode)
        read = decode(answer)
        if isinstance(read.outcome, Rejected) and read.outcome.access:
            self._connection.slow_down()
        return read


def _lost_answer(answer: Lost, decode: Callable[[Response], Answer]) -> Answer:
    """Unknown, whatever the bytes that came would have meant as a whole; but an order among them is a hint."""
    if answer.status is None:
        return Answer(outcome=Unknown(reason=answer.reason))
    read = decode(Response(status=answer.status, body=answer.body))
    placed = isinstance(read.outcome, Placed)
    hinted = isinstance(read.outcome, Unknown) and read.outcome.leaning_placed
    return replace(read, outcome=Unknown(reason=answer.reason, leaning_placed=placed or hinted))

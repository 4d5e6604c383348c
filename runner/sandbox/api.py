"""The endpoints of API v1: from a call to an ordinary answer, faults aside (docs/vendor/api-v1.md#endpoints)."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from runner.sandbox import basket, download, goods, notes, prolong, shelf, traffic
from runner.sandbox.accounts import Vendor
from runner.sandbox.basket import RefusedError
from runner.sandbox.customers import Customer, Event, Price, package_of
from runner.sandbox.dates import DAY
from runner.sandbox.options import Options
from runner.sandbox.replies import Reply, amount, error_with_data, html, refusal, success, to_json, warning, wrap
from runner.sandbox.shelf import Parcel, Shelf

JSON = dict[str, Any]
PAYMENTS = [{"id": "29", "name": "PayPal"}, {"id": "37", "name": "Visa / MasterCard"}]
Commit = Callable[[Event], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiCall:
    """A request to the API: `endpoint` is the path after the key, without slashes at its ends."""

    method: str
    key: str
    endpoint: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def family(self) -> str:
        """The endpoint without a trailing type: `proxy/list` for `proxy/list/isp`."""
        for name in ("proxy/list", "reference/list", "proxy/download", "prolong/calc", "prolong/make"):
            if self.endpoint.startswith(name + "/"):
                return name
        return self.endpoint

    @property
    def type(self) -> str | None:
        """The trailing type; the vendor's own client sends `None` where it means all."""
        type_ = self.endpoint[len(self.family) + 1 :]
        return None if type_ in ("", "None") else type_


def call_of(method: str, key: str, endpoint: str, params: Mapping[str, str], raw: bytes) -> ApiCall:
    """A call; a body that is not a JSON object counts as an empty one."""
    try:
        body = json.loads(raw) if raw else {}
    except ValueError:
        body = {}
    body = body if isinstance(body, dict) else {}
    return ApiCall(method=method, key=key, endpoint=endpoint, params=params, body=body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """The endpoints over one vendor; `now` is the time of the call, `commit` records and applies an event.

    `surcharge` is the percentage by which a purchase is charged more than its price, `actions` what a fault makes of a
    renewal.
    """

    vendor: Vendor
    now: float
    commit: Commit
    surcharge: Decimal = Decimal(0)
    actions: frozenset[str] = frozenset()

    @property
    def options(self) -> Options:
        """The vendor's switches."""
        return self.vendor.options

    def answer(self, call: ApiCall, account: Customer) -> Reply:
        """The ordinary answer to a call with a good key."""
        if call.family not in ROUTES:
            return html(404, "404 Not Found")
        method, handler = ROUTES[call.family]
        if call.method != method:
            return html(405, "405 Method Not Allowed", (("Allow", method),))
        try:
            return handler(self, call, account)
        except RefusedError as refused:
            return refusal(str(refused), refused.code)

    def _make(self, call: ApiCall, account: Customer) -> Reply:
        event = self.vendor.buy(account, call.body, self.now, surcharge=self.surcharge)
        self.commit(event)
        data = {"orderId": event["order_id"], "total": self._money(Decimal(event["total"]))}
        if self.options.base_order_numbers:
            data["listBaseOrderNumbers"] = event["numbers"]
        return success(data | {"balance": self._money(account.balance)})

    def _money(self, value: Decimal) -> int | float | str:
        return amount(value, self.options.money)

    def _calc(self, call: ApiCall, account: Customer) -> Reply:
        quote = self.vendor.quote(account, call.body)
        data = self._price_data(quote) | {"price": self._money(quote.price)}
        as_error = quote.warning and self.options.calc_warning == "error"
        return warning(data) if as_error else success(data)

    def _price_data(self, quote: Price) -> JSON:
        return {
            "warning": quote.warning,
            "balance": self._money(quote.balance),
            "total": self._money(quote.total),
            "quantity": quote.quantity,
            "currency": "USD",
            "discount": self._money(quote.discount),
        }

    def _calc_renewal(self, call: ApiCall, account: Customer) -> Reply:
        chosen = prolong.choose(self.vendor, account, call.type or "", call.body, self.now)
        quote = prolong.price(self.vendor, account, chosen)
        as_error = quote.warning and self.options.renewal_warning == "error"
        data = self._renewal(chosen, quote)
        return warning(data) if as_error else success(data)

    def _renewal(self, chosen: prolong.Chosen, quote: Price) -> JSON:
        items = list(prolong.items(self.vendor, chosen, self.now))
        return self._price_data(quote) | {"items": items, "orders": len(chosen.lots)}

    def _make_renewal(self, call: ApiCall, account: Customer) -> Reply:
        chosen = prolong.choose(self.vendor, account, call.type or "", call.body, self.now)
        if prolong.in_progress(self.vendor, account, chosen, self.now):
            raise RefusedError("Prolong for this order is already in progress", prolong.IN_PROGRESS)
        quote = prolong.price(self.vendor, account, chosen, self.surcharge)
        if quote.short:
            return self._refuse_renewal(chosen, quote)
        event = prolong.event_of(self.vendor, account, chosen, self.now, surcharge=self.surcharge, actions=self.actions)
        self.commit(event)
        first = chosen.lots[0][0]
        answer = {"new": event["answer"], "empty": "", "same": first.shown_id}[self.options.renewal_id]
        data = {"orderId": answer, "total": self._money(Decimal(event["total"]))}
        if self.options.base_order_numbers:
            data["listBaseOrderNumbers"] = [lot.base_number for lot, _ in chosen.lots]
        return success(data | {"balance": self._money(account.balance)})

    def _refuse_renewal(self, chosen: prolong.Chosen, quote: Price) -> Reply:
        match self.options.renewal_refusal:
            case "text":
                return refusal(quote.warning)
            case "data":
                return warning(self._renewal(chosen, quote))
            case "code":
                text = "Insufficient funds on balance"
                return error_with_data(self._renewal(chosen, quote), text, prolong.NO_FUNDS)

    def _reference(self, call: ApiCall, _account: Customer) -> Reply:
        text_ids = self.options.ids == "string"
        if call.type is None:
            return success({type_: self._section(type_, text_ids=text_ids) for type_ in goods.TYPES})
        if call.type not in goods.TYPES:
            return refusal("Set existed [type] from reference")
        items = self._section(call.type, text_ids=text_ids)
        return success({"items": [items] if self.options.items_shape == "list" else items})

    def _section(self, type_: str, *, text_ids: bool) -> JSON:
        return goods.apply_edits(type_, goods.section(type_, text_ids=text_ids), self.vendor.edits)

    def _proxies(self, call: ApiCall, account: Customer) -> Reply:
        filters = self._filters(call)
        if call.type is None:
            rows = {type_: self._rows(account, type_, filters) for type_ in goods.TYPES}
            nested = self.options.untyped_list == "nested"
            parts = (f'"{t}":'.encode() + (_items(r) if nested else b"[" + r + b"]") for t, r in rows.items())
            return wrap(b"{" + b",".join(parts) + b"}")
        if call.type not in goods.TYPES:
            return refusal("Set existed [type] from reference")
        return wrap(_items(self._rows(account, call.type, filters)))

    def _filters(self, call: ApiCall) -> dict[str, str]:
        given = {"query": call.params, "body": call.body, "ignored": {}}[self.options.filters]
        filters = {name: str(given.get(name) or "") for name in ("latest", "orderId", "country", "ends")}
        return {name: value for name, value in filters.items() if value and value != "N"}

    def _rows(self, account: Customer, type_: str, filters: Mapping[str, str]) -> bytes:
        own = account.shelves.get(type_)
        if own is None:
            return b""
        if not filters and not self._veil:
            return own.rows(self.now)
        return b",".join(to_json(row) for row in self._chosen_rows(own, filters, self._veil))

    @property
    def _veil(self) -> float:
        """So many seconds before their end, rows are in the list of ending ones and in no other."""
        return 0.0 if self.options.filters == "ignored" else self.options.ends_hidden * DAY

    def _chosen_rows(self, own: Shelf, filters: Mapping[str, str], hidden: float) -> Iterator[JSON]:
        own.settle(self.now)
        alpha3 = filters.get("country")
        ending = {"status": "Ends"} if hidden and "ends" in filters else {}
        for parcel in _choose(own.parcels, filters):
            for index, row in zip(parcel.indexes(self.now), shelf.rows_of(parcel, self.options, self.now), strict=True):
                left = parcel.lot.view(index, self.now).ends - self.now
                near = left <= (hidden or shelf.ENDING) if "ends" in filters else left > hidden
                if near and alpha3 in (None, row["country_alpha3"]):
                    yield row | ending

    def _authorizations(self, _call: ApiCall, account: Customer) -> Reply:
        lots = [lot for lot in account.lots.values() if lot.basket.generate_auth or lot.basket.auth_ip]
        running = [lot for lot in lots if lot.due + self.options.auth_delay <= self.now < lot.last_end]
        return success([shelf.authorization(lot, self.options) for lot in running])

    def _comment(self, call: ApiCall, account: Customer) -> Reply:
        event = notes.event_of(self.vendor, account, call.body, self.now)
        self.commit(event)
        return success({"updated": len(event["rows"])})

    def _package(self, _call: ApiCall, account: Customer) -> Reply:
        package = package_of(account, self.now)
        if package is None:
            return refusal("Tarif not found")
        return success(traffic.package_json(package, self.now, self.options))

    def _resident_lists(self, _call: ApiCall, account: Customer) -> Reply:
        lists = [traffic.list_json(made, self.options) for made in account.lists]
        return success({"items": lists} if self.options.resident_lists == "docs" else lists)

    def _add_list(self, call: ApiCall, account: Customer) -> Reply:
        event = traffic.list_event(account, call.body, self.now, self.options)
        self.commit(event)
        return success(traffic.list_json(event["list"], self.options))

    def _download(self, call: ApiCall, account: Customer) -> Reply:
        proto = call.params.get("proto", "")
        if call.type == "resident":
            wanted = basket.integer(call.params.get("listId") or call.params.get("id"))
            rows: Iterable[JSON] = traffic.list_rows(account, wanted, basket.integer(call.params.get("maxLine")))
            proto = ""
        elif call.type in account.shelves:
            filters = {name: value for name, value in call.params.items() if name in ("country", "ends")}
            rows = self._chosen_rows(account.shelves[call.type], filters, self._veil)
        else:
            text = "Could not find description of list{type} in CrmUserApiProxy"
            raise RefusedError(text, download.UNKNOWN_TYPE)
        ext = call.params.get("ext", "")
        kind = "text/csv" if ext == "csv" else "text/plain"
        return Reply(body=download.lines(rows, ext, proto).encode(), content_type=f"{kind}; charset=utf-8")


ROUTES: dict[str, tuple[str, Callable[[Api, ApiCall, Customer], Reply]]] = {
    "order/make": ("POST", Api._make),
    "order/calc": ("POST", Api._calc),
    "prolong/calc": ("POST", Api._calc_renewal),
    "prolong/make": ("POST", Api._make_renewal),
    "balance/get": ("GET", lambda api, _, account: success({"summ": api._money(account.balance)})),
    "balance/payments/list": ("GET", lambda *_: success({"items": PAYMENTS})),
    "proxy/list": ("GET", Api._proxies),
    "reference/list": ("GET", Api._reference),
    "auth/list": ("GET", Api._authorizations),
    "resident/package": ("GET", Api._package),
    "resident/lists": ("GET", Api._resident_lists),
    "resident/list/add": ("POST", Api._add_list),
    "proxy/comment/set": ("POST", Api._comment),
    "proxy/download": ("GET", Api._download),
    "system/ping": ("GET", lambda api, *_: success({"pong": int(api.now)})),
}
"""Every endpoint that is emulated, with its method."""


def _items(rows: bytes) -> bytes:
    return b'{"items":[' + rows + b"]}"


def _choose(parcels: list[Parcel], filters: Mapping[str, str]) -> list[Parcel]:
    """Those of the last order, or of the one that is named, if a filter asks for that."""
    if "latest" in filters and parcels:
        parcels = [parcel for parcel in parcels if parcel.lot is parcels[-1].lot]
    if "orderId" in filters:
        parcels = [parcel for parcel in parcels if filters["orderId"] in parcel.lot.names]
    return parcels

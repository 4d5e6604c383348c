"""The emulator as one object: state, faults, memory of requests; `serve` puts it on a loopback port."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from runner.sandbox import control, goods, prolong
from runner.sandbox.accounts import Vendor
from runner.sandbox.api import ApiCall, call_of
from runner.sandbox.basket import RefusedError
from runner.sandbox.customers import Customer, Event, Later, mark_of
from runner.sandbox.dashboard import Dashboard, Decide, due_renewal
from runner.sandbox.dates import DAY
from runner.sandbox.faults import RENEW, Faults
from runner.sandbox.goods import Edit
from runner.sandbox.journal import Journal, Turn
from runner.sandbox.memory import Extension, LoggedRequest, Sale
from runner.sandbox.options import SANDBOX_KEY, Options
from runner.sandbox.replies import UNANSWERED, Reply, html
from runner.sandbox.server import SandboxServer
from runner.sandbox.visit import Limiter, Visit

PREFIX = "/personal/api/v1/"
Clock = Callable[[], float]


class Sandbox:
    """An emulated Proxy-Seller account, kept in the file `state` or, without one, in memory. Safe to use from threads.

    Raises ValueError for a bad fault spec or a file that is not a state file, OSError for one that cannot be used.
    `clock` gives seconds since the epoch.
    """

    def __init__(
        self,
        state: Path | None = None,
        faults: Iterable[str] = (),
        options: Options | None = None,
        *,
        clock: Clock = time.time,
    ) -> None:
        self.options = options or Options()
        self._clock = clock
        self._lock = Lock()
        self._journal = Journal(state)
        self._faults = Faults(faults)
        self._forget()
        self.dashboard = Dashboard(self._commit_alone)
        """What people do to the account outside the API."""
        with self._turn():
            pass  # reads the state file, so that a bad one is refused here

    def serve(self, host: str = "127.0.0.1", port: int = 0) -> SandboxServer:
        """Starts to answer on a loopback address, port 0 being any free one, until the server is closed."""
        return SandboxServer(self.respond, host, port)

    @property
    def purchases(self) -> tuple[Sale, ...]:
        """Every order made so far, in that order, by whomever and whatever they were told."""
        with self._turn():
            return tuple(self._vendor.purchases)

    @property
    def renewals(self) -> tuple[Extension, ...]:
        """Every renewal so far, in that order, by whomever and whatever they were told."""
        with self._turn():
            return tuple(self._vendor.renewals)

    @property
    def requests(self) -> tuple[LoggedRequest, ...]:
        """Every request to the API since this object was made, in order of arrival."""
        with self._lock:
            return tuple(self._requests)

    @property
    def balances(self) -> dict[str, Decimal]:
        """The balance of every account in USD, by API key."""
        with self._turn():
            return {account.key: account.balance for account in self._vendor.accounts()}

    @property
    def fault_counts(self) -> dict[str, int]:
        """How often each kind of fault has fired since this object was made."""
        with self._lock:
            return dict(self._faults.hits)

    def add_fault(self, spec: str) -> None:
        """Arms another fault; `@N` counts from the start of the emulator all the same. Raises ValueError."""
        with self._lock:
            self._faults.add(spec)

    def set_balance(self, balance: Decimal, key: str = SANDBOX_KEY) -> None:
        """Tops an account up, or down. Raises ValueError unless in whole cents from 0, KeyError for the account."""
        if not balance.is_finite() or balance < 0 or balance != round(balance, 2):
            raise ValueError(f"a balance is a sum of whole cents from 0, not {balance}")
        with self._turn() as turn:
            self._vendor.account(key)
            self._commit(turn, {"event": "balance", "account": mark_of(key), "balance": f"{balance:.2f}"})

    def edit_reference(self, type_: str, section: str, id_: int | str, to: Mapping[str, Any] | None) -> None:
        """Shows a row of `reference/list` with other values, or with None no more; what is sold stays as it is.

        Not kept in the state file. Raises ValueError where that list has no such row.
        """
        with self._lock:
            rows = type_ in goods.TYPES and goods.section(type_, text_ids=False).get(section, ())
            if not any(str(row.get("id")) == str(id_) for row in rows or ()):
                raise ValueError(f"no row {id_!r} in {section!r} of {type_!r}")
            self._edits.append(Edit(type=type_, section=section, id=id_, to=to))

    def buy_as_stranger(self, /, **body: Any) -> Sale:
        """Buys like somebody else with the same account: body fields as arguments, over a small ipv4 order.

        `type` picks that type's first country and so on for what is not given. Raises ValueError if it is refused.
        """
        with self._turn() as turn:
            account = self._vendor.account(SANDBOX_KEY)
            try:
                event = self._vendor.buy(account, control.stranger_body(body), self._now(), stranger=True)
            except RefusedError as refused:
                raise ValueError(str(refused)) from None
            self._commit(turn, event)
            return self._vendor.purchases[-1]

    def renew(self, order_id: int, *, new_id: bool = False, charge: bool = True) -> None:
        """Renews an order by hand for its own period, see `Dashboard.renew`. Raises KeyError, ValueError for funds."""
        self.dashboard.renew(order_id, new_id=new_id, charge=charge)

    def use_traffic(self, used: int, key: str = SANDBOX_KEY) -> None:
        """Uses up resident traffic, in bytes. Raises ValueError below 0, KeyError for the account."""
        if used < 0:
            raise ValueError(f"traffic is a number of bytes from 0, not {used}")
        with self._turn() as turn:
            self._vendor.account(key)
            self._commit(turn, {"event": "traffic", "account": mark_of(key), "used": used})

    def advance(self, *, days: float = 0, seconds: float = 0) -> None:
        """Lets time pass: the clock of this emulator, and of all that share its state file, goes ahead from now on.

        Raises ValueError for a time that goes back.
        """
        ahead = days * DAY + seconds
        if not 0 <= ahead < math.inf:
            raise ValueError(f"time passes forward only, not by {ahead} s")
        with self._turn() as turn:
            self._commit(turn, {"event": "clock", "offset": self._vendor.clock_offset + ahead})

    def reset(self) -> None:
        """Forgets everything: purchases, balances, requests, faults; removes the state file."""
        with self._lock:
            self._journal.remove()
            self._faults = Faults(())
            self._forget()

    def respond(self, method: str, target: str, raw: bytes) -> Reply:
        """What becomes of one HTTP request, the state changed and recorded already."""
        parts = urlsplit(target)
        if parts.path.startswith(control.PREFIX):
            return control.control(self, method, parts.path.removeprefix(control.PREFIX), raw)
        key, _, endpoint = parts.path.removeprefix(PREFIX).partition("/")
        if not parts.path.startswith(PREFIX):
            return html(404, "404 Not Found")
        params = dict(parse_qsl(parts.query))
        return self._visit(call_of(method, unquote(key), endpoint.strip("/"), params, raw))

    def _forget(self) -> None:
        self._edits: list[Edit] = []
        self._vendor = self._new_vendor()
        self._requests: list[LoggedRequest] = []
        self._limiter = Limiter()

    def _new_vendor(self) -> Vendor:
        vendor = Vendor(self.options)
        vendor.edits = self._edits
        return vendor

    @contextmanager
    def _turn(self) -> Iterator[Turn]:
        """The state, alone and up to date: other processes' events applied, late orders made."""
        with self._lock, self._journal.turn() as turn:
            if turn.restarted:
                self._vendor = self._new_vendor()
            for event in turn.news:
                self._vendor.apply(event)
            self._make_late_orders(turn)
            yield turn

    def _commit(self, turn: Turn, event: Event) -> None:
        turn.record(event)
        self._vendor.apply(event)

    def _commit_alone(self, decide: Decide) -> None:
        with self._turn() as turn:
            try:
                event = decide(self._vendor, self._now())
            except RefusedError as refused:
                raise ValueError(str(refused)) from None
            self._commit(turn, event)

    def _make_late_orders(self, turn: Turn) -> None:
        while self._vendor.auto_renewals and (event := due_renewal(self._vendor, self._now())) is not None:
            self._commit(turn, event)
        if not self._vendor.later:
            return
        for number, account, late in self._vendor.due_orders(self._now()):
            try:
                event = self._late_event(number, account, late)
            except RefusedError:
                event = {"event": "dropped", "later": number}
            self._commit(turn, event)

    def _late_event(self, number: int, account: Customer, late: Later) -> Event:
        if late.type is None:
            return self._vendor.buy(account, late.body, late.due, later=number)
        chosen = prolong.choose(self._vendor, account, late.type, late.body, late.due)
        return prolong.event_of(self._vendor, account, chosen, late.due, later=number)

    def _now(self) -> float:
        """The time of the emulated vendor; only within a turn."""
        return self._clock() + self._vendor.clock_offset

    def _visit(self, call: ApiCall) -> Reply:
        clock = self._clock()
        try:
            with self._turn() as turn:
                at = clock + self._vendor.clock_offset
                place = len(self._requests)
                self._requests.append(LoggedRequest(method=call.method, endpoint=call.endpoint, status=500, at=at))
                answer = self._answer(turn, call, at)
                status = None if answer.how in UNANSWERED else answer.status
                self._requests[place] = replace(self._requests[place], status=status)
                return answer
        except OSError:
            return html(500, "500 The state file cannot be used")

    def _answer(self, turn: Turn, call: ApiCall, now: float) -> Reply:
        met = self._faults.meet(call.family, self._name_of(call, now))
        commit = partial(self._commit, turn)
        return Visit(vendor=self._vendor, limiter=self._limiter, call=call, faults=met, now=now, commit=commit).answer()

    def _name_of(self, call: ApiCall, now: float) -> object:
        """The `customTargetName` of what is ordered, or of the order whose first address is renewed."""
        if call.family != RENEW:
            return call.body.get("customTargetName")
        try:
            account = self._vendor.account(call.key)
        except KeyError:
            return None
        place = next(iter(self._vendor.addresses(account, prolong.ids_of(call.body)[:1], now)), None)
        return None if place is None else place[0].purchase.body.get("customTargetName")

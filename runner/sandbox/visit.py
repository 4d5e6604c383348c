"""One request's way through the emulator: faults that prepare, the door, the endpoint, faults that spoil the answer."""

from collections import Counter
from dataclasses import dataclass, replace
from decimal import Decimal

from runner.sandbox.accounts import Vendor
from runner.sandbox.api import Api, ApiCall, Commit
from runner.sandbox.customers import Customer, mark_of
from runner.sandbox.faults import RENEW, Fault
from runner.sandbox.replies import Reply, access_refusal, too_many
from runner.sandbox.spoil import SPOILERS


class Limiter:
    """Counts the requests of each API key in the current calendar minute."""

    def __init__(self) -> None:
        self._minute = 0
        self._seen: Counter[str] = Counter()

    def count(self, key: str, now: float) -> int:
        """How many requests the key has sent in this minute, with this one."""
        minute = int(now // 60)
        if minute != self._minute:
            self._minute = minute
            self._seen.clear()
        self._seen[key] += 1
        return self._seen[key]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A call at the time `now`, the faults it meets, and what it may change through `commit`."""

    vendor: Vendor
    limiter: Limiter
    call: ApiCall
    faults: list[Fault]
    now: float
    commit: Commit

    def answer(self) -> Reply:
        """The answer as the client gets it; what it changes has been committed."""
        self._prepare()
        spoiled = next((fault for fault in self.faults if fault.action in SPOILERS), None)
        if spoiled is None:
            answer = self._ordinary()
        else:
            spoiler = SPOILERS[spoiled.action]
            answer = self._ordinary() if spoiler.works else access_refusal(self.vendor.options.triple_items)
            answer = spoiler.instead(spoiled, answer)
        self._raise_prices("price-up-quote")
        return replace(answer, pause=self.vendor.options.latency + self._size("slow") + self._size("calc-slow"))

    def _prepare(self) -> None:
        self._raise_prices("price-up")
        account = self._account()
        if account is None:
            return
        if self._meets("no-funds"):
            self.commit({"event": "balance", "account": mark_of(account.key), "balance": "0.00"})
        for fault in self.faults:
            if fault.action == "silent-later":
                late = {"due": self.now + fault.size, "account": mark_of(account.key), "body": dict(self.call.body)}
                renewed = {"type": self.call.type} if self.call.family == RENEW else {}
                self.commit({"event": "later"} | late | renewed)

    def _ordinary(self) -> Reply:
        account = self._account()
        options = self.vendor.options
        if options.limit_form != "none" and self.limiter.count(self.call.key, self.now) > options.limit_per_minute:
            wait = str(60 - int(self.now % 60))
            return too_many(wait) if options.limit_form == "429" else access_refusal(options.triple_items)
        if account is None:
            return access_refusal(options.triple_items)
        api = Api(
            vendor=self.vendor,
            now=self.now,
            commit=self.commit,
            surcharge=Decimal(str(self._size("overcharge"))),
            actions=frozenset(fault.action for fault in self.faults),
        )
        return api.answer(self.call, account)

    def _account(self) -> Customer | None:
        try:
            return self.vendor.account(self.call.key)
        except KeyError:
            return None

    def _meets(self, kind: str) -> bool:
        return any(fault.action == kind for fault in self.faults)

    def _size(self, kind: str) -> float:
        """The arguments of the met faults of a kind, summed; 0 without any."""
        return sum(fault.size for fault in self.faults if fault.action == kind)

    def _raise_prices(self, kind: str) -> None:
        factor = 1 + Decimal(str(self._size(kind))) / 100
        if factor == 1:
            return
        self.commit({"event": "prices", "rise": str(self.vendor.rise * factor)})

"""Faults on request: the grammar of their specs, the table of their kinds, and which of them a request meets.

    KIND[@N | @name=TEXT][xCOUNT][:ARG]

N is the N-th request to the kind's endpoint since the emulator started, from 1; TEXT is the `customTargetName` of an
order, or of the order that is renewed, in quotes if it holds a colon or ends like an xCOUNT. Without either, the next
request is meant. COUNT repeats it (`x*` for ever).
"""

import difflib
import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from typing import Literal

MAKE, CALC, LIST, BALANCE, ANY = "order/make", "order/calc", "proxy/list", "balance/get", "*"
RENEW, RENEW_CALC, COMMENT, ADD_LIST = "prolong/make", "prolong/calc", "proxy/comment/set", "resident/list/add"
RENEWAL = "renew-"
"""What the kinds of a renewal begin with; most of them are a kind of a purchase, of which the rest is the name."""


class Role(Enum):
    """Faults that prepare or delay all take effect together; of those that replace the answer only the first does."""

    PREPARE = "prepare"
    ANSWER = "answer"
    DELAY = "delay"


@dataclass(frozen=True, slots=True)
class FaultKind:
    """What a kind of fault does, to which endpoint; `argument` names the ARG, `default` is used without one."""

    endpoint: str
    does: str
    role: Role = Role.ANSWER
    argument: Literal["SECONDS", "PERCENT", "TEXT"] | None = None
    default: str | None = None
    required: bool = False


_LOST = {
    "reset": "TCP reset instead of an answer",
    "close": "connection closed without an answer",
    "silent": "no answer, the connection stays open until the client goes",
    "500": "HTTP 500 with an HTML body",
    "502": "HTTP 502 with an HTML body",
    "html": "HTTP 200 with an HTML body",
    "empty": "HTTP 200 with an empty body",
}
_WHEN = {"before": "the order is not made", "after": "the order is made"}
_in_seconds = partial(FaultKind, argument="SECONDS", default="2")
_slow = partial(_in_seconds, role=Role.DELAY)
_dearer = partial(FaultKind, role=Role.PREPARE, argument="PERCENT", default="10")
_MAKING: dict[str, FaultKind] = {
    **{
        f"{how}-{when}": FaultKind(MAKE, f"{text}; {made}")
        for how, text in _LOST.items()
        for when, made in _WHEN.items()
    },
    "silent-later": _in_seconds(MAKE, "no answer; the order is made SECONDS later"),
    "cut-body": FaultKind(MAKE, "the order is made; half of the answer's body, then closed"),
    "no-id": FaultKind(MAKE, "the order is made; success without orderId and base numbers"),
    "error-with-data": FaultKind(MAKE, "the order is made; status error, with its data and an error message"),
    "error-with-data-before": FaultKind(MAKE, "not made; status error, price data with a warning, no errors"),
    "429": FaultKind(MAKE, "HTTP 429, with Retry-After if given; not made", argument="SECONDS"),
    "triple": FaultKind(MAKE, "the access refusal; not made"),
    "drip": _in_seconds(MAKE, "the order is made; its answer comes a byte per SECONDS", default="1"),
    "price-up": _dearer(MAKE, "prices rise by PERCENT before this order is charged, and stay"),
    "price-up-quote": _dearer(CALC, "prices rise by PERCENT after this quote, and stay"),
    "overcharge": _dearer(MAKE, "this order alone is charged PERCENT more than its price"),
    "no-funds": FaultKind(MAKE, "the balance is 0 before this order", role=Role.PREPARE),
    "slow": _slow(MAKE, "made at once, answered after SECONDS"),
    "calc-error": FaultKind(CALC, "an error envelope with TEXT", argument="TEXT", required=True),
    "calc-html": FaultKind(CALC, "HTTP 200 with an HTML body"),
    "calc-slow": _slow(CALC, "answered after SECONDS"),
}
KINDS: dict[str, FaultKind] = {
    **_MAKING,
    "list-500": FaultKind(LIST, "HTTP 500 with an HTML body"),
    "list-html": FaultKind(LIST, "HTTP 200 with an HTML body"),
    "list-empty": FaultKind(LIST, "a success envelope without any row"),
    "list-blank": FaultKind(LIST, "HTTP 200 with an empty body"),
    "balance-500": FaultKind(BALANCE, "HTTP 500 with an HTML body"),
    "down": FaultKind(ANY, "any request: connection closed without an answer, nothing done"),
    **{
        f"{RENEWAL}{name}": replace(
            kind,
            endpoint=RENEW if kind.endpoint == MAKE else RENEW_CALC,
            does=re.sub(r"\border\b", "renewal", kind.does),
        )
        for name, kind in _MAKING.items()
    },
    "renew-half": FaultKind(RENEW, "charged in full; the first half of each order's rows is moved", Role.PREPARE),
    "renew-unmoved": FaultKind(RENEW, "charged in full; no row is moved", Role.PREPARE),
    "renew-replaced": FaultKind(RENEW, "the rows get other addresses with their new ends", Role.PREPARE),
    "renew-busy": FaultKind(RENEW, "code 57, another renewal is in progress; not made"),
    "comment-500": FaultKind(COMMENT, "HTTP 500 with an HTML body; not set"),
    "comment-429": FaultKind(COMMENT, "HTTP 429, with Retry-After if given; not set", argument="SECONDS"),
    "comment-error": FaultKind(COMMENT, "an error envelope with TEXT; not set", argument="TEXT", required=True),
    "comment-close": FaultKind(COMMENT, "set; connection closed without an answer"),
    "auth-500": FaultKind("auth/list", "HTTP 500 with an HTML body"),
    "auth-empty": FaultKind("auth/list", "a success envelope without any item"),
    "package-500": FaultKind("resident/package", "HTTP 500 with an HTML body"),
    "lists-500": FaultKind("resident/lists", "HTTP 500 with an HTML body"),
    "list-add-500": FaultKind(ADD_LIST, "HTTP 500 with an HTML body; not made"),
    "list-add-close": FaultKind(ADD_LIST, "made; connection closed without an answer"),
    "download-500": FaultKind("proxy/download", "HTTP 500 with an HTML body"),
    "download-html": FaultKind("proxy/download", "HTTP 200 with an HTML body"),
}

_SPEC = re.compile(
    r"""(?P<kind>[a-z0-9-]+?)
    (?:@(?:(?P<number>\d+)|name=(?:"(?P<double>[^"]+)"|'(?P<single>[^']+)'|(?P<name>[^:]+?))))?
    (?:x(?P<count>\d+|\*))?
    (?::(?P<argument>.*))?""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A parsed spec; `count` None repeats for ever."""

    kind: str
    number: int | None = None
    name: str | None = None
    count: int | None = 1
    argument: str | None = None

    @property
    def action(self) -> str:
        """The kind without what says that it is one of a renewal."""
        return self.kind.removeprefix(RENEWAL)

    @property
    def size(self) -> float:
        """The argument of a kind that takes seconds or percent."""
        return float(self.argument or 0)


def parse_fault(spec: str) -> Fault:
    """Reads a spec. Raises ValueError, which says what is legal."""
    match = _SPEC.fullmatch(spec.strip())
    if match is None:
        raise ValueError(f"fault {spec!r} is not KIND[@N|@name=TEXT][xCOUNT][:ARG]; {_legal(spec)}")
    if match["kind"] not in KINDS:
        raise ValueError(f"fault {spec!r}: unknown kind {match['kind']!r}; {_legal(match['kind'])}")
    number, count = match["number"], match["count"]
    if number == "0" or count == "0":
        raise ValueError(f"fault {spec!r}: N and COUNT start at 1")
    return Fault(
        kind=match["kind"],
        number=int(number) if number else None,
        name=match["double"] or match["single"] or match["name"],
        count=None if count == "*" else int(count or 1),
        argument=_argument(spec, match["kind"], match["argument"]),
    )


def _argument(spec: str, kind: str, given: str | None) -> str | None:
    rule = KINDS[kind]
    if rule.argument is None and given is not None:
        raise ValueError(f"fault {spec!r}: {kind} takes no argument")
    if given is None:
        if rule.required:
            raise ValueError(f"fault {spec!r}: {kind} needs an argument, {kind}:{rule.argument}")
        return rule.default
    if rule.argument in ("SECONDS", "PERCENT") and not _is_size(given):
        raise ValueError(f"fault {spec!r}: {rule.argument} is a number of 0 or more, not {given!r}")
    return given


def _is_size(text: str) -> bool:
    try:
        return math.isfinite(float(text)) and float(text) >= 0
    except ValueError:
        return False


def _legal(kind: str) -> str:
    near = [name for name in KINDS if name.startswith(f"{kind}-")] or difflib.get_close_matches(kind, KINDS, n=2)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    return f"{hint}legal kinds: {', '.join(KINDS)}"


class Faults:
    """The faults asked for, and how often each kind has fired."""

    def __init__(self, specs: Iterable[str]) -> None:
        self.hits: Counter[str] = Counter()
        self._seen: Counter[str] = Counter()
        self._armed: list[tuple[Fault, list[int]]] = []
        for spec in specs:
            self.add(spec)

    def add(self, spec: str) -> None:
        """Arms another fault. Raises ValueError."""
        self._armed.append((parse_fault(spec), [0]))

    def meet(self, endpoint: str, name: object) -> list[Fault]:
        """Counts a request and returns the faults it meets, in the order they were asked for."""
        self._seen.update((endpoint, ANY))
        met: list[Fault] = []
        for fault, times in self._armed:
            if self._applies(fault, endpoint, name) and not _is_crowded_out(fault, met):
                times[0] += 1
                met.append(fault)
        self.hits.update(fault.kind for fault in met)
        self._armed = [(f, times) for f, times in self._armed if f.count is None or times[0] < f.count]
        return met

    def _applies(self, fault: Fault, endpoint: str, name: object) -> bool:
        counted = KINDS[fault.kind].endpoint
        if counted not in (endpoint, ANY):
            return False
        if fault.name is not None:
            return fault.name == name
        if fault.number is None:
            return True
        last = math.inf if fault.count is None else fault.number + fault.count - 1
        return fault.number <= self._seen[counted] <= last


def _is_crowded_out(fault: Fault, met: list[Fault]) -> bool:
    """Whether another fault has replaced this answer already."""
    answers = Role.ANSWER
    return KINDS[fault.kind].role is answers and any(KINDS[other.kind].role is answers for other in met)

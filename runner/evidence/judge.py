"""What became of orders whose answer was lost: pure, from what the vendor shows now and what was shown before.

A purchase is believed liberally, its absence strictly. What the evidence does not force stays open, with its candidates
and the reason. Absence needs a whole list without a candidate, a balance that did not move, and the waiting time over;
it can be proved although others buy on the account. Presence by inference needs an account that nobody else buys on
(`exclusive`): then every new order and every cent must be explained by the orders in doubt, and what is the same in
every explanation (a *world*) is so.

Of a renewal the end dates are the witness (`end_dates`). One that shows in them is placed, whatever else is in doubt,
and accounts for its part of the balance. One whose end dates prove nothing may have moved the balance by any amount:
until it is settled nothing else is judged by that.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Literal

from runner.core.orders import PAY_BY_CARD, OrderKey, ProductType, decimal_text
from runner.core.records import Bought, OpenClaim
from runner.core.renewals import TermLook
from runner.core.vendor import Look, SeenOrder
from runner.evidence.end_dates import EndDates, compare_ends
from runner.evidence.explanations import Explanation, Group, worlds
from runner.evidence.match import Countries, Match, Sought, fit, package_moved, shown_until

SETTLE_AFTER: Final = timedelta(minutes=20)
SETTLE_AFTER_MOBILE: Final = timedelta(hours=4)
"""How long an order may take to show (mobile orders are issued by hand): absence is not concluded before."""

CENT: Final = Decimal("0.01")
"""What a balance is told in: less than that may leave it unseen."""

_AS_BEFORE: Final = "its proxies end as they did before"

Ruling = Literal["placed", "absent", "open"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that is known beside the claims.

    `looks` has a type's look, or nothing where it could not be taken whole, `terms` the same of the orders to renew;
    `balance` is None where it could not be read. `own_ids`: order ids and base numbers that the ledger's orders have,
    and ids known to be somebody else's. `over_ids`: those of ours that are over. `other_ids`: those that have the
    receipt of another account name.
    """

    looks: Mapping[ProductType, Look]
    balance: Decimal | None
    own_ids: Collection[str] = frozenset()
    over_ids: Collection[str] = frozenset()
    other_ids: Collection[str] = frozenset()
    purchases: Sequence[Bought] = ()
    countries: Countries = field(default_factory=dict)
    terms: Mapping[ProductType, TermLook] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """`settle_after` for every type, None for the defaults. `exclusive`: nobody else buys on the account."""

    settle_after: timedelta | None = None
    exclusive: bool = False

    def waits(self, product: ProductType) -> timedelta:
        """How long after its claim an order of this type may be called absent."""
        if self.settle_after is not None:
            return self.settle_after
        return SETTLE_AFTER_MOBILE if product == "mobile" else SETTLE_AFTER


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of one order. `decidable_at`: before that it is never called absent."""

    claim: OpenClaim
    ruling: Ruling
    reason: str
    decidable_at: datetime
    order: SeenOrder | None = None
    candidates: tuple[Match, ...] = ()
    moved: Decimal | None = None

    @property
    def key(self) -> OrderKey:
        return self.claim.record.key

    @property
    def order_id(self) -> str | None:
        """What the ledger is to have it as: the vendor's id of the order that was found, or that of the term."""
        term = self.claim.record.term_id if self.ruling == "placed" else None
        return self.order.order_id if self.order else term


def judge(unknowns: Sequence[OpenClaim], facts: Facts, rules: Rules) -> list[Verdict]:
    """A verdict for each of the account's open orders. All have to be given, because they explain each other."""
    ends = {claim.record.key: _end_dates(claim, facts) for claim in unknowns if claim.record.renews is not None}
    renewed = [claim for claim in unknowns if claim.record.key in ends and ends[claim.record.key].moved]
    facts = replace(facts, purchases=(*facts.purchases, *map(_as_bought, renewed)))
    cases = [_case(claim, facts, rules, ends.get(claim.record.key)) for claim in unknowns]
    verdicts = {case.key: _placed_term(case) for case in cases if case.claim in renewed}
    left = [case for case in cases if case.key not in verdicts]
    verdicts |= {str(verdict.key): verdict for verdict in _judge_rest(left, facts, rules)}
    return [verdicts[case.key] for case in cases]


def _judge_rest(cases: Sequence[_Case], facts: Facts, rules: Rules) -> list[Verdict]:
    """Verdicts on all but the renewals that show in the end dates."""
    unclear = next((case for case in cases if case.is_renewal and case.list_doubt and not case.by_card), None)
    if unclear is not None:
        words = f"renewal {unclear.key} is in doubt as well, and may have moved the balance"
        return [case.verdict("open", (case.is_renewal and case.list_doubt) or words) for case in cases]
    return _hold_back(cases, _judge_by_balance(cases, facts, rules))


def _judge_by_balance(cases: Sequence[_Case], facts: Facts, rules: Rules) -> list[Verdict]:
    if rules.exclusive:
        stranger = _stranger(cases, facts) or _find_marked(cases, facts)
        if stranger is None:
            return _judge_together(cases)
        words = f"order {stranger} matches none of the orders in doubt: somebody else is buying on this account"
        if stranger in facts.other_ids:
            words = f"order {stranger} has the receipt of another account name: somebody else is buying on this account"
        return [_alone(case, words, facts.other_ids) for case in cases]
    return [_alone(case, "", facts.other_ids) for case in cases]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One claim, and what the vendor shows of it; nothing new can be a renewal. `read_at` is when that was read."""

    claim: OpenClaim
    look: Look | None
    fits: tuple[Match, ...]
    renewable: frozenset[str]
    moved: Decimal | None
    decidable_at: datetime
    read_at: datetime | None
    list_doubt: str

    @property
    def key(self) -> str:
        return str(self.claim.record.key)

    @property
    def is_renewal(self) -> bool:
        return self.claim.record.renews is not None

    @property
    def by_card(self) -> bool:
        return self.claim.record.fields.get("paymentId") == PAY_BY_CARD

    @property
    def price(self) -> Decimal:
        """What it would have taken from the balance."""
        return Decimal(0) if self.by_card else self.claim.record.quote_total or Decimal(0)

    def verdict(self, ruling: Ruling, reason: str, order: SeenOrder | None = None) -> Verdict:
        return Verdict(
            claim=self.claim,
            ruling=ruling,
            reason=reason,
            decidable_at=self.decidable_at,
            order=order,
            candidates=self.fits,
            moved=self.moved,
        )


def _end_dates(claim: OpenClaim, facts: Facts) -> EndDates:
    """What the end dates show of a renewal."""
    look, record = facts.terms.get(claim.record.type), claim.record
    if look is None:
        return EndDates(doubt="the end dates of its order could not be read completely")
    return compare_ends(claim.ends, look.terms.get(str(record.renews)), record.type, record.fields)


def _as_bought(claim: OpenClaim) -> Bought:
    """A renewal that shows in the end dates, as one that is on record: settled after everything that was read."""
    return Bought(
        record=claim.record, claimed_at=claim.claimed_at, claimed_seq=claim.claimed_seq, settled_seq=sys.maxsize
    )


def _placed_term(case: _Case) -> Verdict:
    return case.verdict("placed", "all of its proxies end a period later than before: the term is bought")


def _hold_back(cases: Sequence[_Case], verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Nothing is settled by a balance that something of the other kind, a renewal or a purchase, may have moved.

    A renewal of which neither end dates nor balance moved needs no explanation.
    """
    pairs = list(zip(cases, verdicts, strict=True))
    doubts = [case for case, verdict in pairs if verdict.ruling == "open" and not case.by_card]
    moved = any(case.is_renewal and verdict.ruling != "open" and case.moved != 0 for case, verdict in pairs)
    if not (any(case.is_renewal for case in doubts) or (doubts and moved)):
        return list(verdicts)
    first = min(doubts, key=lambda case: not case.is_renewal)
    words = f"{first.key} is in doubt as well, and may have moved the balance"
    return [
        verdict if verdict.ruling == "open" or (case.is_renewal and case.moved == 0) else case.verdict("open", words)
        for case, verdict in pairs
    ]


def _case(claim: OpenClaim, facts: Facts, rules: Rules, ends: EndDates | None) -> _Case:
    if ends is not None:
        return _renewal_case(claim, facts, rules, ends)
    look = facts.looks.get(claim.record.type)
    new = _new(claim, look, facts)
    sought = Sought(type=claim.record.type, fields=claim.record.fields, begins=claim.claimed_at)
    matches = [fit(seen, sought, facts.countries) for seen in new]
    renewable = _may_be_renewals(claim, look, new)
    return _Case(
        claim=claim,
        look=look,
        fits=tuple(_with_doubt(one, renewable) for one in matches if one is not None),
        renewable=renewable,
        moved=_balance_fall(claim, facts),
        decidable_at=claim.claimed_at + rules.waits(claim.record.type),
        read_at=look.at if look else None,
        list_doubt=_list_doubt(claim, look, facts),
    )


def _renewal_case(claim: OpenClaim, facts: Facts, rules: Rules, ends: EndDates) -> _Case:
    look = facts.terms.get(claim.record.type)
    return _Case(
        claim=claim,
        look=None,
        fits=(),
        renewable=frozenset(),
        moved=_balance_fall(claim, facts),
        decidable_at=claim.claimed_at + rules.waits(claim.record.type),
        read_at=look.at if look else None,
        list_doubt=ends.doubt,
    )


def _may_be_renewals(claim: OpenClaim, look: Look | None, new: Sequence[SeenOrder]) -> frozenset[str]:
    """The new orders that may be older ones under another id: none, as long as all that was shown before still is."""
    listed = {seen.order_id for seen in (look.orders if look else ())}
    if claim.witness.order_ids <= listed:
        return frozenset()
    return frozenset(seen.order_id for seen in new if claim.witness.has(seen) is None)


def _with_doubt(match: Match, renewable: Collection[str]) -> Match:
    if match.order.order_id not in renewable:
        return match
    return replace(match, doubts=(*match.doubts, "it cannot be told from a renewal"))


def _new(claim: OpenClaim, look: Look | None, facts: Facts) -> list[SeenOrder]:
    """What is shown now, was not before the claim, under this id or another, and is no order of ours."""
    return [
        seen
        for seen in (look.orders if look else ())
        if claim.witness.has(seen) is not True
        and seen.order_id not in facts.own_ids
        and not any(number in facts.own_ids for number in seen.numbers)
    ]


def _balance_fall(claim: OpenClaim, facts: Facts) -> Decimal | None:
    """What left the balance since it was read, beside what we bought and settled since; None where that cannot be told.

    It was read while nothing of ours was in flight: whatever was claimed since is counted here or in doubt itself. What
    came after is asked of the ledger's order of events, because a clock may have gone back meanwhile.
    """
    if facts.balance is None:
        return None
    own = Decimal(0)
    for bought in facts.purchases:
        record = bought.record
        if record.fields.get("paymentId") == PAY_BY_CARD:
            continue
        cost = record.quote_total if record.total is None else record.total
        if cost is None or bought.claimed_seq <= claim.read_seq < bought.settled_seq:
            return None  # nobody knows whether it was charged before or after
        if bought.claimed_seq > claim.read_seq:
            own += cost
    return claim.balance - facts.balance - own


def _list_doubt(claim: OpenClaim, look: Look | None, facts: Facts) -> str:
    """Why the list cannot witness that the order is not there; empty where it can."""
    if look is None:
        return "the vendor's orders of this type could not be read completely"
    if claim.record.type == "resident":
        return "the package has changed since then" if package_moved(claim.witness.package, look.package) else ""
    if look.at >= shown_until(claim.record.fields, claim.claimed_at):
        return "the order would have ended by now, and orders that have ended are not shown"
    listed = {seen.order_id for seen in look.orders}
    lost = sorted(claim.witness.order_ids - listed - set(facts.over_ids))
    new_ids = (seen for seen in look.orders if seen.order_id not in claim.witness.order_ids)
    if len(lost) > sum(claim.witness.has(seen) is True for seen in new_ids):
        named = ", ".join(lost[:3]) + (" and more" if len(lost) > 3 else "")
        return f"the list no longer shows {named}: it may be incomplete, or these have ended"
    return ""


def _stranger(cases: Sequence[_Case], facts: Facts) -> str | None:
    """A new order that is none of those in doubt."""
    fitting = {one.order.order_id for case in cases for one in case.fits}
    for case in cases:
        for seen in _new(case.claim, case.look, facts):
            if seen.order_id not in fitting:
                return seen.order_id
    return None


def _find_marked(cases: Sequence[_Case], facts: Facts) -> str | None:
    """A candidate that another installation's receipt is on: nobody is alone on this account then."""
    fitting = sorted(one.order.order_id for case in cases for one in case.fits)
    return next((order_id for order_id in fitting if order_id in facts.other_ids), None)


def _is_elsewhere(case: _Case, others: Collection[str]) -> bool:
    """Whether every candidate is another installation's by its receipt, and nothing was charged.

    A receipt can be copied, and a candidate that goes makes way for a second purchase. So it only goes where the
    balance says the same by itself: an order of ours would have been paid for, and not a cent has left it.
    """
    nothing_moved = case.moved is not None and case.moved == 0 and not case.by_card and case.price >= CENT
    return nothing_moved and all(one.order.order_id in others for one in case.fits)


def _alone(case: _Case, words: str, others: Collection[str] = frozenset()) -> Verdict:
    """On an account that others may buy on: absence, or nothing."""
    if case.fits and _is_elsewhere(case, others):
        return _absent(replace(case, fits=()))
    if case.fits:
        many = f"{len(case.fits)} orders" if len(case.fits) > 1 else f"order {case.fits[0].order.order_id}"
        reason = words or f"{many} could be it, but others may be buying on this account"
        return case.verdict("open", reason)
    if case.moved is not None and case.moved != 0 and not case.by_card:
        return case.verdict("open", words or _moved_words(case))
    return _absent(case)


def _moved_words(case: _Case) -> str:
    way = "fell" if (case.moved or 0) > 0 else "rose"
    quote = decimal_text(case.price)
    moved = f"the balance {way} by {decimal_text(abs(case.moved or Decimal(0)))}, and it was quoted at {quote}"
    return f"{moved}, but " + (_AS_BEFORE if case.is_renewal else "the list has no order that could be it")


def _absent(case: _Case) -> Verdict:
    """Absent where nothing speaks against it; no candidate, and the balance explained, is what callers have seen to."""
    against = (
        (case.list_doubt, bool(case.list_doubt)),
        ("it was to be paid by card, which the balance cannot show", case.by_card),
        ("it was quoted at less than a cent, which the balance cannot show", case.price < CENT),
        ("an answer hinted that it was bought", case.claim.leaning_placed),
        ("the balance could not be compared", case.moved is None),
        ("it does not show yet, but may still appear", case.read_at is None or case.read_at < case.decidable_at),
    )
    reason = next((why for why, holds in against if holds), None)
    if reason is not None:
        return case.verdict("open", reason)
    nothing = _AS_BEFORE if case.is_renewal else "the vendor's list has no order that could be it"
    return case.verdict("absent", f"{nothing}, and the balance shows no charge for it")


def _judge_together(cases: Sequence[_Case]) -> list[Verdict]:
    """On an account that nobody else buys on: what is the same in every world."""
    drops = [(case.claim.read_seq, case.moved) for case in cases if case.moved is not None]
    if len(drops) < len(cases) or not drops:
        return [case.verdict("open", "the balance could not be compared") for case in cases]
    groups = list(_groups(cases))
    renewals = frozenset[str]().union(*(case.renewable for case in cases))
    explanations = worlds([group for group, _ in groups], min(drops)[1], renewals)  # since the first reading
    if explanations is None:
        return [case.verdict("open", "too many orders are in doubt to tell them apart") for case in cases]
    if not explanations:
        return [case.verdict("open", _disagree(case)) for case in cases]
    ruled: dict[str, Verdict] = {}
    for index, (group, members) in enumerate(groups):
        for verdict in _rule(group, members, [world[index] for world in explanations]):
            ruled[str(verdict.key)] = verdict
    return [ruled[case.key] for case in cases]


def _disagree(case: _Case) -> str:
    if not case.fits:
        return _moved_words(case)
    moved = decimal_text(case.moved or Decimal(0))
    named = ", ".join(one.order.order_id for one in case.fits)
    return f"order {named} could be it, but the balance fell by {moved} and it was quoted at {decimal_text(case.price)}"


def _groups(cases: Sequence[_Case]) -> Iterator[tuple[Group, list[_Case]]]:
    """Orders that nothing tells apart, by what was asked for, its price, and what could be it."""
    grouped: dict[object, list[_Case]] = {}
    for case in cases:
        ids = frozenset(one.order.order_id for one in case.fits)
        grouped.setdefault((case.claim.record.fingerprint, case.price, ids), []).append(case)
    for members in grouped.values():
        members.sort(key=lambda case: (not case.claim.leaning_placed, case.claim.claimed_at, case.key))
        ids = frozenset(one.order.order_id for one in members[0].fits)
        yield Group(size=len(members), price=members[0].price, could_be=ids), members


def _rule(group: Group, members: list[_Case], explanations: Sequence[Explanation]) -> Iterator[Verdict]:
    """Verdicts for one group, from its part of every world. Which of the members is which matters to nobody."""
    bought, orders = {world.purchases for world in explanations}, {world.orders for world in explanations}
    if group.price == 0:
        yield from (case.verdict("open", "the balance does not show what it costs") for case in members)
        return
    if len(bought) > 1 or len(orders) > 1:
        yield from (case.verdict("open", _ambiguous(case)) for case in members)
        return
    fits = {one.order.order_id: one for one in members[0].fits}
    ids = sorted(next(iter(orders)), key=lambda text: (len(text), text))
    number = next(iter(bought))
    for place, case in enumerate(members):
        if place < len(ids):
            yield _placed_verdict(case, fits[ids[place]])
        elif place < number:
            not_yet = _AS_BEFORE if case.is_renewal else "the vendor does not list it yet"
            yield case.verdict("open", f"the balance shows that it was paid for, but {not_yet}")
        else:
            yield _absent(case)


def _ambiguous(case: _Case) -> str:
    if len(case.fits) == 1 and not case.fits[0].whole:
        match = case.fits[0]
        return f"order {match.order.order_id} could be it, but {'; '.join(match.doubts)}"
    return "more than one explanation fits what the vendor shows"


def _placed_verdict(case: _Case, match: Match) -> Verdict:
    identity = match.order.order_id
    if not match.whole:
        return case.verdict("open", f"order {identity} is likely to be it, but {'; '.join(match.doubts)}")
    price = decimal_text(case.price)
    reason = f"order {identity} is new, matches, and is nobody else's; the fall of the balance accounts for its {price}"
    return case.verdict("placed", reason, match.order)

"""What happens in one seed, decided before anything runs: the same seed gives the same schedule on every machine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final

from runner.sandbox import KINDS
from tests.chaos.points import BETWEEN, LATE, MEETING, STEPS, Plan

MAKE_FAULTS: Final = tuple(name for name, kind in KINDS.items() if kind.endpoint == "order/make")
RENEW_FAULTS: Final = tuple(
    name for name, kind in KINDS.items() if kind.endpoint.startswith("prolong/") and name != "renew-half"
)
"""All but the one after which the calm needs a person to remove `renew`."""
READS: Final = ("order/calc", "proxy/list", "balance/get", "*")
READ_FAULTS: Final = tuple(name for name, kind in KINDS.items() if kind.endpoint in READS)
ARGUMENTS: Final = {
    "silent-later": "0.7",
    "drip": "0.02",
    "slow": "0.2",
    "429": "0",
    "price-up": "3",
    "price-up-quote": "3",
    "calc-slow": "0.1",
    "calc-error": "Country not exists",
    "renew-silent-later": "0.7",
    "renew-drip": "0.02",
    "renew-slow": "0.2",
    "renew-429": "0",
    "renew-price-up": "3",
    "renew-price-up-quote": "3",
    "renew-calc-slow": "0.1",
    "renew-calc-error": "Renewal not possible",
}
"""Small enough for a test; the meaning of each fault stays. What comes later comes after the money timeout."""

FREEZES: Final = (0.05, 0.2, 0.5)
"""Seconds; the last is longer than the guard allows."""
SETTLE_AFTER: Final = 2
"""Seconds of `--settle-after`: longer than guard, freeze and the latest purchase together, so that a purchase after an
`absent` is the tool's mistake."""

LOOK_FAULTS: Final = ("list-500", "list-html", "list-empty", "list-blank", "balance-500", "down")
BLINDING: Final = ("list-500", "list-html", "list-blank", "balance-500", "down")
"""Reads that fail as long as `reconcile` looks: it may conclude nothing from them."""

OFFERS: Final[tuple[dict[str, Any], ...]] = (
    {"type": "ipv4", "countryId": 561, "periodId": "1m", "quantity": 2},
    {"type": "ipv4", "countryId": 562, "periodId": "1m", "quantity": 2},
    {"type": "isp", "countryId": 4480, "periodId": "1m", "quantity": 3},
    {"type": "mix", "countryId": 1371, "periodId": "1m", "quantity": 10},
    {"type": "mix_isp", "countryId": 8802, "periodId": "1m", "quantity": 20},
    {"type": "ipv6", "countryId": 2103, "periodId": "1m", "quantity": 20, "protocol": "SOCKS5"},
    {
        "type": "mobile",
        "countryId": 4404,
        "periodId": "1w",
        "quantity": 1,
        "mobileServiceType": "shared",
        "operatorId": "617",
        "rotationId": 10,
    },
    {"type": "resident", "tarifId": 6929},
    {"type": "resident", "tarifId": 6930},
)
"""One of every type, with ids of the sandbox."""

RENEWING: Final = 0.25
"""The share of seeds in which orders are renewed."""
RENEW: Final = {"until": "2999-01-01", "periodId": "3m", "within": "80d"}
"""Due as soon as an order of OFFERS is bought, and not again once it is renewed: no clock has to be moved."""

JOBS: Final = (1, 2, 8)
ORDERS: Final = {1: (2, 3), 2: (2, 4), 8: (4, 9)}
"""How many orders are new in a round, from and to, by the most jobs that one of its runners has."""
AT_ONCE: Final = ("close-after+1x8", "reset-after+1x8", "slow+1:0.2", "429+1:0", "429+2:0", "overcharge+1x2")
"""What the vendor does to several purchases at once, or to one of them that others overtake."""

SIGNALS: Final = ("KILL", "KILL", "KILL", "STOP", "TERM", "INT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """How doubt is settled: by `reconcile`, hit by `plan`, in one look or waiting, and by a person if that leaves any.

    `blind` fails for a whole first `reconcile`, `faults` are like those of a round.
    """

    plan: Plan
    wait: bool = True
    blind: str | None = None
    faults: tuple[str, ...] = ()
    person: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """Somebody else's purchase on the account, `after` seconds of a round, or at its end if that comes first."""

    after: float
    order: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """Orders new in the manifest, runners that are started together, what the vendor does to them, who else buys, and
    how the unknown is settled afterwards, if it is."""

    orders: tuple[dict[str, Any], ...]
    runners: tuple[Plan, ...]
    faults: tuple[str, ...]
    strangers: tuple[Stranger, ...]
    settling: Settling | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """One seed. `shared`: others may buy on the account, so nobody says `--exclusive`. `switches`: the vendor's.

    `renews`: orders have `renew`, and the runs after the one that buys an order renew it.
    """

    seed: int
    shared: bool
    renews: bool
    rounds: tuple[Round, ...]
    switches: dict[str, Any]


def schedule(seed: int, mutant: str | None = None) -> Schedule:
    """What the seed stands for."""
    dice = Random(seed)
    rounds = dice.randint(4, 6)
    shared = dice.random() < 0.3
    delay = dice.choice((0.0, 0.0, 0.05, 0.3))
    plan = Schedule(
        seed=seed,
        shared=shared,
        renews=False,
        rounds=tuple(_round(dice, number, mutant, shared=shared) for number in range(1, rounds + 1)),
        switches={
            "provisioning_delay": delay,
            "order_numbers": dice.choice(("plain", "marked")),
            "ends_hidden": dice.choice((0.0, 0.0, 7.0, 40.0)),
        },
    )
    dice = Random(f"renewals {seed}")  # of their own: what the other seeds stand for stays as it was
    return _with_renewals(dice, plan) if dice.random() < RENEWING else plan


def _with_renewals(dice: Random, plan: Schedule) -> Schedule:
    rounds = tuple(
        replace(
            each,
            orders=tuple(_with_renew(dice, order) for order in each.orders),
            faults=(*each.faults, *(_renew_fault(dice) for _ in range(dice.choice((1, 1, 2)) if number else 0))),
        )
        for number, each in enumerate(plan.rounds)
    )
    return replace(plan, renews=True, rounds=rounds)


def _with_renew(dice: Random, order: dict[str, Any]) -> dict[str, Any]:
    """A resident order has no end."""
    return order if order["type"] == "resident" or dice.random() < 0.3 else order | {"renew": RENEW}


def _renew_fault(dice: Random) -> str:
    kind = dice.choice((*RENEW_FAULTS, "renew-silent-later", "renew-silent-later"))
    argument = f":{ARGUMENTS[kind]}" if kind in ARGUMENTS else ""
    return f"{kind}+{dice.randint(1, 2)}{argument}"


def _round(dice: Random, number: int, mutant: str | None, *, shared: bool) -> Round:
    count = dice.choices((1, 2, 3), (6, 3, 1))[0]
    jobs = [dice.choice(JOBS) for _ in range(count)]
    orders = tuple(_order(dice, f"o{number}-{n}") for n in range(1, dice.randint(*ORDERS[max(jobs)]) + 1))
    return Round(
        orders=orders,
        runners=tuple(_plan(dice, len(orders), mutant, jobs=jobs[n], first=not n) for n in range(count)),
        faults=_faults(dice, max(jobs)),
        strangers=tuple(_stranger(dice, orders) for _ in range(dice.randint(0, 2) if shared else 0)),
        settling=_settling(dice, mutant) if dice.random() < 0.75 else None,
    )


def _order(dice: Random, name: str) -> dict[str, Any]:
    """Two orders may be alike in all that the vendor sells. Their mark tells its books which of them was bought."""
    offer = dice.choice(OFFERS)
    mark = "coupon" if offer["type"] == "resident" else "customTargetName"
    card = {"paymentId": 43} if dice.random() < 0.08 else {}
    return {"name": name, **offer, **card, mark: name}


def _stranger(dice: Random, orders: tuple[dict[str, Any], ...]) -> Stranger:
    """Most of them want what we want: nothing but the mark, which no list shows, tells their order from ours."""
    wanted = dice.choice(orders) if dice.random() < 0.7 else dice.choice(OFFERS)
    order = {name: value for name, value in wanted.items() if name not in ("name", "coupon")}
    return Stranger(after=dice.uniform(0, 0.6), order=order | {"customTargetName": "somebody else"})


def _settling(dice: Random, mutant: str | None) -> Settling:
    plan = Plan(mutant=mutant)
    if dice.random() < 0.2:
        point = dice.choice(("settle-commit", "settle-committing", "settle-acked", "closing"))
        plan = Plan(mutant=mutant, point=point, do="KILL", late_us=dice.randint(0, 1500))
    look = f"{dice.choice(LOOK_FAULTS)}+{dice.randint(1, 2)}"
    return Settling(
        plan=plan,
        wait=dice.random() < 0.6,
        blind=dice.choice(BLINDING) if dice.random() < 0.1 else None,
        faults=(look,) if dice.random() < 0.25 else (),
        person=dice.random() < 0.6,
    )


def _plan(dice: Random, orders: int, mutant: str | None, *, jobs: int, first: bool) -> Plan:
    common: dict[str, Any] = {
        "mutant": mutant,
        "jobs": jobs,
        "cold": dice.random() < 0.03,
        "wait": 0.0 if first else dice.choice((0.0, 0.02, 0.1)),
        "lock_timeout": dice.choice((0.0, 0.0, 0.4)),
    }
    way = dice.random()
    if way < 0.10:
        return Plan(**common)
    do = dice.choice(SIGNALS)
    freeze = dice.choice(FREEZES) if do == "STOP" else 0.0
    if way < 0.35:
        return Plan(do=do, after=dice.uniform(0, 0.25), freeze=freeze, **common)
    point = dice.choice((*STEPS, *BETWEEN))
    if point in LATE:  # from another thread, where Python's handlers have no say: only the kernel's answers are sharp
        do, freeze = "KILL", 0.0
    lanes = min(jobs, orders)
    together = lanes > 1 and dice.random() < 0.5
    if together:
        point, n = dice.choice(MEETING), dice.choice((2, lanes, lanes))
    else:
        n = 1 if point in ("1", "closing") else dice.choice((1, 1, min(2, orders)))
    return Plan(point=point, n=n, together=together, do=do, freeze=freeze, late_us=dice.randint(0, 1500), **common)


def _faults(dice: Random, jobs: int) -> tuple[str, ...]:
    alone = tuple(_fault(dice) for _ in range(dice.choices((0, 1, 2), (5, 4, 1))[0]))
    at_once = jobs > 1 and dice.random() < 0.3
    return (*alone, dice.choice(AT_ONCE)) if at_once else alone


def _fault(dice: Random) -> str:
    """A fault without its place: `KIND+K[:ARG]`, K requests from when it is armed."""
    often = (*MAKE_FAULTS, "silent-later", "silent-later")  # what the waiting time is for
    kind = dice.choice(often) if dice.random() < 0.75 else dice.choice(READ_FAULTS)
    argument = f":{ARGUMENTS[kind]}" if kind in ARGUMENTS else ""
    return f"{kind}+{dice.randint(1, 2)}{argument}"

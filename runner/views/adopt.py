"""What can be taken over → lines or JSON: pairs with what speaks for and against them, and what is left to decide."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from runner.core.vendor import SeenOrder
from runner.evidence.pairs import Leftover, Pair
from runner.settle.adopt import Proposal
from runner.views.terminal.console import Channel, Console
from runner.views.terminal.safe import json_text, one_line
from runner.views.wording import plural, what

ADOPT_VERSION: Final = "1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptPage:
    """What is shown: the proposal, whether it is entered by now, and what leads a command to the same ledger.

    `path` is the manifest that is written.
    """

    proposal: Proposal
    is_entered: bool
    path: str | None = None
    flags: str = ""


def render(page: AdoptPage, *, fmt: str, console: Console) -> None:
    """Write it in one of `FORMATS` to stdout."""
    console.out.lines(FORMATS[fmt](page, console.out))


def _text(page: AdoptPage, channel: Channel) -> Iterator[str]:
    proposal = page.proposal
    for pair in proposal.pairs:
        yield from _pair_lines(pair, channel)
    for one in proposal.leftovers:
        yield from _leftover_lines(one, channel, page)
    yield from _stray_lines(page, channel)
    yield one_line(_summary(page))


def _pair_lines(pair: Pair, channel: Channel) -> Iterator[str]:
    request = pair.request
    content = what(request.type, request.fields, request.words)
    yield channel.paint("good", "adopt") + one_line(f"  {pair.key}  order {pair.order.order_id}  {content}")
    yield from (one_line(f"  for: {words}") for words in pair.grounds)
    yield from (channel.paint("warning", "  against: ") + one_line(words) for words in pair.doubts)


def _leftover_lines(one: Leftover, channel: Channel, page: AdoptPage) -> Iterator[str]:
    request = one.request
    content = what(request.type, request.fields, request.words)
    yield channel.paint("warning", "left") + one_line(f"  {request.key}  {content}: {one.reason}")
    for candidate in one.candidates[:3]:
        doubts = f": {'; '.join(candidate.doubts)}" if candidate.doubts else ""
        yield one_line(f"  {_order_text(candidate.order)}{doubts}")
        order_id = shlex.quote(candidate.order.order_id)
        yield one_line(f"  order-runner resolve {request.key} --placed {order_id}{page.flags}")


def _stray_lines(page: AdoptPage, channel: Channel) -> Iterator[str]:
    proposal = page.proposal
    for one in proposal.descriptions:
        key = f"{proposal.batch}/{one.name}"
        remark = f"; {one.remark}" if one.remark else ""
        yield channel.paint("good", "write") + one_line(f"  {key}  {_order_text(one.order)} ({one.type}){remark}")
    for order_id, why in proposal.remarks.items():
        yield channel.paint("warning", "receipt") + one_line(f"  order {order_id}: {why}")
    described = {one.order.order_id for one in proposal.descriptions}
    for product, orders in proposal.strays.items():
        for seen in orders:
            if seen.order_id in described:
                continue
            if reason := proposal.omissions.get(seen.order_id):
                head = channel.paint("warning", "by hand")
                yield head + one_line(f"  {_order_text(seen)} ({product}): {reason}")
                continue
            yield channel.paint("faint", "nobody's") + one_line(f"  {_order_text(seen)} ({product})")


def _order_text(seen: SeenOrder) -> str:
    countries = ", ".join(sorted(seen.countries)) or "no country"
    return f"order {seen.order_id}, {plural(seen.rows, 'row')}, {countries}, {seen.starts or '?'} to {seen.ends or '?'}"


def _summary(page: AdoptPage) -> str:
    proposal = page.proposal
    done = "adopted" if page.is_entered else "to adopt"
    parts = [f"{plural(len(proposal.pairs), 'order')} {done}" if proposal.pairs else "nothing to adopt"]
    parts += [f"{len(proposal.leftovers)} left"] if proposal.leftovers else []
    if proposal.descriptions:
        verb = "written to" if page.is_entered else "to write to"
        parts += [f"{plural(len(proposal.descriptions), 'order')} {verb} {page.path}"]
    strays = sum(map(len, proposal.strays.values())) - len(proposal.descriptions)
    parts += [f"{strays} that no manifest here wants"] if strays else []
    return ", ".join(parts)


def _json(page: AdoptPage, _channel: Channel) -> Iterator[str]:
    proposal = page.proposal
    described = {one.order.order_id for one in proposal.descriptions}
    document = {
        "version": ADOPT_VERSION,
        "entered": page.is_entered,
        "already_bought": proposal.number,
        "pairs": [
            {
                "key": str(pair.key),
                "order": _order_json(pair.order),
                "fingerprint": pair.request.fingerprint,
                "for": list(pair.grounds),
                "against": list(pair.doubts),
            }
            for pair in proposal.pairs
        ],
        "left": [
            {
                "key": str(one.request.key),
                "reason": one.reason,
                "candidates": [
                    {"order": _order_json(match.order), "against": list(match.doubts)} for match in one.candidates
                ],
            }
            for one in proposal.leftovers
        ],
        "unwanted": [
            {"type": product, **_order_json(seen), "reason": proposal.omissions.get(seen.order_id)}
            for product, orders in proposal.strays.items()
            for seen in orders
            if seen.order_id not in described
        ],
        "receipts": [{"order_id": order_id, "reason": reason} for order_id, reason in proposal.remarks.items()],
        "manifest": page.path if proposal.descriptions else None,
        "written": [
            {"key": f"{proposal.batch}/{one.name}", "order": _order_json(one.order), "fields": dict(one.fields)}
            for one in proposal.descriptions
        ],
    }
    yield json_text(document, indent=2)


def _order_json(seen: SeenOrder) -> Mapping[str, object]:
    return {
        "order_id": seen.order_id,
        "rows": seen.rows,
        "countries": sorted(seen.countries),
        "protocols": sorted(seen.protocols),
        "starts": seen.starts.isoformat() if seen.starts else None,
        "ends": seen.ends.isoformat() if seen.ends else None,
    }


FORMATS: Final[Mapping[str, Callable[[AdoptPage, Channel], Iterator[str]]]] = {"text": _text, "json": _json}

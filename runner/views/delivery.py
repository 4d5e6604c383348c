"""What was delivered: for people a table of proxies, and what is missing; and the report, which proves and shows none.

Logins, passwords and links are in the table only where a person asked for them. They are in no report.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from runner.core.clock import rfc3339
from runner.core.deliveries import Proxy
from runner.core.errors import ExitCode
from runner.deliver.joining import DeliveryState, OrderDelivery, counts
from runner.deliver.proofs import ALGORITHM, Proof, Prover
from runner.run.delivering import Delivered
from runner.views.formats.annotations import mask
from runner.views.proxies import spellings
from runner.views.terminal.console import Channel, Console
from runner.views.terminal.grid import Column, Grid, Row, show
from runner.views.terminal.safe import json_text, one_line
from runner.views.wording import plural

REPORT_VERSION: Final = "1.0"

COLUMNS: Final = ("order", "ip", "ports", "protocol", "country", "ends")
SECRET_COLUMNS: Final = ("login", "password", "link")

_WORDS: Final[Mapping[DeliveryState, str]] = {
    DeliveryState.DELIVERED: "delivered",
    DeliveryState.IN_PART: "delivered in part",
    DeliveryState.WAITING: "not delivered yet",
    DeliveryState.NO_LOGIN: "without a login",
    DeliveryState.SHORT: "short",
    DeliveryState.SURPLUS: "with foreign proxies",
    DeliveryState.ENDED: "ended",
    DeliveryState.UNREAD: "not read",
    DeliveryState.UNKNOWN: "in doubt",
    DeliveryState.NOT_BOUGHT: "not bought",
}
_STYLES: Final[Mapping[DeliveryState, str]] = {
    DeliveryState.DELIVERED: "good",
    DeliveryState.ENDED: "faint",
    DeliveryState.UNKNOWN: "error",
    DeliveryState.SURPLUS: "error",
}


def render(delivered: Delivered, console: Console, *, with_logins: bool = False) -> None:
    """The proxies as a table on stdout, then a line for each order that needs one, and how many there are of each."""
    deliveries = delivered.orders
    names = (*COLUMNS, *SECRET_COLUMNS) if with_logins else COLUMNS
    rows = [
        Row(cells=_cells(delivery, proxy, with_logins=with_logins))
        for delivery in deliveries
        for proxy in delivery.proxies
    ]
    show(Grid(columns=tuple(map(_column, names)), rows=rows), console.out)
    summarize(delivered, console.out)


def summarize(delivered: Delivered, channel: Channel) -> None:
    """A line for each order that is not simply delivered, and the totals."""
    deliveries = delivered.orders
    listed = [one for one in deliveries if not (delivered.every and one.state is DeliveryState.ENDED)]
    channel.lines(_order_lines(listed, channel))
    channel.lines(_failure_lines(delivered))
    channel.lines([_total(deliveries)])


def _column(name: str) -> Column:
    return Column(name=name)


def _cells(delivery: OrderDelivery, proxy: Proxy, *, with_logins: bool) -> tuple[str, ...]:
    ports = "/".join(str(port) for port in (proxy.port_http, proxy.port_socks) if port is not None)
    cells = (
        str(delivery.key),
        proxy.ip,
        ports,
        proxy.protocol,
        proxy.country or "",
        proxy.ends.isoformat() if proxy.ends else "",
    )
    return (*cells, proxy.login, proxy.password, proxy.rotation_link or "") if with_logins else cells


def _order_lines(deliveries: Iterable[OrderDelivery], channel: Channel) -> Iterator[str]:
    for one in deliveries:
        for foreign in one.foreign:
            rows = f"{plural_proxies(foreign.rows)} of order {foreign.order_id} at the vendor"
            text = f"{one.key}: {rows} not handed out: {foreign.reason}"
            yield channel.paint("warning", one_line(text))
        if not one.whole or one.reason or one.renamed_from:
            yield channel.paint(_STYLES.get(one.state, "warning"), one_line(_order_text(one)))


def _order_text(one: OrderDelivery) -> str:
    renamed = f" (asked for as {one.renamed_from})" if one.renamed_from else ""
    reason = f": {one.reason}" if one.reason else ""
    return f"{one.key}{renamed}: {_WORDS[one.state]}{reason}"


def _failure_lines(delivered: Delivered) -> Iterator[str]:
    for failure in delivered.failures:
        yield one_line(f"could not be read: {failure}")


def _total(deliveries: Sequence[OrderDelivery]) -> str:
    if not deliveries:
        return "the ledger has no bought orders"
    proxies = sum(len(one.proxies) for one in deliveries)
    states = counts(deliveries)
    parts = ", ".join(f"{states[state]:,} {_WORDS[state]}" for state in DeliveryState if states.get(state))
    return f"{plural_proxies(proxies)} of {plural(len(deliveries), 'order')}: {parts}"


def masks(proxies: Iterable[Proxy]) -> Iterator[str]:
    """The commands by which GitHub takes what opens these proxies out of every log, each spelling of it once."""
    every = {spelling for proxy in proxies for spelling in spellings(proxy)}
    lines = {line for value in every for line in (value, *value.splitlines()) if line.strip()}
    return (mask(line) for line in sorted(lines))


def compared_lines(proof: Proof, delivered: Delivered) -> Iterator[tuple[bool, str]]:
    """Of each order of a report, whether the vendor shows the same proxies now, and a line that says so."""
    now = {str(one.renamed_from or one.key): one for one in delivered.orders}
    for key, digest in proof.digests.items():
        one = now[key]
        if digest is None:
            yield True, f"{key}: nothing is proved; it was not delivered then, and is {_WORDS[one.state]} now"
        elif not one.proxies:
            yield False, f"{key}: cannot be compared; {_WORDS[one.state]}{f': {one.reason}' if one.reason else ''}"
        elif proof.prover.digest(one.proxies) == digest:
            yield True, f"{key}: the same {plural_proxies(len(one.proxies))}"
        else:
            yield False, f"{key}: changed; {plural_proxies(len(one.proxies))} now"


def plural_proxies(number: int) -> str:
    """`1 proxy`, `1,200 proxies`."""
    return "1 proxy" if number == 1 else f"{number:,} proxies"


# -- the report


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenFile:
    """A file that the call wrote: its format, its path as it was named, and how many proxies are in it."""

    fmt: str
    path: str
    proxies: int


def report_text(delivered: Delivered, code: ExitCode, files: Sequence[WrittenFile] = ()) -> str:
    """The report of a call as JSON, by schemas/delivery.schema.json: digests of rows, and no row."""
    prover, deliveries = Prover.fresh(), delivered.orders
    states = counts(deliveries)
    document = {
        "version": REPORT_VERSION,
        "run": {
            "id": delivered.run_id,
            "account": delivered.account,
            "base_url": delivered.base_url,
            "started_at": rfc3339(delivered.started_at),
            "finished_at": rfc3339(delivered.finished_at),
            "exit": {"code": int(code), "name": code.name.lower()},
        },
        "digest": {"algorithm": ALGORITHM, "iterations": prover.iterations, "salt": prover.salt},
        "summary": {"total": len(deliveries)} | {state.value: states.get(state, 0) for state in DeliveryState},
        "orders": [_entry(one, prover) for one in deliveries],
        "files": [{"format": file.fmt, "path": file.path, "proxies": file.proxies} for file in files],
        "failures": [str(failure) for failure in delivered.failures],
    }
    return json_text(document, indent=2) + "\n"


def _entry(one: OrderDelivery, prover: Prover) -> dict[str, Any]:
    return {
        "key": str(one.key),
        "renamed_from": str(one.renamed_from) if one.renamed_from else None,
        "type": one.type,
        "order_id": one.order_id,
        "state": one.state.value,
        "reason": one.reason or None,
        "ordered": one.quantity,
        "delivered": one.rows,
        "ends": one.ends.isoformat() if one.ends else None,
        "digest": prover.digest(one.proxies) if one.proxies else None,
        "foreign": [{"order_id": each.order_id, "proxies": each.rows, "reason": each.reason} for each in one.foreign],
    }

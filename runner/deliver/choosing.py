"""Which orders somebody asks for: those of manifests, of keys and patterns, or all that the account has bought."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from runner.core.errors import UsageError
from runner.core.ledger import Ledger
from runner.core.nearest import nearest
from runner.core.orders import OrderKey
from runner.core.records import Record
from runner.core.selection import names
from runner.core.states import OPEN, State
from runner.deliver.joining import WantedOrder


def choose(ledger: Ledger, written: Sequence[OrderKey], named: Sequence[str]) -> tuple[WantedOrder, ...]:
    """The orders `written` in manifests, then those `named` by a key or a pattern of keys, each once.

    A key that was renamed stands for the order it has become. UsageError for a name that no order has.
    """
    keys = [*written, *_keys(ledger, named)]
    later = ledger.successors(keys)
    asked = {later.get(key, key): key for key in reversed(keys)}
    records = ledger.records(asked)
    return tuple(
        WantedOrder(key=key, record=records.get(key), renamed_from=asked[key] if asked[key] != key else None)
        for key in dict.fromkeys(later.get(key, key) for key in keys)
    )


def everything(ledger: Ledger) -> tuple[WantedOrder, ...]:
    """Every order of the account that was bought, or may have been, by key. A renewal has no proxies of its own."""
    return tuple(WantedOrder(key=record.key, record=record) for record in _purchases(ledger) if _counts(record))


def _counts(record: Record) -> bool:
    return record.state in OPEN or (record.state is State.PLACED and record.order_id is not None)


def _purchases(ledger: Ledger) -> Iterator[Record]:
    return (record for record in ledger.every_record() if record.renews is None)


def _keys(ledger: Ledger, named: Sequence[str]) -> Iterator[OrderKey]:
    """The keys behind each text, a key or a pattern."""
    patterns = []
    for text in named:
        key = key_of(text)
        if key is None:
            patterns.append(text)
            continue
        if not ledger.records([key]):
            raise UsageError(f"there is neither a file nor an order {text}", hint=_way_out(text, ledger))
        yield key
    if patterns:
        yield from _matching(patterns, [record.key for record in _purchases(ledger)])


def key_of(text: str) -> OrderKey | None:
    """The key that a text is; None for a pattern. UsageError for a renewal's key, and for a text that is no key."""
    if is_pattern(text):
        return None
    try:
        key = OrderKey.parse(text)
    except ValueError as error:
        raise UsageError(f"there is no file {text}, and {error}") from None
    if key.term:
        raise UsageError(
            f"{text} is the renewal of an order: its proxies are those of {key.purchase}",
            hint=f"name {key.purchase}",
        )
    return key


def is_pattern(text: str) -> bool:
    """Whether it can stand for several names."""
    return any(character in text for character in "*?[")


def _matching(patterns: Iterable[str], keys: Collection[OrderKey]) -> Iterator[OrderKey]:
    for pattern in patterns:
        fitting = [key for key in keys if names(pattern, key)]
        if not fitting:
            raise UsageError(f"{pattern} matches no file and no order", hint="`order-runner status --all` lists orders")
        yield from fitting


def _way_out(text: str, ledger: Ledger) -> str:
    close = nearest(text, [str(record.key) for record in _purchases(ledger)])
    return f"did you mean {' or '.join(close)}?" if close else "`order-runner status --all` lists every order"

"""Which orders of the manifests a call is about. The others are named in the report and otherwise left alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from runner.core.errors import UsageError
from runner.core.nearest import nearest
from runner.core.orders import OrderKey, OrderRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """`only` and `exclude` hold names, keys or patterns of either (`fr-*`, `crawl/*`); every one of `labels` must fit.

    Empty, it takes every order.
    """

    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.only or self.exclude or self.labels)

    def left_out(self, request: OrderRequest) -> str | None:
        """Why an order is none of this call's business; None where it is selected."""
        if self.only and not any(names(pattern, request.key) for pattern in self.only):
            return "not selected: no --only matches it"
        pattern = next((pattern for pattern in self.exclude if names(pattern, request.key)), None)
        if pattern is not None:
            return f"not selected: --exclude {pattern}"
        missing = next((pair for pair in self.labels if request.labels.get(pair[0]) != pair[1]), None)
        return None if missing is None else f"not selected: without --label {missing[0]}={missing[1]}"

    def check(self, orders: Iterable[OrderRequest]) -> None:
        """UsageError where a part of it fits no order, or all of it together leaves none."""
        every = list(orders)
        for flag, patterns in (("--only", self.only), ("--exclude", self.exclude)):
            for pattern in patterns:
                if not any(names(pattern, order.key) for order in every):
                    texts = {text for order in every for text in (order.key.name, str(order.key))}
                    raise UsageError(f"{flag} {pattern} matches no order", hint=_way_out(pattern, texts))
        for name, value in self.labels:
            if not any(order.labels.get(name) == value for order in every):
                pairs = {f"{label}={text}" for order in every for label, text in order.labels.items()}
                raise UsageError(f"--label {name}={value} matches no order", hint=_way_out(f"{name}={value}", pairs))
        if self and all(self.left_out(order) for order in every):
            raise UsageError(
                "no order is selected: each option matches some orders, but no order matches all of them",
                hint="--only, --exclude and --label are combined: an order must pass all of them",
            )

    def as_json(self) -> Mapping[str, object]:
        labels = [f"{name}={value}" for name, value in self.labels]
        return {"only": list(self.only), "exclude": list(self.exclude), "labels": labels}


EVERYTHING = Selection()


def names(pattern: str, key: OrderKey) -> bool:
    """Whether a name, a key or a pattern means this order; case counts, and `*` passes over `/`, too."""
    return any(fnmatchcase(text, pattern) for text in (key.name, f"{key.batch}/{key.name}", str(key)))


def label_of(text: str) -> tuple[str, str]:
    """`team=data` as a pair. UsageError for anything else."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise UsageError(f"--label {text}: not NAME=VALUE", hint="write it as in --label team=data")
    return name, value


def _way_out(text: str, candidates: Iterable[str]) -> str:
    """The way out of a name that is not there."""
    texts = sorted(candidates)
    close = nearest(text, texts)
    if close:
        return f"did you mean {' or '.join(close)}?"
    if not texts:
        return "the manifests have no labels"
    return f"there are {', '.join(texts[:6])}{', …' if len(texts) > 6 else ''}"

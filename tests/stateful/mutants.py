"""Broken code, each a patch that lasts for a `with`. Games in which none of them is noticed prove nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from unittest import mock

from runner.core.errors import VendorUnavailable
from runner.evidence import judge
from runner.vendors.v1 import adapter
from tests.simulation import mutants as simulated

Mutant = Callable[[], AbstractContextManager[object]]


def retry_after_timeout() -> AbstractContextManager[object]:
    """No answer in time is taken for not sent, and tried again."""
    return simulated._lost_is_not_sent("no complete answer")


def failed_list_is_empty() -> AbstractContextManager[object]:
    """A list that could not be read is taken for an empty one."""
    return mock.patch.object(adapter, "decode_look", _or_nothing(adapter.decode_look, ()))


def _or_nothing(real: Callable[..., Any], nothing: Any) -> Callable[..., Any]:
    def read(*given: Any) -> Any:
        try:
            return real(*given)
        except VendorUnavailable:
            return nothing

    return read


def no_waiting_time() -> AbstractContextManager[object]:
    """An order is called absent before it can have come."""
    return mock.patch.object(judge.Rules, "waits", return_value=timedelta(0))


def absent_by_the_list_alone() -> AbstractContextManager[object]:
    """The balance is no witness."""
    return mock.patch.object(judge, "_balance_fall", return_value=Decimal(0))


MUTANTS: Final[Mapping[str, Mutant]] = {
    **{
        mutant.__name__.replace("_", "-"): mutant
        for mutant in (retry_after_timeout, failed_list_is_empty, no_waiting_time, absent_by_the_list_alone)
    },
    **{
        name: simulated.MUTANTS[name]
        for name in (
            "mark-after-sending",
            "reset-is-not-sent",
            "server-error-is-not-bought",
            "no-id-is-rejected",
            "malformed-is-rejected",
            "error-with-an-order-is-rejected",
            "abandoned-is-planned",
        )
    },
}

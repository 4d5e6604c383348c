"""Declarative batch orders: manifests in git, bought at most once, every charge known by name.

As a library: `load` reads manifests, an `Account` plans, buys and reports. docs/library.md shows how.
Imports what it exports when it is asked for, so that `import runner` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner._version import __version__
    from runner.core.errors import (
        AccessError,
        Busy,
        Cancelled,
        InvalidManifests,
        LedgerUnusable,
        OrdersFailed,
        OutcomeUnknown,
        Problem,
        Refused,
        RunnerError,
        UsageError,
        VendorUnavailable,
    )
    from runner.core.orders import OrderKey
    from runner.core.secrets import ApiKey
    from runner.core.selection import Selection
    from runner.core.stop import Stop
    from runner.library.account import Account, Emulator, load
    from runner.library.answers import Applied, Manifests, Ordered, Planned, Reconciled
    from runner.limits.limits import Limits
    from runner.run.delivering import Delivered
    from runner.settle.sums import Spent

__all__ = [
    "AccessError",
    "Account",
    "ApiKey",
    "Applied",
    "Busy",
    "Cancelled",
    "Delivered",
    "Emulator",
    "InvalidManifests",
    "LedgerUnusable",
    "Limits",
    "Manifests",
    "OrderKey",
    "Ordered",
    "OrdersFailed",
    "OutcomeUnknown",
    "Planned",
    "Problem",
    "Reconciled",
    "Refused",
    "RunnerError",
    "Selection",
    "Spent",
    "Stop",
    "UsageError",
    "VendorUnavailable",
    "__version__",
    "load",
]

_HOMES = {
    "__version__": "_version",
    "Delivered": "run.delivering",
    "Limits": "limits.limits",
    "OrderKey": "core.orders",
    "ApiKey": "core.secrets",
    "Selection": "core.selection",
    "Spent": "settle.sums",
    "Stop": "core.stop",
    **dict.fromkeys(("Account", "Emulator", "load"), "library.account"),
    **dict.fromkeys(("Applied", "Manifests", "Ordered", "Planned", "Reconciled"), "library.answers"),
}
"""Where each name lives, unless it is an error."""


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_HOMES.get(name, 'core.errors')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

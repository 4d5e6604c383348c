"""What can go wrong, and the exit code it ends in.

    RunnerError                 exit
    ├── UsageError              2   a bad option, a missing file, no key, no ledger in CI
    ├── AccessError             3   the vendor refused the key, the address or the rate
    ├── InvalidManifests        4   findings in manifests; carries every Problem
    ├── Refused                 5   a check stopped it before money moved
    │   ├── NotThisAccount      5   a call may not act for the account that it names
    │   │   ├── KeyOfAnother    5   the ledger knows the key under another account's name
    │   │   ├── KeyChanged      5   key or address are not the ones that the ledger knows
    │   │   └── AccountUnknown  5   the name is new to a ledger that has others
    │   ├── LedgerUnusable      5   the ledger cannot be trusted or written
    │   │   ├── LedgerMissing   5   there is none where one has to be
    │   │   ├── LedgerOutdated  5   it is of an older version, and was opened for reading only
    │   │   └── LedgerReplaced  5   it is gone, or not the one that was in use here
    │   └── VendorUnavailable   5   the vendor did not answer a read
    │       └── UnknownForm     5   it did, in its envelope, with content in a form that nobody knows
    ├── OrdersFailed            6   the vendor refused some orders; nothing unknown
    ├── OutcomeUnknown          7   a charge is possible and not settled
    ├── Cancelled               8   a signal stopped the run
    └── Busy                    9   another run holds the account

What can be collected is a `Problem`, a value; only what must stop a run is raised.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar, Literal


class ExitCode(IntEnum):
    """Exit codes of every command, in the order of precedence of `PRECEDENCE`."""

    OK = 0
    INTERNAL = 1
    USAGE = 2
    ACCESS = 3
    INVALID = 4
    REFUSED = 5
    ORDERS_FAILED = 6
    OUTCOME_UNKNOWN = 7
    CANCELLED = 8
    BUSY = 9
    CHANGES = 10
    NOT_DELIVERED = 11


PRECEDENCE = (
    ExitCode.OUTCOME_UNKNOWN,
    ExitCode.ACCESS,
    ExitCode.ORDERS_FAILED,
    ExitCode.CANCELLED,
    ExitCode.REFUSED,
    ExitCode.BUSY,
    ExitCode.INVALID,
    ExitCode.USAGE,
    ExitCode.NOT_DELIVERED,
    ExitCode.CHANGES,
    ExitCode.INTERNAL,
    ExitCode.OK,
)


def worst(*codes: ExitCode) -> ExitCode:
    """The code that wins where several apply; `OK` for none."""
    return min(codes, key=PRECEDENCE.index, default=ExitCode.OK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A place in a text: lines and columns count from 1, in characters; the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One finding: what is wrong, where, and the way out.

    `code` is documented in docs/findings.md. `path` is as the user spelled it (`-` for stdin), None for findings
    that belong to no file. `field` is a manifest field name, `key` the order's key where it is known.
    """

    code: str
    message: str
    severity: Severity = "error"
    hint: str | None = None
    path: str | None = None
    span: Span | None = None
    field: str | None = None
    key: str | None = None

    @property
    def place(self) -> str:
        """`path:line:column`, as much of it as is known."""
        where = self.path or "<batch>"
        return f"{where}:{self.span.line}:{self.span.column}" if self.span else where

    @property
    def order(self) -> tuple[str, int, int, str, str]:
        """Sort key: by file, place, code."""
        line, column = (self.span.line, self.span.column) if self.span else (0, 0)
        return (self.path or "", line, column, self.code, self.message)


class RunnerError(Exception):
    """Stops a run. `str()` is one sentence; `hint` is the way out.

    Raised by a call of the library, `report` is what the run came to, as in docs/report.md, if it got so far.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.INTERNAL
    finding: ClassVar[str | None] = None
    """Its code in docs/findings.md, for errors that have one wherever they are raised."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        self.report: Mapping[str, Any] | None = None


class UsageError(RunnerError):
    exit_code = ExitCode.USAGE


class AccessError(RunnerError):
    exit_code = ExitCode.ACCESS


class InvalidManifests(RunnerError):
    exit_code = ExitCode.INVALID

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        count = sum(problem.severity == "error" for problem in problems)
        super().__init__(f"{count} error{'s' if count != 1 else ''} in the manifests")
        self.problems = problems


class Refused(RunnerError):
    exit_code = ExitCode.REFUSED


class NotThisAccount(Refused):
    """A call may not act for the account that it names."""


class KeyOfAnother(NotThisAccount):
    """The ledger knows this API key under the name of another account."""

    finding = "PSR607"


class KeyChanged(NotThisAccount):
    """The key, or the address it is sent to, is not the one that the ledger last knew for this account."""

    finding = "PSR608"


class AccountUnknown(NotThisAccount):
    """The account's name is new to a ledger that has other accounts."""

    finding = "PSR609"


class LedgerUnusable(Refused):
    """Read-only, full, corrupt, of a newer version, or not ours."""


class LedgerMissing(LedgerUnusable):
    """There is none where the call was told to look, and this call makes none."""


class LedgerOutdated(LedgerUnusable):
    """Of an older version, and opened for reading only: the next purchase brings it up to date."""


class LedgerReplaced(LedgerUnusable):
    """Moved, removed or replaced while it was in use, or without events that this machine knows it had."""


class VendorUnavailable(Refused):
    """A read was not answered, or not in a form that can be believed; nothing was bought by it."""


class UnknownForm(VendorUnavailable):
    """A read was answered, and what the answer holds is in a form that nobody knows."""


class OrdersFailed(RunnerError):
    """Some orders were refused by the vendor, or could not be sent; nothing is unknown."""

    exit_code = ExitCode.ORDERS_FAILED


class OutcomeUnknown(RunnerError):
    exit_code = ExitCode.OUTCOME_UNKNOWN


class Cancelled(RunnerError):
    exit_code = ExitCode.CANCELLED


class Busy(RunnerError):
    exit_code = ExitCode.BUSY

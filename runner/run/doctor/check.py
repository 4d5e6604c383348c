"""What `doctor` finds, as values: one `Check` a line, and the exit code they come to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from runner.core.errors import ExitCode, worst

DOCTOR_VERSION: Final = "1.0"

State = Literal["ok", "warning", "failed", "not checked"]
Fact = str | int | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check. `hint` is the way out, `code` what a failure ends in, `facts` are for programs."""

    state: State
    text: str
    name: str = ""
    hint: str | None = None
    code: ExitCode = ExitCode.OK
    facts: Mapping[str, Fact] = field(default_factory=dict)


def ok(text: str, **facts: Fact) -> Check:
    """Nothing is wrong."""
    return Check(state="ok", text=text, facts=facts)


def warning(text: str, hint: str, **facts: Fact) -> Check:
    """Nothing is refused for it, and somebody should know."""
    return Check(state="warning", text=text, hint=hint, facts=facts)


def failure(code: ExitCode, text: str, hint: str | None, **facts: Fact) -> Check:
    """A command would end with this code for it."""
    return Check(state="failed", text=text, hint=hint, code=code, facts=facts)


def not_checked(text: str, **facts: Fact) -> Check:
    """Nothing is known, for this reason."""
    return Check(state="not checked", text=text, facts=facts)


def exit_code(checks: Iterable[Check]) -> ExitCode:
    """The worst of what failed."""
    return worst(*(check.code for check in checks))

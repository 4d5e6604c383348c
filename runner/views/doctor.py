"""What `doctor` found → a line each with what to do below it, or JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from runner._version import __version__
from runner.run.doctor.check import DOCTOR_VERSION, Check, exit_code
from runner.views.terminal.console import Channel, Console
from runner.views.terminal.safe import json_text, one_line

STYLES: Final = {"ok": "good", "warning": "warning", "failed": "error", "not checked": "faint"}
_STATE: Final = max(map(len, STYLES))


def render(checks: Sequence[Check], *, fmt: str, console: Console) -> None:
    """Write the checks in one of `FORMATS` to stdout."""
    console.out.lines(FORMATS[fmt](checks, console.out))


def _text(checks: Sequence[Check], channel: Channel) -> Iterator[str]:
    width = max((len(check.name) for check in checks), default=0)
    for check in checks:
        state = channel.paint(STYLES[check.state], check.state.ljust(_STATE))
        yield f"{state}  {check.name.ljust(width)}  {one_line(check.text)}"
        if check.hint:
            yield f"{' ' * (_STATE + width + 4)}{channel.paint('note', 'hint:')} {one_line(check.hint)}"
    yield _closing(checks)


def _closing(checks: Sequence[Check]) -> str:
    code = exit_code(checks)
    counts = [(state, sum(check.state == state for check in checks)) for state in ("failed", "warning", "not checked")]
    parts = ", ".join(f"{number} {state}" for state, number in counts if number)
    return f"{parts or 'no problems'}; exit code {int(code)} ({code.name.lower()})"


def _json(checks: Sequence[Check], _: Channel) -> Iterator[str]:
    code = exit_code(checks)
    document = {
        "doctor_version": DOCTOR_VERSION,
        "tool": {"name": "order-runner", "version": __version__},
        "exit": {"code": int(code), "name": code.name.lower()},
        "checks": [_check_json(check) for check in checks],
    }
    yield json_text(document, indent=2)


def _check_json(check: Check) -> Mapping[str, object]:
    return {
        "name": check.name,
        "state": check.state,
        "message": check.text,
        "hint": check.hint,
        "exit_code": int(check.code),
        "facts": dict(check.facts),
    }


FORMATS: Final[Mapping[str, Callable[[Sequence[Check], Channel], Iterator[str]]]] = {"text": _text, "json": _json}

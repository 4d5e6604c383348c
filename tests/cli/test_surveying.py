"""`status --online` as it is typed: which options need it, and what its exit codes come to."""

from __future__ import annotations

from datetime import timedelta

import pytest

from runner.cli import run
from runner.cli.surveying import code_of
from runner.core.errors import AccessError, ExitCode, VendorUnavailable
from runner.core.states import State
from runner.evidence.rentals import FactKind, Moment, Rental
from runner.settle.survey import Survey
from tests import make

WHEN = Moment(at=make.AT, near=(make.AT + timedelta(days=7)).date())
QUIET = Rental(key=make.order().key, type="ipv4", state=State.PLACED)
ENDING = Rental(key=make.order().key, type="ipv4", state=State.PLACED, facts=(FactKind.ENDS,))
DOUBT = Rental(key=make.order().key, type="ipv4", state=State.UNKNOWN, facts=(FactKind.UNKNOWN,))


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--ending", "7d"), "--ending needs --online"),
        (("--no-note",), "--no-note needs --online"),
        (("--detailed-exitcode",), "--detailed-exitcode needs --online"),
        (("-f", "markdown"), "-f markdown needs --online"),
        (("--online", "-f", "xml"), "unknown format 'xml'"),
        (("--online", "--ending", "soon"), "'soon' is not a duration"),
        (("--online", "--only", "a"), "need manifests"),
    ],
)
def test_options_that_make_no_sense_alone(
    options: tuple[str, ...], named: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A usage error names the option, before anything is read."""
    monkeypatch.delenv("ORDER_RUNNER_LEDGER", raising=False)
    assert run(["status", "--sandbox", *options]) == 2
    assert named in capsys.readouterr().err


@pytest.mark.parametrize(
    ("survey", "detailed", "code"),
    [
        (Survey(when=WHEN, types=(), rentals=(QUIET,)), True, ExitCode.OK),
        (Survey(when=WHEN, types=(), rentals=(ENDING,)), False, ExitCode.OK),
        (Survey(when=WHEN, types=(), rentals=(ENDING,)), True, ExitCode.CHANGES),
        (Survey(when=WHEN, types=(), rentals=(ENDING, DOUBT)), True, ExitCode.OUTCOME_UNKNOWN),
        (Survey(when=WHEN, types=(), failures={"ipv4": VendorUnavailable("x")}), False, ExitCode.REFUSED),
        (Survey(when=WHEN, types=(), failures={"ipv4": AccessError("x")}), True, ExitCode.ACCESS),
        (Survey(when=WHEN, types=(), rentals=(DOUBT,), failures={"isp": AccessError("x")}), True, ExitCode(7)),
    ],
)
def test_codes(survey: Survey, detailed: bool, code: ExitCode) -> None:
    """Doubt first, then what could not be read, then what is to act on, if that was asked for."""
    assert code_of(survey, detailed=detailed) is code
